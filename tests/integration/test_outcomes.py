"""A daemon at work finds out what became of records that were not answered, or are confirmed later."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest
from standardwebhooks import Webhook
from tests.harness.desk import set_up_delivery
from tests.harness.postgres import running_postgres
from tests.harness.serving import served_desk, until
from tests.integration.engine_desk import QUICK, counted, post_many
from tests.integration.http_desk import http_desk

from healthdesk.api.integrations import EnvironmentEdit, EnvironmentSettings, IntegrationEdit
from healthdesk.api.keys import ReceiptSecretCreate
from healthdesk.api.records import RecordFilter
from healthdesk.client.client import Client
from healthdesk.domain.states import Environment, RecordState
from healthdesk.engine import outcomes
from healthdesk.engine.slots import Pace
from healthdesk.errors import ApiRefused
from healthdesk.store import look_ups
from healthdesk.testing import Behaviour, FakeClock, FakeEndpoint, close_after_request, hold, reply

LOOKUP = {"path": "/records/{webhook_id}"}


class Crm:
    """An endpoint that keeps what is posted and tells what it has; `takes` says how it deals with a post."""

    def __init__(self, endpoint: FakeEndpoint) -> None:
        self.endpoint = endpoint
        self.has: set[str] = set()
        self.takes = reply(200)
        self.says = None
        endpoint.behave(Behaviour("crm", self._act))

    async def _act(self, visit):
        request = visit.request
        if request.method == "POST" and request.path == "/hra":
            self.has.add(request.headers["webhook-id"])
            return await self.takes.act(visit)
        if self.says is not None:
            return await self.says.act(visit)
        return await reply(200 if request.path.rpartition("/")[2] in self.has else 404).act(visit)

    @property
    def posts(self) -> Counter[str]:
        return Counter(each.headers["webhook-id"] for each in self.endpoint.requests if each.path == "/hra")

    @property
    def questions(self) -> list[str]:
        return [each.path for each in self.endpoint.requests if each.path != "/hra"]


@pytest.fixture
async def crm():
    async with FakeEndpoint() as endpoint:
        yield Crm(endpoint)


@pytest.fixture
async def desk(tmp_path, monkeypatch):
    monkeypatch.setattr(
        outcomes, "POLL_S", 0.1
    )  # most of the time of these tests was spent until the next look
    async with served_desk(tmp_path / "desk", **QUICK) as running:
        yield running


async def delivering(desk, crm, on_unknown="hold", name="CRM", source="heart-health", **delivery):
    made = await set_up_delivery(desk, crm.endpoint.url, name=name, source=source)
    async with desk.client() as client:
        edit = EnvironmentEdit(on_unknown=on_unknown, delivery=delivery)
        await client.integration_edit(made.integration_id, IntegrationEdit(production=edit))
    return made


async def events_of(desk, record_id):
    async with desk.client() as client:
        return [(each.kind.value, each.by, each.sentence) for each in (await client.record(record_id)).events]


def forgetful(crm, times=1):
    """Lose the first posts without an answer: the endpoint does not keep them."""
    keep = crm.takes

    async def act(visit):
        nonlocal times
        times -= 1
        if times < 0:
            return await keep.act(visit)
        crm.has.discard(visit.request.headers["webhook-id"])
        visit.writer.close()
        return False

    crm.takes = Behaviour("lost", act)


def silent(crm, times):
    """Take the first posts without ever answering."""
    answer, never = crm.takes, hold()

    async def act(visit):
        nonlocal times
        times -= 1
        return await (answer if times < 0 else never).act(visit)

    crm.takes = Behaviour("silent", act)


@pytest.mark.parametrize("on_unknown", ["hold", "resend"])
async def test_what_arrived_without_an_answer_is_found_and_not_sent_again(desk, crm, on_unknown):
    crm.takes = close_after_request()
    made = await delivering(desk, crm, on_unknown, lookup=LOOKUP)
    (record_id,) = await post_many(made, 1)
    await counted(desk, delivered=1)
    assert crm.posts == {record_id: 1}
    assert crm.questions == [f"/records/{record_id}"]
    assert await events_of(desk, record_id) == [
        ("looked_up", "", "The endpoint has it: it was asked and answered 200.")
    ]
    async with desk.client() as client:
        record = await client.record(record_id)
        assert (record.error, record.problem_id, record.attempts[0].outcome.value) == ("", None, "unknown")
        assert record.timeline[1].sentence.startswith("First attempt, arrival unknown after ")


async def test_what_did_not_arrive_is_sent_again_with_the_same_webhook_id(desk, crm):
    forgetful(crm)
    made = await delivering(desk, crm, lookup=LOOKUP)
    (record_id,) = await post_many(made, 1)
    await counted(desk, delivered=1)
    assert crm.posts == {record_id: 2}
    assert len(crm.questions) == 1
    ((_, _, sentence),) = await events_of(desk, record_id)
    assert sentence == (
        "The endpoint does not have it: it was asked and answered 404. It is sent again with the same webhook-id."
    )


async def test_nothing_goes_round_for_ever_where_nothing_ever_arrives(desk, crm):
    forgetful(crm, times=100)
    made = await delivering(desk, crm, lookup=LOOKUP)
    (record_id,) = await post_many(made, 1)
    await counted(desk, failed=1)
    assert crm.posts == {record_id: 4}, "as often as the schedule says"
    assert len(crm.questions) == 4, "asked after each, the last one too"
    async with desk.client() as client:
        record = await client.record(record_id)
        assert record.problem_id is not None
        assert record.events[-1].sentence.endswith("Its tries are used up.")


async def test_what_is_given_up_after_its_problem_was_resolved_is_in_one_again(tmp_path, crm):
    forgetful(crm, times=100)
    resolved = asyncio.Event()

    async def says_late(visit):
        await resolved.wait()
        return await reply(404).act(visit)

    crm.says = Behaviour("late", says_late)
    async with served_desk(tmp_path / "desk", **(QUICK | {"HEALTHDESK_DELIVERY__SCHEDULE": "0s"})) as desk:
        made = await delivering(desk, crm, lookup=LOOKUP)
        (record_id,) = await post_many(made, 1)
        await crm.endpoint.wait_for(2)
        async with desk.client() as client:
            await client.problem_resolve((await client.record(record_id)).problem_id)
            resolved.set()
            await counted(desk, failed=1)
            assert (await client.record(record_id)).problem_id is not None


async def test_an_endpoint_that_leaves_it_open_is_asked_along_the_schedule_and_then_an_operator_decides(
    desk, crm
):
    crm.takes, crm.says = close_after_request(), reply(503)
    made = await delivering(desk, crm, lookup=LOOKUP)
    (record_id,) = await post_many(made, 1)

    await until(lambda: given_up(desk, made))
    assert crm.posts == {record_id: 1}
    assert len(crm.questions) == 4
    *_, (_, _, last) = await events_of(desk, record_id)
    assert last == (
        "The endpoint left it open: it was asked and answered 503."
        " It is held for an operator, as the integration wants."
    )
    crm.says = None
    async with desk.client() as client:
        answer = await client.record_look_up(record_id)
        assert (answer.found, answer.status) == (True, 200)
        assert (await client.record(record_id)).state.value == "delivered"
    *_, (kind, by, _) = await events_of(desk, record_id)
    assert kind == "looked_up"
    assert by != "", "an operator asked"


async def test_a_question_may_name_data_of_the_record_and_look_into_the_answer(desk, crm):
    crm.takes = close_after_request()
    crm.says = reply(200, json={"results": [{"number": 7}]})
    made = await delivering(
        desk,
        crm,
        lookup={
            "path": "/find?source={source}&n={data.number}",
            "method": "POST",
            "body": '{{"id": "{webhook_id}", "n": {data.number}}}',
            "found": "results[?number==`7`] | [0]",
        },
    )
    (record_id,) = await post_many(made, 1, start=7)
    await counted(desk, delivered=1)
    (asked,) = [each for each in crm.endpoint.requests if each.path.startswith("/find")]
    assert asked.path == "/find?source=heart-health&n=7"
    assert asked.json() == {"id": record_id, "n": 7}


async def test_a_paused_integration_asks_nothing_until_it_goes_on(desk, crm):
    crm.takes, crm.says = close_after_request(), reply(503)
    made = await delivering(desk, crm, lookup=LOOKUP)
    (record_id,) = await post_many(made, 1)
    await counted(desk, unknown=1)
    async with desk.client() as client:
        await client.integration_pause(made.integration_id, Environment.PRODUCTION)
        asked = len(crm.questions)
        other = await delivering(desk, crm, name="Other", source="sleep", lookup={"path": "/other/{id}"})
        await post_many(other, 1)
        await until(lambda: given_up(desk, other))
        assert sum(path.startswith("/records/") for path in crm.questions) <= asked + 1, "one was under way"
        crm.says = None
        await client.integration_resume(made.integration_id)
        await client.integration_pause(other.integration_id)
    await counted(desk, delivered=1)
    assert crm.posts[record_id] == 1


async def given_up(desk, made):
    """Tell whether the endpoint was asked for the only record of an integration as often as it is."""
    async with desk.client() as client:
        chosen = RecordFilter(integration_id=made.integration_id, states=[RecordState.UNKNOWN])
        found = (await client.records_list(chosen)).items
        return bool(found) and found[0].next_attempt_at is None


async def secret_of(client: Client, integration_id: str) -> str:
    return (await client.integration_receipt_secret_create(integration_id, ReceiptSecretCreate())).secret


async def send_receipt(desk, integration_id, secret, record_id, status="delivered", msg_id=""):
    body, at = json.dumps({"webhook_id": record_id, "status": status}), datetime.now(UTC)
    msg_id = msg_id or f"msg_{record_id}"
    headers = {
        "webhook-id": msg_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(msg_id, at, body),
    }
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{desk.url}/v1/receipts/{integration_id}", data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_receipt_that_overtakes_the_answer_counts_once_that_is_in(desk, crm):
    made = await delivering(desk, crm, receipt={"deadline_s": 600})
    async with desk.client() as client:
        secret = await secret_of(client, made.integration_id)
    overtaken, statuses = [], iter(["delivered", "failed"])

    async def act(visit):
        record_id, status = visit.request.headers["webhook-id"], next(statuses)
        overtaken.append(await send_receipt(desk, made.integration_id, secret, record_id, status))
        return await reply(202).act(visit)

    crm.takes = Behaviour("receipt first", act)
    await post_many(made, 2)
    await counted(desk, delivered=1, failed=1)
    assert [status for status, _ in overtaken] == [202, 202]
    async with desk.client() as client:
        shown = (await client.callbacks_list()).items
    assert sorted((each.state.value, each.event) for each in shown) == [
        ("processed", "delivered"),
        ("processed", "failed"),
    ]


async def test_a_lost_receipt_is_asked_for_when_its_deadline_passes(desk, crm):
    crm.takes = reply(202)
    made = await delivering(desk, crm, receipt={"deadline_s": 1}, lookup=LOOKUP)
    (record_id,) = await post_many(made, 1)
    await counted(desk, awaiting_receipt=1)
    assert crm.questions == []
    await counted(desk, delivered=1)
    assert crm.posts == {record_id: 1}
    assert [kind for kind, _, _ in await events_of(desk, record_id)] == ["deadline", "looked_up"]


@pytest.mark.parametrize("after", ["failed", "unknown"])
async def test_without_a_lookup_a_lost_receipt_ends_as_the_integration_wants(desk, crm, after):
    crm.takes = reply(202)
    made = await delivering(desk, crm, receipt={"deadline_s": 1, "after": after})
    (record_id,) = await post_many(made, 1)
    await counted(desk, **{after: 1})
    async with desk.client() as client:
        secret = await secret_of(client, made.integration_id)
        record = await client.record(record_id)
        assert record.error == "The endpoint took it and did not confirm it in time"
        (problem,) = (await client.problems_list()).items if after == "failed" else [None]
        assert problem is None or problem.blame == "them"
    assert (await send_receipt(desk, made.integration_id, secret, record_id))[0] == 202
    await counted(desk, delivered=1)
    assert crm.posts == {record_id: 1}


async def test_a_lost_receipt_can_mean_to_send_again_until_the_tries_are_used_up(desk, crm):
    crm.takes = reply(202)
    made = await delivering(desk, crm, receipt={"deadline_s": 1, "after": "resend"})
    (record_id,) = await post_many(made, 1)
    await counted(desk, failed=1)
    assert crm.posts == {record_id: 4}


async def test_an_answer_that_does_not_mean_later_needs_no_receipt(desk, crm):
    made = await delivering(desk, crm, receipt={"deadline_s": 600})
    await post_many(made, 1)
    await counted(desk, delivered=1)


async def test_looking_up_needs_a_way_to_ask_and_something_that_was_sent(desk, crm):
    crm.takes = reply(422)
    made = await delivering(desk, crm)
    (record_id,) = await post_many(made, 1)
    await counted(desk, failed=1)
    async with desk.client() as client:
        with pytest.raises(ApiRefused, match="how the endpoint is asked"):
            await client.record_look_up(record_id)
        edit = EnvironmentEdit(delivery={"lookup": LOOKUP})
        await client.integration_edit(made.integration_id, IntegrationEdit(production=edit))
        crm.has.clear()
        answer = await client.record_look_up(record_id)
        assert (answer.found, answer.sentence) == (
            False,
            "The endpoint does not have it: it was asked and answered 404.",
        )
        assert (await client.record(record_id)).state.value == "failed", "an operator sends it again, or not"
        crm.has.add(record_id)
        assert (await client.record_look_up(record_id)).found
        assert (await client.record(record_id)).state.value == "delivered"
        (noted, *_) = (await client.activity_list(limit=5)).items
        assert (noted.verb, noted.object_id) == ("looked up", record_id)


async def test_questions_leave_as_far_apart_as_attempts_and_both_get_through(tmp_path, crm, monkeypatch):
    rate_per_s, clock, left = 5.0, FakeClock(), []
    silent(crm, times=6)
    real = Pace.turn

    async def turn(pace):
        await real(pace)
        left.append(clock.monotonic())

    monkeypatch.setattr(Pace, "turn", turn)
    async with http_desk(tmp_path, clock=clock) as desk:
        made = await desk.delivery(rate_per_s=rate_per_s, timeout_s=0.5, delivery={"lookup": LOOKUP})
        await desk.ok("PATCH", f"/v1/connections/{made.connection_id}", {"base_url": crm.endpoint.url})
        await desk.engine.start()
        posted = [(await made.post()).json["id"] for _ in range(60)]
        async with asyncio.timeout(60):
            while len(crm.questions) < 6 or len(crm.has) < len(posted):
                clock.advance(0.01)
                await asyncio.sleep(0.001)
        await desk.engine.stop(1)
    assert len(left) == len(crm.endpoint.requests), "questions wait for their turn at the wire too"
    assert min(later - earlier for earlier, later in pairwise(left)) >= 1 / rate_per_s - 1e-9
    methods = [each.method for each in crm.endpoint.requests]
    first, last = methods.index("GET"), len(methods) - methods[::-1].index("POST")
    assert first < last, "questions are asked while attempts are due"
    assert methods[first:last].count("GET") <= methods[first:last].count("POST") + 1, "and leave them places"


async def has_state(desk, record_id, state, clock=None):
    """Return a record once it is in a state; time passes where there is a clock to advance."""
    async with asyncio.timeout(60):
        while (record := await desk.ok("GET", f"/v1/records/{record_id}"))["state"] != state:
            if clock is not None:
                clock.advance(20)
    return record


async def test_a_look_up_that_the_rate_puts_off_is_asked_when_its_place_comes_also_after_a_restart(
    tmp_path, crm
):
    clock = FakeClock()
    crm.takes = reply(422)
    async with http_desk(tmp_path, clock=clock) as desk:
        made = await desk.delivery(delivery={"lookup": LOOKUP})
        await desk.ok("PATCH", f"/v1/connections/{made.connection_id}", {"base_url": crm.endpoint.url})
        await desk.engine.start()
        record_id = (await made.post()).json["id"]
        await has_state(desk, record_id, "failed")
        slow = {"production": {"rate_per_s": 1 / 600}}
        await desk.ok("PATCH", f"/v1/integrations/{made.id}", slow)
        await desk.ok("POST", f"/v1/records/{record_id}/resend")
        assert (await desk.ok("GET", f"/v1/records/{record_id}"))["state"] == "queued", "until its turn comes"
        told = await desk.ok("POST", f"/v1/records/{record_id}/look-up")
        at = clock.now() + timedelta(seconds=600)
        assert (told["found"], told["asked_at"]) == (None, f"{at:%Y-%m-%dT%H:%M:%SZ}")
        assert (
            f"(one request in 600 s) allows no question before {at:%Y-%m-%d %H:%M:%S} UTC" in told["sentence"]
        )
        assert (await desk.call("POST", f"/v1/records/{record_id}/look-up")).status == 409, (
            "it is kept already"
        )
        await desk.engine.stop(1)
    assert crm.questions == []
    crm.has.add(record_id)
    async with http_desk(tmp_path, clock=clock) as desk:
        await desk.engine.start()
        await clock.wait_for_sleepers()
        record = await has_state(desk, record_id, "delivered", clock)
        assert await desk.engine.ctx.store.read(look_ups.waiting, clock.now() + timedelta(days=1)) == []
        await desk.engine.stop(1)
    assert [(each["by"], each["sentence"][:36]) for each in record["events"]] == [
        ("alice", "The rate of production (one request "),
        ("alice", "The endpoint has it: it was asked an"),
    ]
    assert crm.questions == [f"/records/{record_id}"], "asked once, when the rate allowed it"


@pytest.mark.xdist_group("postgres")
async def test_two_daemons_do_not_both_ask_for_a_record(tmp_path, crm):
    with (
        tempfile.TemporaryDirectory(prefix="healthdesk-pg-") as folder,
        running_postgres(Path(folder)) as url,
    ):
        async with contextlib.AsyncExitStack() as stack:
            first = await stack.enter_async_context(served_desk(tmp_path / "desk", url, **QUICK))
            (tmp_path / "two").mkdir()
            shutil.copy(tmp_path / "desk" / "key", tmp_path / "two" / "key")
            await stack.enter_async_context(served_desk(tmp_path / "two", url, **QUICK))
            crm.takes = close_after_request()
            # None is answered: the circuit would open, and keep back what came late.
            made = await delivering(first, crm, lookup=LOOKUP, circuit={"enabled": False})
            ids = await post_many(made, 30)
            await counted(first, delivered=30)
    assert crm.posts == Counter(ids)
    assert Counter(crm.questions) == Counter(f"/records/{each}" for each in ids)


async def test_an_environment_that_loses_its_lookup_leaves_nothing_in_limbo(desk, crm):
    crm.takes, crm.says = close_after_request(), reply(503)
    made = await delivering(desk, crm, "resend", lookup=LOOKUP)
    (record_id,) = await post_many(made, 1)
    await counted(desk, unknown=1)
    crm.takes = reply(200)
    async with desk.client() as client:
        integration = await client.integration(made.integration_id)
        settings = EnvironmentSettings(connection_id=integration.environments[0].connection_id)
        edit = EnvironmentEdit(delivery=settings.delivery)
        await client.integration_edit(made.integration_id, IntegrationEdit(production=edit))
    await counted(desk, delivered=1)
    assert crm.posts == {record_id: 2}
