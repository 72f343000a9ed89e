"""The lanes of all environments: how much of each may be claimed now, by slots, rate, circuit, probe and memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from healthdesk.clock import Clock
from healthdesk.domain.states import OnUnknown
from healthdesk.engine.circuits import Circuits
from healthdesk.engine.lease import Lease
from healthdesk.engine.slots import Lane, Pace
from healthdesk.engine.targets import Key, Target, Targets
from healthdesk.store.rows import EnvWant, Settlement


class Lanes:
    """One lane for each environment that was ever looked at. `wake` is called when a lane may claim again."""

    def __init__(
        self, clock: Clock, targets: Targets, circuits: Circuits, lease: Lease, wake: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._lease = lease
        self._targets = targets
        self._circuits = circuits
        self._wake = wake
        self._lanes: dict[Key, Lane] = {}
        self._probed: dict[str, tuple[datetime, int]] = {}
        """Per connection judged by deliveries: the probe for which its one record was let through."""

    def __getitem__(self, key: Key) -> Lane:
        return self._lanes[key]

    @property
    def claimed(self) -> int:
        """How many claims are without a committed result."""
        return sum(lane.claimed for lane in self._lanes.values())

    def mark(self, key: Key) -> None:
        """Note that work of this environment may be due."""
        lane = self._lanes.get(key)
        if lane is not None:
            lane.dirty = True

    def mark_all(self) -> None:
        """Note that work of every environment may be due."""
        for lane in self._lanes.values():
            lane.dirty = True

    def forget(self) -> None:
        """After a death of the loop: begin anew."""
        self._lanes.clear()
        self._probed.clear()

    def note_probe(self, key: Key) -> None:
        """One record is the probe of a connection judged by its deliveries; the next waits for its verdict."""
        target = self._targets.get(*key)
        if target is not None and target.probe is not None:
            self._probed[target.connection_id] = target.probe

    def probe_told_nothing(self, target: Target) -> None:
        """Let another record be the probe of a connection: nothing was learned from the last."""
        self._probed.pop(target.connection_id, None)

    def lane(self, key: Key, target: Target) -> Lane:
        """Return the lane of an environment with the limits that it has now."""
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(target.concurrency)
        share = self._targets.share
        if self._circuits.lets_probe(target):
            lane.concurrency, lane.dirty = 1, True
        else:
            lane.concurrency = share.slots(1 if target.probing else self._circuits.limit(target), *key)
        lane.per_request = 1 if target.probing or self._circuits.holds(target) else target.per_request
        if target.rate_per_s is None:
            lane.pace = None
            return lane
        rate_per_s = share.rate(target.rate_per_s, target.concurrency, *key)
        if lane.pace is None:
            lane.pace = Pace(rate_per_s, self._clock, self._lease)
        more = rate_per_s > lane.pace.rate_per_s
        if rate_per_s < lane.pace.rate_per_s or (more and self._clock.monotonic() >= self._targets.shared_at):
            lane.pace.change(rate_per_s)
        lane.pace.not_before(self._targets.joined_at)
        return lane

    def wants(self, results: Sequence[Settlement], room: int) -> list[EnvWant]:
        """Return what to claim with the commit of these results. `room` is the bytes of memory that are left."""
        now = self._clock.monotonic()
        settling = Counter((result.integration_id, result.environment) for result in results)
        wants: list[EnvWant] = []
        probing: set[str] = set()
        for target in self._targets.all():
            key = (target.integration_id, target.environment)
            lane = self.lane(key, target)
            # where what is unknown is held, a kill must not leave unknown what was only claimed ahead
            begins = target.on_unknown is OnUnknown.HOLD
            if self._circuits.holds(target):
                if self._circuits.lets_probe(target) and lane.wants(now, ahead=False, settling=lane.claimed):
                    lane.asking()
                    wants.append(EnvWant(*key, 1, room_bytes=room, order=target.order, begins=begins))
                continue
            if target.probe_since is not None and (
                target.connection_id in probing or self._probed.get(target.connection_id) == target.probe
            ):
                continue
            settled: tuple[str, ...] = ()
            if target.order and settling[key]:
                settled = tuple(
                    each.record_id for each in results if key == (each.integration_id, each.environment)
                )
                lane.dirty = True  # what waited for these may go now
            # A probe's verdict is awaited: its slot is free only once its result is in.
            freed = 0 if target.probing else settling[key]
            free = lane.wants(now, ahead=not target.probing, settling=freed)
            if free:
                if target.probe_since is not None:
                    probing.add(target.connection_id)
                lane.asking()
                least = lane.claimed <= freed
                wants.append(
                    EnvWant(*key, free, room, least, order=target.order, settled=settled, begins=begins)
                )
                room = 0  # the next turn has room again; meanwhile each lane without anything gets one
            elif lane.dirty and lane.pace is not None and lane.claimed < lane.concurrency:
                self._wake_later(lane, lane.pace.wait_s())
        return wants

    def _wake_later(self, lane: Lane, seconds: float) -> None:
        """Look again when the lane's rate allows the next attempt; one timer a lane."""
        if lane.waking:
            return

        def wake() -> None:
            lane.waking = False
            self._wake()

        lane.waking = True
        asyncio.get_running_loop().call_later(seconds, wake)
