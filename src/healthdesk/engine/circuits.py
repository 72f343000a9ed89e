"""Keeps the circuits of all environments: counts results, opens, lets one record through, ramps back.

What a delivery says is counted in memory; the loop carries decisions out in the database, where a change counts only if no
other daemon made one meanwhile. The daemon that began a probe is the only one that sends a record for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from healthdesk.domain import circuit as rules
from healthdesk.domain.circuit import CircuitFacts, Window
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.domain.health import REACHABILITY_KINDS
from healthdesk.domain.states import CircuitState, Environment, HoldReason
from healthdesk.engine.context import Context
from healthdesk.engine.pulse import Pulse
from healthdesk.engine.targets import Key, Target, Targets
from healthdesk.errors import StoreUnavailable
from healthdesk.store import circuits as queries

log = logging.getLogger(__name__)

POLL_S = 1.0
MINE = frozenset({None, HoldReason.CIRCUIT})
"""Holds under which a circuit is looked after: a pause and a failing connection go before it."""


@dataclass(slots=True)
class Probe:
    """The record this daemon may let through; `attempt_id` once it is claimed."""

    before: CircuitFacts
    begun: CircuitFacts
    attempt_id: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a probe; None: nothing was learned of the endpoint."""

    good: bool | None
    retry_after_s: float | None = None


@dataclass(slots=True)
class Seen:
    """Results counted since the circuit became what it is."""

    facts: CircuitFacts
    window: Window


class Circuits:
    """Decides for each environment whether records go out, one at a time, a few, or as many as it allows."""

    def __init__(self, ctx: Context, targets: Targets) -> None:
        self._ctx = ctx
        self._targets = targets
        self._pulse = Pulse(ctx.clock, POLL_S)
        self._seen: dict[Key, Seen] = {}
        self._tripped: dict[Key, tuple[CircuitFacts, str]] = {}
        self._probes: dict[Key, Probe] = {}
        self._verdicts: dict[Key, Verdict] = {}
        self.on_change: Callable[[], None] = lambda: None
        self.on_probe: Callable[[str, Environment], None] = lambda _integration, _environment: None

    def wake(self) -> None:
        """Look at every circuit now; never blocks."""
        self._pulse.set()

    # What the delivery loop asks and tells.

    def holds(self, target: Target) -> bool:
        """Tell whether nothing is claimed: the environment is on hold, or its circuit is about to open."""
        key = (target.integration_id, target.environment)
        tripped = self._tripped.get(key)
        return target.hold is not None or (tripped is not None and tripped[0] == target.circuit)

    def lets_probe(self, target: Target) -> bool:
        """Tell whether this daemon may claim one record although the circuit holds the rest."""
        probe = self._probes.get((target.integration_id, target.environment))
        return target.hold is HoldReason.CIRCUIT and probe is not None and not probe.attempt_id

    def claimed(self, key: Key, attempt_id: str) -> None:
        """Note the attempt of the record that was claimed as the probe."""
        probe = self._probes.get(key)
        if probe is not None and not probe.attempt_id:
            probe.attempt_id = attempt_id

    def is_probe(self, key: Key, attempt_id: str) -> bool:
        """Tell whether this attempt goes out although its environment is on hold."""
        probe = self._probes.get(key)
        if probe is None or probe.attempt_id != attempt_id:
            return False
        target = self._targets.get(*key)
        return target is not None and target.hold in MINE

    def gave_back(self, key: Key, attempt_id: str) -> None:
        """Note that a claim was not sent after all."""
        self._judge(key, attempt_id, Verdict(None))

    def lost(self) -> None:
        """Note that the delivery loop died: what its probes were is not told any more."""
        for key, probe in self._probes.items():
            if probe.attempt_id:
                self._judge(key, probe.attempt_id, Verdict(None))

    def limit(self, target: Target) -> int:
        """Return how many attempts may be under way at a time in all daemons."""
        if target.circuit.state is CircuitState.RAMPING and target.hold is None:
            return min(target.concurrency, rules.ramp_limit(target.circuit.step))
        return target.concurrency

    def note(
        self,
        target: Target,
        attempt_id: str,
        exchange: Exchange | None,
        failure: Failure | None,
        *,
        offline: bool = False,
    ) -> None:
        """Take in the result of an attempt that was begun with `target`."""
        key = (target.integration_id, target.environment)
        good = failure is None or not rules.counts(
            failure, judged_by_deliveries=target.judged_by_deliveries, templated="{" in target.url
        )
        unjudged = exchange is None or (
            offline and failure is not None and failure.kind in REACHABILITY_KINDS
        )
        retry_after_s = failure.retry_after_s if failure is not None else None
        if self._judge(key, attempt_id, Verdict(None if unjudged else good, retry_after_s)):
            return
        now = self._targets.get(*key)
        if unjudged or now is None or not target.delivery.circuit.enabled:
            return
        if now.circuit.holds:
            if (
                now.probing and failure is None
            ):  # its connection, in doubt, let a record through, and it went well
                self._verdicts[key] = Verdict(good=True)
                self._pulse.set()
        elif target.circuit == now.circuit and not now.probing:
            self._count(key, now, good=good)

    def _judge(self, key: Key, attempt_id: str, verdict: Verdict) -> bool:
        probe = self._probes.get(key)
        if probe is None or probe.attempt_id != attempt_id:
            return False
        self._verdicts[key] = verdict
        self._pulse.set()
        return True

    def _count(self, key: Key, target: Target, *, good: bool) -> None:
        settings, at = target.delivery.circuit, self._ctx.clock.monotonic()
        window = self._window(key, target)
        window.note(at, good=good)
        if good:
            if target.circuit.state is CircuitState.RAMPING:
                self._pulse.set()
            return
        seen = window.counted(at)
        if key not in self._tripped and rules.opens(target.circuit, settings, seen):
            self._tripped[key] = target.circuit, rules.reason_of(seen)
            self._pulse.set()

    def _window(self, key: Key, target: Target) -> Window:
        """Return what was seen since the circuit became what it is; a change of it begins anew."""
        seen = self._seen.get(key)
        if seen is None or seen.facts != target.circuit:
            seen = self._seen[key] = Seen(target.circuit, Window(target.delivery.circuit.window_s))
        return seen.window

    # The loop.

    async def run(self, stop: asyncio.Event) -> None:
        """Look after the circuits until `stop`."""
        await self._pulse.repeat(stop, self._look, what="circuits wait")
        await self._let_go()

    async def _look(self) -> None:
        changed = False
        states = Counter(target.circuit.state for target in self._targets.all())
        for state in CircuitState:
            self._ctx.metrics.circuits.labels(state=state.value).set(states[state])
        for target in self._targets.all():
            if target.circuit.state is CircuitState.CLOSED and not self._tripped:
                continue
            changed = await self._one(target) or changed
        if changed:
            await self._targets.refresh()
            self._forget_old()
            self.on_change()
            for key, probe in self._probes.items():
                if not probe.attempt_id:
                    self.on_probe(*key)

    def _forget_old(self) -> None:
        """Drop what was decided of circuits that are not so any more."""
        for key in [*self._tripped]:
            target = self._targets.get(*key)
            if target is None or target.circuit != self._tripped[key][0]:
                del self._tripped[key]

    async def _one(self, target: Target) -> bool:
        """Carry out what is to be done for one environment; True when its circuit changed."""
        key = (target.integration_id, target.environment)
        facts, settings, now = target.circuit, target.delivery.circuit, self._ctx.clock.now()
        if not settings.enabled and facts.state is not CircuitState.CLOSED:
            return await self._change(target, rules.closed(now))
        if facts.holds:
            return await self._holding(key, target, now)
        tripped = self._tripped.get(key)
        if tripped is not None and tripped[0] == facts:
            return await self._change(target, rules.opened(facts, settings, now, tripped[1]))
        self._tripped.pop(key, None)
        if facts.state is CircuitState.RAMPING and self._may_step(key, target, now):
            return await self._change(target, rules.ramped(facts, now, target.concurrency))
        return False

    async def _holding(self, key: Key, target: Target, now: datetime) -> bool:
        facts, settings = target.circuit, target.delivery.circuit
        probe = self._probes.get(key)
        if probe is not None and facts not in {probe.before, probe.begun}:
            del self._probes[key]  # it was closed by hand, or taken over by another daemon
            self._verdicts.pop(key, None)
            probe = None
        verdict = self._verdicts.get(key)
        if verdict is not None:
            done = await self._conclude(target, facts if probe is None else probe.begun, verdict, now)
            self._probes.pop(key, None)
            del self._verdicts[key]
            return done
        if target.hold not in MINE:
            return False
        ordered = target.delivery.order is not None
        if probe is not None:
            if not probe.attempt_id:  # what was to be claimed was held meanwhile, or is gone
                await self._ctx.store.write(queries.offer, *key, now, ordered=ordered)
                self.on_probe(*key)
            return False
        if not rules.probe_due(facts, settings, now, target.timeout_s):
            return False
        if not await self._ctx.store.read(queries.has_waiting, *key, now):
            return False
        begun = rules.probing(facts, now, target.timeout_s)
        if await self._ctx.store.write(queries.begin_probe, *key, facts, begun, now, ordered=ordered):
            self._probes[key] = Probe(facts, begun)
            self._told(target, begun)
        return True

    async def _conclude(self, target: Target, facts: CircuitFacts, verdict: Verdict, now: datetime) -> bool:
        settings = target.delivery.circuit
        if verdict.good is None:
            return await self._change(target, rules.reopened(facts, settings, now), facts)
        after = rules.probed(facts, settings, now, good=verdict.good, retry_after_s=verdict.retry_after_s)
        return await self._change(target, after, facts)

    def _may_step(self, key: Key, target: Target, now: datetime) -> bool:
        """Tell whether the ramp goes on: each slot of this daemon had a good result, or nothing failed for long."""
        if rules.idled(target.circuit, target.delivery.circuit, now):
            return True
        seen = self._window(key, target).counted(self._ctx.clock.monotonic())
        slots = self._targets.share.slots(self.limit(target), *key)
        return slots > 0 and seen.total - seen.failed >= slots

    async def _change(self, target: Target, after: CircuitFacts, before: CircuitFacts | None = None) -> bool:
        key = (target.integration_id, target.environment)
        if await self._ctx.store.write(queries.change, *key, before or target.circuit, after):
            self._told(target, after)
        return True  # if not, another was faster: what it is now has to be read all the same

    async def _let_go(self) -> None:
        """Leave no probe to wait for that this daemon will not tell of: the next one that looks makes its own."""
        now = self._ctx.clock.now()
        for key, probe in self._probes.items():
            again = replace(probe.before, since=now, probe_at=now)
            try:
                await self._ctx.store.write(queries.change, *key, probe.begun, again)
            except StoreUnavailable as error:
                log.warning("a probe of %s is given up later: %s", key[0], error)
        self._probes.clear()

    def _told(self, target: Target, after: CircuitFacts) -> None:
        if after.state is not target.circuit.state:
            self._ctx.metrics.circuit_changes.labels(state=after.state.value).inc()
            level = logging.WARNING if after.state is CircuitState.OPEN else logging.INFO
            why = f": {after.reason}" if after.state is CircuitState.OPEN else ""
            name = f"{target.integration_id} {target.environment.value}"
            log.log(level, "%s: the circuit is %s%s", name, after.state.value, why)
        self._ctx.bus.publish("integration.changed", target.integration_id)
