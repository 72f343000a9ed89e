"""Records whose outcome is not known are cleared up: endpoints are asked, receipts applied, deadlines kept.

Everything is decided purely and carried out by compare-and-set in one transaction; a kill anywhere leaves a record that
the next pass looks at again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from healthdesk.domain.lookup import Answered
from healthdesk.domain.receipts import Told
from healthdesk.domain.states import HoldReason, RecordEventKind, RecordState
from healthdesk.domain.undecided import (
    Decision,
    Facts,
    Rules,
    after_deadline,
    after_lookup,
    not_to_be_asked,
    used_up,
)
from healthdesk.engine import asking
from healthdesk.engine.bus import TOLD_ONE_BY_ONE, publish_records
from healthdesk.engine.context import Context
from healthdesk.engine.deliver import Deliverer
from healthdesk.engine.heartbeats import Heartbeats
from healthdesk.engine.pulse import Pulse, before
from healthdesk.engine.receipt_reading import NO_RECEIPTS, read_receipt
from healthdesk.engine.slots import Pace
from healthdesk.engine.targets import Key, Target, Targets
from healthdesk.errors import MappingError, StoreUnavailable
from healthdesk.store import receipts, undecided
from healthdesk.store.rows import Carried, NewCallback, Outcome, StoredReceipt, UndecidedRow, Whose

log = logging.getLogger(__name__)

POLL_S = 1.0
STEP = 200
AT_ONCE = 4
"""How many questions one environment is asked at the same time."""

LEASE_GRACE_S = 10.0
"""For how much longer than an answer may take a record is this daemon's to ask for; if it dies, another asks then."""

MOST_BYTES = 8 * 1_048_576


class Outcomes:
    """Clears up what became of records."""

    def __init__(self, ctx: Context, targets: Targets, deliverer: Deliverer, heartbeats: Heartbeats) -> None:
        self._ctx = ctx
        self._targets = targets
        self._deliverer = deliverer
        self._heartbeats = heartbeats
        self._pulse = Pulse(ctx.clock, POLL_S)
        self._asking: dict[Key, asyncio.Task[bool]] = {}
        self.on_alerts: Callable[[], None] = lambda: None

    def wake(self) -> None:
        """Say that a receipt may be to be applied, or a record to be asked for."""
        self._pulse.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Clear up until `stop`; questions under way are finished."""

        async def look() -> None:
            await self._apply_waiting(stop)
            due = await self._ctx.store.read(undecided.due, self._ctx.clock.now())
            for state, integration_id, environment in due:
                target = self._targets.get(integration_id, environment)
                if target is not None and state is RecordState.AWAITING_RECEIPT:
                    await self._let_pass(target, stop)
                elif target is not None:
                    self._begin_asking(target, stop)

        try:
            await self._pulse.repeat(stop, look, what="what became of records waits")
            await asyncio.gather(*self._asking.values())
        finally:
            for task in self._asking.values():
                task.cancel()
            await asyncio.gather(*self._asking.values(), return_exceptions=True)
            self._asking.clear()

    async def receive(self, new: NewCallback, verified: Sequence[Target]) -> StoredReceipt:
        """Store a receipt that was verified for these environments and let it have its effect."""
        given = {each.environment: (await self._read(each, new.body), _whose(each)) for each in verified}
        stored = await self._ctx.store.write(receipts.accept, new, given, self._ctx.clock.now())
        self._tell(stored.carried)
        return stored

    def place_in_s(self, target: Target) -> float:
        """Return how long a question that is asked now waits for its place at the environment's rate."""
        pace = self._deliverer.pace(target)
        return 0.0 if pace is None else pace.question_in_s()

    async def place(self, target: Target) -> None:
        """Return once a question may be asked."""
        pace = self._deliverer.pace(target)
        if pace is not None:
            await pace.question()

    async def look_up(self, target: Target, row: UndecidedRow, by: str) -> tuple[Answered, Decision | None]:
        """Ask for one record because an operator wants it, once `place` came, and let the answer have its effect.

        The decision is None where nothing became of it. Raises MappingError where the question cannot be made of the record.
        """
        lookup = target.delivery.lookup
        if lookup is None:
            raise MappingError("the integration declares no lookup", fix="add one to its delivery settings")
        pace = self._deliverer.pace(target)
        answer = await asking.ask(self._ctx, target, lookup, row, pace)
        decision = after_lookup(_facts(row), answer, self._rules(target), self._ctx.clock.now(), by_hand=True)
        if decision is None:
            return answer, None
        outcome = _outcome(target, row, decision, RecordEventKind.LOOKED_UP, answer, by)
        carried = await self._ctx.store.write(undecided.carry_out, [outcome], self._ctx.clock.now())
        self._tell(carried)
        return answer, decision if carried.changed else None

    async def _apply_waiting(self, stop: asyncio.Event) -> None:
        """Apply receipts that are stored and were not applied: their record was being sent, or the daemon stopped."""
        after = ""
        while not stop.is_set():
            batch = await self._ctx.store.read(
                receipts.waiting, after=after, limit=STEP, most_bytes=MOST_BYTES
            )
            if not batch:
                return
            for each in batch:
                after = each.id
                target = self._targets.get(each.integration_id, each.environment)
                if target is None:
                    await self._ctx.store.write(
                        receipts.fail, each.id, NO_RECEIPTS.why, self._ctx.clock.now()
                    )
                    continue
                stored = await self._ctx.store.write(
                    receipts.apply,
                    each.id,
                    each.integration_id,
                    each.environment,
                    await self._read(target, each.body),
                    _whose(target),
                    self._ctx.clock.now(),
                )
                self._tell(stored.carried)
                if not stored.waits:
                    self._ctx.bus.publish("callback.changed", each.id)

    async def _read(self, target: Target, body: bytes) -> Told:
        # Bodies come from outside and expressions from operators: neither may hold up the loop.
        return await asyncio.to_thread(read_receipt, target.delivery.receipt, body)

    async def _let_pass(self, target: Target, stop: asyncio.Event) -> None:
        """Decide what becomes of records whose receipt did not come in time."""
        delivery = target.delivery
        after = delivery.receipt.after if delivery.receipt is not None else "failed"
        while not stop.is_set():
            now = self._ctx.clock.now()
            rows = await self._ctx.store.read(
                undecided.passed, target.integration_id, target.environment, now, STEP
            )
            outcomes = [
                _outcome(
                    target,
                    row,
                    after_deadline(
                        _facts(row), after, self._rules(target), now, asks=delivery.lookup is not None
                    ),
                    RecordEventKind.DEADLINE,
                )
                for row in rows
            ]
            if outcomes:
                self._tell(await self._ctx.store.write(undecided.carry_out, outcomes, now))
            if len(rows) < STEP:
                return

    def _begin_asking(self, target: Target, stop: asyncio.Event) -> None:
        """Ask for an environment's records beside the loop: a slow endpoint holds up nobody else's."""
        key = (target.integration_id, target.environment)
        offline = self._heartbeats.sentinels.offline_since is not None
        # An open circuit keeps records back, not questions: nothing else may be left that would close it.
        held = target.hold not in (None, HoldReason.CIRCUIT)
        if key in self._asking or held or offline or not self._targets.share.of:
            return
        task = asyncio.create_task(self._ask_all(target, stop))
        self._asking[key] = task

        def ended(task: asyncio.Task[bool]) -> None:
            self._asking.pop(key, None)
            if task.cancelled():
                return
            if (error := task.exception()) is not None:
                level = logging.WARNING if isinstance(error, StoreUnavailable) else logging.ERROR
                log.log(level, "asking what became of records broke off", exc_info=error)
            elif task.result():
                self._pulse.set()

        task.add_done_callback(ended)

    async def _ask_all(self, target: Target, stop: asyncio.Event) -> bool:
        """Ask for the records that are due; with a rate for one, and return whether there may be more."""
        store, clock = self._ctx.store, self._ctx.clock
        pace = self._deliverer.pace(target) if target.delivery.lookup else None
        if pace is not None and not await before(stop, pace.question()):
            return False
        at_once = 1 if pace is not None else AT_ONCE if target.delivery.lookup else STEP
        while not stop.is_set():
            now = clock.now()
            lease_s = asking.longest_s(target) + LEASE_GRACE_S
            rows = await store.write(
                undecided.take_to_ask,
                target.integration_id,
                target.environment,
                now,
                now + timedelta(seconds=lease_s),
                at_once,
            )
            if not rows:
                return False
            outcomes = await asyncio.gather(*(self._ask(target, row, pace) for row in rows))
            self._tell(await store.write(undecided.carry_out, outcomes, clock.now()))
            if pace is not None:
                return True
        return False

    async def _ask(self, target: Target, row: UndecidedRow, pace: Pace | None) -> Outcome:
        rules, lookup, now = self._rules(target), target.delivery.lookup, self._ctx.clock.now
        if lookup is None:
            why = "Its endpoint cannot be asked any more."
            decision = not_to_be_asked(_facts(row), why, rules, now())
            return _outcome(target, row, decision, RecordEventKind.LOOKED_UP)
        try:
            answer = await asking.ask(self._ctx, target, lookup, row, pace)
        except MappingError as error:
            why = f"Its endpoint cannot be asked: {error.what}."
            decision = not_to_be_asked(_facts(row), why, rules, now())
            return _outcome(target, row, decision, RecordEventKind.LOOKED_UP)
        facts = _facts(row, asked=row.asked + 1)
        decided = after_lookup(facts, answer, rules, now())
        if decided is None:
            raise AssertionError(f"record {row.id} is {row.state} and was taken to be asked for")
        return _outcome(target, row, decided, RecordEventKind.LOOKED_UP, answer)

    def _rules(self, target: Target) -> Rules:
        delivery = self._ctx.config.delivery
        return Rules(delivery.schedule, target.on_unknown, self._ctx.jitter_unit(), delivery.jitter)

    def _tell(self, carried: Carried) -> None:
        """Tell what a transaction changed, and let what is to be sent again be sent."""
        publish_records(self._ctx.bus, carried.changed)
        for problem_id in carried.problems_changed[:TOLD_ONE_BY_ONE]:
            self._ctx.bus.publish("problem.changed", problem_id)
        if carried.alerts_queued:
            self.on_alerts()
        for integration_id, environment in carried.again:
            self._deliverer.wake(integration_id, environment)


def _facts(row: UndecidedRow, asked: int = 0) -> Facts:
    return Facts(row.state, row.tries, row.error_kind, row.last_attempt_at, asked, row.attempts)


def _whose(target: Target) -> Whose:
    return Whose(target.connection_id, target.connection_name, target.owner)


def _outcome(
    target: Target,
    row: UndecidedRow,
    decision: Decision,
    event: RecordEventKind,
    answer: Answered | None = None,
    by: str = "",
) -> Outcome:
    problem = None
    failure = decision.failure
    if failure is None and decision.state is RecordState.FAILED:
        failure = used_up(row.error_kind)  # counts where its own problem was resolved meanwhile
    if failure is not None:
        problem = target.problem_of(failure)
    detail = {} if answer is None else {"found": answer.found, "status": answer.status}
    return Outcome(row, decision, event, problem, by, detail)
