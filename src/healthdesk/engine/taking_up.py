"""Taking up what daemons that are now dead had under way: attempts, runs of instances, messages."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from healthdesk.engine.context import Context
from healthdesk.store import alerts, instance_recovery, recovery

log = logging.getLogger(__name__)

STEP = 200
"""Rows taken up in one small transaction."""


class TakenUp(NamedTuple):
    """How many attempts and messages there were."""

    attempts: int
    messages: int


async def take_up(ctx: Context, *, others_are_dead: bool) -> TakenUp:
    """Queue again what daemons whose lease is over had under way, or all but this one where `others_are_dead`."""
    write, clock = ctx.store.write, ctx.clock
    attempts = await _step_by_step(
        lambda: write(
            recovery.recover_interrupted,
            clock.now(),
            daemon_id=ctx.daemon_id,
            others_are_dead=others_are_dead,
            limit=STEP,
        )
    )
    runs = await _step_by_step(
        lambda: write(instance_recovery.recover, clock.now(), others_are_dead=others_are_dead, limit=STEP)
    )
    if runs:
        log.warning("%d runs of tasks and proof syncs were interrupted by a stop of the daemon", runs)
        ctx.bus.publish("instance.changed")
    messages = await write(
        alerts.recover, clock.now(), daemon_id=ctx.daemon_id, others_are_dead=others_are_dead
    )
    if messages:
        log.warning("%d messages were interrupted by a stop of the daemon and are sent again", messages)
    if attempts:
        log.warning("%d attempts were interrupted by a stop of the daemon", attempts)
        ctx.bus.publish("record.changed")
    return TakenUp(attempts, messages)


async def _step_by_step(step: Callable[[], Awaitable[int]]) -> int:
    """Repeat a step until it finds less than it may take; return how many it found in all."""
    total = 0
    while True:
        count = await step()
        total += count
        if count < STEP:
            return total
