"""Kill -9 while records and callbacks are posted, tasks synced and proof collected; then account for every single one.

`python -m tests.acceptance.torture [--kills N] [--seed N] [--database sqlite|postgresql|both]` is the long run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from standardwebhooks import Webhook

from healthdesk.api.callbacks import CallbackFilter
from healthdesk.api.records import RecordFilter
from healthdesk.client.client import Client
from healthdesk.domain.states import AlertEvent, AlertState, CallbackState, ProblemState, RecordState
from tests.acceptance.torture_work import Work
from tests.harness.desk import Delivery, Desk, set_up_callbacks, set_up_delivery
from tests.harness.serving import until
from tests.harness.sinks import Endpoint, endpoint_and_chat
from tests.harness.work import GithubNow

FATES = ("ok", "ok", "ok", "ok", "slow", "flaky", "limited", "reject")
RECORD_CLIENTS = 5
CALLBACK_CLIENTS = 2
CALLBACK_SECRET = "whsec_" + "dGhlIHNlY3JldCBvZiBhIGNhbGxiYWNrIGFwcA=="
FINAL = {RecordState.DELIVERED, RecordState.FAILED}
SETTLE_TIMEOUT_S = 120.0

SETTINGS = {
    "HEALTHDESK_DELIVERY__SCHEDULE": "0s,0.3s,0.5s,1s,1s,2s,2s,2s,2s,2s,2s,2s,2s,2s,2s,2s,2s,2s,2s,2s",
    "HEALTHDESK_DELIVERY__TIMEOUT": "5s",
    "HEALTHDESK_ALERTS__SCHEDULE": "0s,0.5s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s",
}


@dataclass
class Posted:
    """What the clients were promised."""

    records: dict[str, str] = field(default_factory=dict)
    """Idempotency key → id answered 2xx."""
    fates: dict[str, str] = field(default_factory=dict)
    callbacks: dict[str, str] = field(default_factory=dict)
    """Delivery id → id answered 2xx."""
    answers: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    """Requests that ended without an answer."""
    wrong: list[str] = field(default_factory=list)


class Clients:
    """Several clients that post until told to stop, repeating a request until it is answered 2xx."""

    def __init__(self, delivery: Delivery, callback_url: str, rng: random.Random) -> None:
        self.delivery = delivery
        self.callback_url = callback_url
        self.rng = rng
        self.posted = Posted()
        self.stop = asyncio.Event()

    async def run(self) -> None:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
            asyncio.TaskGroup() as group,
        ):
            for number in range(RECORD_CLIENTS):
                group.create_task(self._post_records(http, number))
            for number in range(CALLBACK_CLIENTS):
                group.create_task(self._post_callbacks(http, number))

    async def _post_records(self, http: aiohttp.ClientSession, client: int) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            key = f"client-{client}-{number}"
            fate = self.rng.choice(FATES)
            body = json.dumps(
                {
                    "source": self.delivery.source,
                    "level": "low",
                    "completed_at": datetime.now(UTC).isoformat(),
                    "data": {"participant": key, "fate": fate},
                }
            )
            headers = {**self.delivery.headers, "Idempotency-Key": key}
            record_id = await self._until_accepted(http, self.delivery.url, body.encode(), headers)
            # The same key again, as a client does that did not hear the answer: it must get the same id.
            if self.rng.random() < 0.1:
                again = await self._until_accepted(http, self.delivery.url, body.encode(), headers)
                if again != record_id:
                    self.posted.wrong.append(f"{key}: {record_id} and then {again}")
            self.posted.records[key] = record_id
            self.posted.fates[record_id] = fate
            await asyncio.sleep(self.rng.random() * 0.02)

    async def _post_callbacks(self, http: aiohttp.ClientSession, client: int) -> None:
        signer, number = Webhook(CALLBACK_SECRET), 0
        while not self.stop.is_set():
            number += 1
            delivery_id = f"delivery-{client}-{number}"
            body = json.dumps({"event": "updated", "number": number})
            now = datetime.now(UTC)
            headers = {
                "webhook-id": delivery_id,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": signer.sign(delivery_id, now, body),
                "Content-Type": "application/json",
            }
            self.posted.callbacks[delivery_id] = await self._until_accepted(
                http, self.callback_url, body.encode(), headers
            )
            await asyncio.sleep(self.rng.random() * 0.05)

    async def _until_accepted(
        self, http: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]
    ) -> str:
        while True:
            try:
                async with http.post(url, data=body, headers=headers) as answer:
                    self.posted.answers[answer.status] += 1
                    if answer.status // 100 == 2:
                        accepted: str = (await answer.json())["id"]
                        return accepted
                    if answer.status not in {500, 503, 429}:
                        self.posted.wrong.append(f"{answer.status} {await answer.text()}")
            except (aiohttp.ClientError, OSError, TimeoutError):
                self.posted.broken += 1
            await asyncio.sleep(0.05)


async def torture(desk: Desk, *, kills: int, rng: random.Random) -> dict[str, object]:
    """Run the whole ordeal on a desk that is not started yet; AssertionError says what was lost."""
    async with endpoint_and_chat() as (endpoint, chat), GithubNow() as github:
        await desk.start()
        delivery = await set_up_delivery(desk, endpoint.url)
        connection_id = await set_up_callbacks(desk, CALLBACK_SECRET)
        async with desk.client() as client:
            await client.channel_create("chat", chat.channel_url)
        clients = Clients(delivery, f"{desk.url}/v1/callbacks/{connection_id}", rng)
        work = Work(desk, github, rng)
        await work.set_up()
        posting = asyncio.create_task(clients.run())
        working = asyncio.create_task(work.run())
        try:
            for _ in range(kills):
                await asyncio.sleep(0.05 + rng.random() * 0.9)
                desk.kill()
                await desk.start()
            # However slow the machine, enough was promised to hold the desk to.
            await until(lambda: _enough(clients.posted, work))
        finally:
            clients.stop.set()
            work.stop.set()
            await asyncio.gather(posting, working)
        accounted = await work.account()
        async with desk.client() as client:
            await _settled(client, desk)
            report = await _account(client, clients.posted, endpoint, delivery)
            report |= await _account_alerts(client, chat.messages) | accounted
        assert await desk.stop() == 0, desk.log[-3000:]
        return {"kills": kills, **report}


async def _enough(posted: Posted, work: Work) -> bool:
    told_of = "reject" in posted.fates.values()  # without one there is no problem whose alerts could be lost
    return told_of and len(posted.records) > 5 and len(posted.callbacks) > 2 and len(work.promised.ids) > 2


async def _settled(client: Client, desk: Desk) -> None:
    """Wait until every record is in a final state and every alert is sent."""
    try:
        async with asyncio.timeout(SETTLE_TIMEOUT_S):
            while True:
                ledger = await client.ledger()
                open_states = {
                    state: count
                    for row in ledger.rows
                    for state, count in row.states.items()
                    if count and RecordState(state) not in FINAL
                }
                waiting = [a for a in (await client.alerts_list(limit=500)).items if a.state in UNSENT]
                if not open_states and not waiting:
                    return
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"stuck: {open_states} {waiting}\n{desk.log[-3000:]}") from None


UNSENT = {AlertState.QUEUED, AlertState.SENDING, AlertState.RETRYING}


async def _account(
    client: Client, posted: Posted, endpoint: Endpoint, delivery: Delivery
) -> dict[str, object]:
    """Compare what was promised with what is stored and what the endpoint saw."""
    assert not posted.wrong, posted.wrong[:5]
    stored = {}
    after = None
    rows = 0
    while True:
        page = await client.records_list(
            RecordFilter(integration_id=delivery.integration_id), after=after, limit=500
        )
        rows += len(page.items)
        stored |= {record.id: record for record in page.items}
        after = page.next
        if after is None:
            break
    promised = set(posted.records.values())
    assert len(promised) == len(posted.records), "two keys got the same record"
    assert rows == len(stored), "the log shows a record twice"
    missing = promised - stored.keys()
    assert not missing, f"{len(missing)} of {len(promised)} answered records are not in the store"
    extra = stored.keys() - promised
    assert not extra, f"{len(extra)} records stored that no key stands for (stored twice)"
    for record in stored.values():
        wanted = RecordState.FAILED if posted.fates[record.id] == "reject" else RecordState.DELIVERED
        assert record.state is wanted, f"{record.id} {posted.fates[record.id]}: {record.state} {record.error}"
        assert endpoint.seen[record.webhook_id] >= 1, f"{record.id} was never sent"
        if record.state is RecordState.DELIVERED:
            assert endpoint.answered[record.webhook_id] == 200, record.id
    ledger = await client.ledger()
    assert ledger.balanced, ledger
    counted = Counter(record.state.value for record in stored.values())
    totals = {state: count for row in ledger.rows for state, count in row.states.items() if count}
    assert totals == dict(counted), f"the ledger says {totals}, the log has {dict(counted)}"
    callbacks = await _callbacks(client)
    assert callbacks == set(posted.callbacks), "callbacks stored are not those answered 2xx"
    return {
        "records": len(stored),
        "delivered": counted["delivered"],
        "failed": counted["failed"],
        "sent_more_than_once": sum(count > 1 for count in endpoint.seen.values()),
        "callbacks": len(callbacks),
        "broken_requests": posted.broken,
    }


async def _callbacks(client: Client) -> set[str]:
    found: list[str] = []
    after = None
    while True:
        page = await client.callbacks_list(
            CallbackFilter(states=[CallbackState.ACCEPTED, CallbackState.PROCESSED]), after=after, limit=500
        )
        found += [callback.delivery_id for callback in page.items]
        after = page.next
        if after is None:
            break
    assert len(found) == len(set(found)), "a callback is stored twice"
    return set(found)


async def _account_alerts(client: Client, messages: list[dict[str, str]]) -> dict[str, object]:
    """Every problem that opened was announced, and every announcement arrived."""
    problems = (await client.problems_list(states=[*ProblemState], limit=500)).items
    opened = [problem for problem in problems if problem.opened_at is not None]
    assert any("risk_level" in problem.cause for problem in opened), [p.cause for p in problems]
    alerts = (await client.alerts_list(limit=500)).items
    for problem in opened:
        told = [alert for alert in alerts if alert.problem_id == problem.id]
        assert told, f"{problem.id} ({problem.cause}) was never announced"
        for alert in told:
            assert alert.state in {AlertState.SENT, AlertState.SUPERSEDED}, alert
            if alert.state is AlertState.SENT:
                assert any(problem.id in message.get("message", "") for message in messages), problem.id
        last = max(
            (alert for alert in told if alert.state is AlertState.SENT),
            key=lambda alert: alert.id,
            default=None,
        )
        if problem.state is ProblemState.RESOLVED:
            assert last is None or last.event is AlertEvent.RECOVERED, f"{problem.id}: its end was never told"
        elif problem.state is not ProblemState.FORMING:
            assert last is not None, f"{problem.id} is open and was never told"
            assert last.event is not AlertEvent.RECOVERED, f"{problem.id} is open and was told to be over"
    return {"problems": len(opened), "messages": len(messages)}


def main() -> int:
    """The long run, both databases in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    options = parser.parse_args()
    chosen = ["sqlite", "postgresql"] if options.database == "both" else [options.database]
    for database in chosen:
        with tempfile.TemporaryDirectory(prefix="healthdesk-torture-") as folder, ExitStack() as stack:
            url = ""
            if database == "postgresql":
                from tests.harness.postgres import running_postgres

                (Path(folder) / "pg").mkdir()
                url = stack.enter_context(running_postgres(Path(folder) / "pg"))
            desk = Desk(Path(folder) / "desk", url, dict(SETTINGS))
            stack.callback(desk.end)
            report = asyncio.run(torture(desk, kills=options.kills, rng=random.Random(options.seed)))
            sys.stdout.write(json.dumps({"database": database, "seed": options.seed, **report}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
