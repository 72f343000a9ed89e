"""The demo's story without a screen: things break, the operator repairs and resends, and the books must balance."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from healthdesk.api.records import RecordFilter
from healthdesk.demo.apps_story import Seen, look_at_broken, look_at_mended
from healthdesk.demo.running import RunningDemo, callbacks_taken
from healthdesk.demo.setup import update_partner_credentials
from healthdesk.demo.working_story import look_at_broken_work, look_at_mended_work
from healthdesk.domain.job_states import JobItemState
from healthdesk.domain.states import AlertState, RecordState
from healthdesk.errors import ApiRefused

BROKEN_PART = 0.6
POSTING_PART = 0.7
SETTLE_S = 60.0
SHOW_S = 30.0
LOOK_S = 0.25
NEEDED = (
    "accepted",
    "delivered",
    "failed",
    "resent",
    "samples",
    "callbacks",
    "mails",
    "chats",
    "tasks",
    "proof",
)
RESENDABLE = RecordFilter(states=[RecordState.FAILED, RecordState.UNKNOWN])
UNSENT = (AlertState.QUEUED, AlertState.SENDING, AlertState.RETRYING)


@dataclass(slots=True)
class Report:
    """The closing numbers. `wrong` says, in words, what does not add up."""

    accepted: int = 0
    delivered: int = 0
    failed: int = 0
    resent: int = 0
    samples: int = 0
    callbacks: int = 0
    mails: int = 0
    chats: int = 0
    tasks: int = 0
    proof: int = 0
    seen: Seen = field(default_factory=Seen)
    wrong: list[str] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Whether everything adds up."""
        return not self.wrong

    @property
    def ok(self) -> bool:
        """Whether the demo showed what it is for."""
        return self.balanced and all(getattr(self, name) > 0 for name in NEEDED)

    def as_json(self) -> dict[str, int | bool]:
        """Return the one object the demo prints last."""
        counted = {name: getattr(self, name) for name in NEEDED}
        return {**counted, **self.seen.as_json(), "balanced": self.balanced}


async def play(demo: RunningDemo, for_s: float) -> Report:
    """Play the story in about `for_s` seconds, then let everything come to rest."""
    began = time.monotonic()
    report = Report()
    await demo.world.control("break")
    report.wrong += await look_at_broken(demo)
    report.wrong += await look_at_broken_work(demo)
    await _until(began + for_s * BROKEN_PART)
    await _until_it_shows(demo)
    say("repairing CRM and apps, updating the credentials of the partner and Jira, resending what failed")
    await demo.world.control("repair")
    await update_partner_credentials(demo.client, demo.setup.partner_connection_id)
    await _resend(demo, report)
    report.wrong += await look_at_mended(demo, report.seen)
    report.tasks, report.proof, wrong = await look_at_mended_work(demo)
    report.wrong += wrong
    await _until(began + for_s * POSTING_PART)
    await demo.world.control("pause")
    try:
        async with asyncio.timeout(SETTLE_S):
            await _settle(demo, report)
    except TimeoutError:
        report.wrong.append(f"not at rest {SETTLE_S:g} s after the repair: {dict(await _states(demo))}")
    await _close_the_books(demo, report)
    return report


async def _until(monotonic: float) -> None:
    await asyncio.sleep(max(0.0, monotonic - time.monotonic()))


async def _until_it_shows(demo: RunningDemo) -> None:
    """Give a slow machine more time, until there is something to repair and somebody was told."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SHOW_S):
            while True:
                stats, states = await demo.world.stats(), await _states(demo)
                told = stats["mails"] and stats["chats"] and stats["partner_refused"]
                if told and states[RecordState.FAILED]:
                    return
                await asyncio.sleep(LOOK_S)


async def _resend(demo: RunningDemo, report: Report) -> None:
    """Resend what failed, as the operator confirms it: the plan's count, or nothing when it changed meanwhile."""
    plan = await demo.client.job_plan(RESENDABLE)
    if not plan.total:
        return
    try:
        job = await demo.client.job_create(RESENDABLE, expect=plan.total, careful=False)
    except ApiRefused as refused:
        if refused.status != 409:
            raise
        return
    report.failed += plan.total
    while job.finished_at is None:
        await asyncio.sleep(LOOK_S)
        job = await demo.client.job(job.id)
    report.resent += job.total - job.counts.get(JobItemState.SKIPPED, 0)


async def _settle(demo: RunningDemo, report: Report) -> None:
    """Resend what fails until every record is delivered and every alert is sent."""
    while True:
        states = await _states(demo)
        if states[RecordState.FAILED] or states[RecordState.UNKNOWN]:
            await _resend(demo, report)
        stats = await demo.world.stats()
        under_way = sum(count for state, count in states.items() if state != RecordState.DELIVERED)
        if (
            stats["idle"]
            and not under_way
            and not await _alerts_waiting(demo)
            and await callbacks_taken(demo.client) is not None
        ):
            return
        await asyncio.sleep(LOOK_S)


async def _states(demo: RunningDemo) -> Counter[str]:
    totals: Counter[str] = Counter()
    for row in (await demo.client.ledger()).rows:
        totals.update(row.states)
    return totals


async def _alerts_waiting(demo: RunningDemo) -> bool:
    page = await demo.client.alerts_list(limit=500)
    return any(one.state in UNSENT for one in page.items)


async def _delivered(demo: RunningDemo) -> dict[str, str]:
    """Return the webhook id of every delivered record."""
    found: dict[str, str] = {}
    after = None
    while True:
        chosen = RecordFilter(states=[RecordState.DELIVERED])
        page = await demo.client.records_list(chosen, after=after, limit=500)
        found |= {one.id: one.webhook_id for one in page.items}
        if page.next is None:
            return found
        after = page.next


async def _close_the_books(demo: RunningDemo, report: Report) -> None:
    """Compare what the desk says with what the world saw."""
    ledger = await demo.client.ledger()
    stats, received = await demo.world.stats(), await demo.world.received()
    states = await _states(demo)
    report.accepted = sum(row.accepted for row in ledger.rows) - demo.before.accepted
    report.delivered = states[RecordState.DELIVERED] - demo.before.delivered
    report.callbacks = (await callbacks_taken(demo.client) or 0) - demo.before.callbacks
    report.samples = stats["samples"]
    report.mails, report.chats = stats["mails"], stats["chats"]
    delivered = await _delivered(demo)
    posted = set(received["record_ids"])
    lost = posted - delivered.keys()
    unseen = {delivered[record_id] for record_id in posted - lost} - set(received["webhook_ids"])
    checks = {
        "the ledger does not balance": not ledger.balanced,
        f"{report.accepted} accepted, but {report.delivered} delivered": report.accepted != report.delivered,
        f"{len(unseen)} records are delivered that no endpoint received": bool(unseen),
        f"{len(lost)} records were accepted and are not delivered": bool(lost),
        f"upstream was told {stats['accepted']} times that a record is accepted, the desk counts {report.accepted}": (
            stats["accepted"] != report.accepted
        ),
        f"the app sent {stats['callbacks']} callbacks, the desk has {report.callbacks}": (
            stats["callbacks"] != report.callbacks
        ),
        f"{stats['forged_taken']} forged callbacks were taken": stats["forged_taken"] > 0,
        f"{stats['crm_unsigned']} records came without a valid signature": stats["crm_unsigned"] > 0,
    }
    report.wrong += [what for what, is_wrong in checks.items() if is_wrong]


def say(what: str) -> None:
    """Tell progress on standard error; standard output is for the closing object."""
    sys.stderr.write(f"demo: {what}\n")
    sys.stderr.flush()
