"""Two daemons on one PostgreSQL: one takes up what dead ones left while another, thought dead or new, claims.

The other one comes in after each statement of the transaction in turn, so that every order of the two is seen.
"""

from __future__ import annotations

import contextlib
import itertools
from datetime import timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.util import await_only

from healthdesk.domain.instance_states import InstanceKind
from healthdesk.errors import StoreUnavailable
from healthdesk.store import alerts, daemons, flow, instance_leases, instance_recovery, jobs, ledger
from tests.store import test_instances
from tests.store.job_world import filled

LEASE = timedelta(seconds=30)
RAN_OUT = timedelta(seconds=-1)
ENOUGH = 40
"""Of each kind of work: more than there are statements to come in after."""
TAKER, CLAIMER, GONE = "dmn_two", "dmn_one", "dmn_gone"
OWNED = {
    "attempts": ("attempts", "daemon_id", "outcome = 'sending'"),
    "messages": ("alerts", "daemon_id", "state = 'sending'"),
    "instances": ("instances", "lease_owner", "true"),
    "jobs": ("jobs", "lease_owner", "true"),
}


class Work:
    """Work of one kind, that the store of `CLAIMER` claims and the store of `TAKER` takes up."""

    def __init__(self, kind, world):
        self.kind, self.world, self.now = kind, world, world.clock.now()
        self.table, self.owner, self.open = OWNED[kind]

    async def prepare(self):
        world = self.world
        match self.kind:
            case "attempts":
                await world.accept(ENOUGH)
            case "messages":
                for number in range(ENOUGH):
                    await world.add_channel(f"chat {number}")
                await world.accept(1)
                await world.step([world.failed(each) for each in await world.claim(free=1)])
            case "instances":
                tasks = await test_instances.add_integration(world, InstanceKind.TASK)
                for _ in range(ENOUGH):
                    await test_instances.add(world, tasks, next_at=self.now)
            case "jobs":
                await world.accept(1)
                await world.step([world.failed(each) for each in await world.claim(free=1)])
                self.job_id = await filled(world)

    async def claim(self):
        """Return the ids of what the claimer has got."""
        write = self.world.store.write
        match self.kind:
            case "attempts":
                return {each.attempt_id for each in await self.world.claim(free=1)}
            case "messages":
                return {each.id for each in await write(alerts.claim, self.now, 1)}
            case "instances":
                return {each.id for each in await write(instance_leases.claim_due, self.now, 1)}
            case _:
                return set(await write(jobs.lease, [self.job_id], self.now))

    def take_up(self, conn):
        judged = {"others_are_dead": False}
        match self.kind:
            case "attempts":
                flow.recover_interrupted(conn, self.now, daemon_id=TAKER, limit=ENOUGH, **judged)
            case "messages":
                alerts.recover(conn, self.now, daemon_id=TAKER, **judged)
            case "instances":
                instance_recovery.recover(conn, self.now, limit=ENOUGH, **judged)
            case "jobs":
                jobs.lease(conn, [self.job_id], self.now)

    async def owned_by(self, daemon_id):
        held = text(f"SELECT id FROM {self.table} WHERE {self.open} AND {self.owner} = :owner")
        return await self.world.store.read(
            lambda conn: set(conn.execute(held, {"owner": daemon_id}).scalars())
        )

    async def left_by(self, daemon_id):
        """Claim something as a daemon that is dead now."""
        await self.claim()
        change = text(f"UPDATE {self.table} SET {self.owner} = :owner WHERE {self.owner} = :mine")
        await self.world.store.write(lambda conn: conn.execute(change, {"owner": daemon_id, "mine": CLAIMER}))


async def taken_up_with(taker, work, at, meanwhile):
    """Take work up, and run `meanwhile` after statement number `at` of the transaction; tell whether it had as many."""
    came_in = False

    def take_up(conn):
        seen = itertools.count()

        def after(*_):
            nonlocal came_in
            if next(seen) == at:
                came_in = True
                await_only(meanwhile())

        event.listen(conn, "after_cursor_execute", after)
        try:
            work.take_up(conn)
        finally:
            event.remove(conn, "after_cursor_execute", after)

    await taker.write(take_up)
    return came_in


@pytest.mark.parametrize("kind", OWNED)
@pytest.mark.parametrize("joins", ["renews", "registers"])
async def test_what_is_claimed_under_a_new_lease_is_not_taken_up_with_what_was_left(
    postgres_world, postgres_url, opened, kind, joins
):
    world, taker = postgres_world, await opened(postgres_url, TAKER)
    work = Work(kind, world)
    await work.prepare()
    await taker.write(daemons.register, TAKER, work.now, LEASE)
    claimed = set()

    def join(conn):
        if joins == "registers":
            daemons.register(conn, CLAIMER, work.now, LEASE)
            return
        conn.execute(text("SELECT id FROM daemons WHERE id = :id FOR UPDATE NOWAIT"), {"id": CLAIMER})
        assert not daemons.renew(conn, CLAIMER, work.now, LEASE), "it is told that its lease had run out"

    def forget(conn):
        """Make the claimer one that was never there."""
        conn.execute(text("DELETE FROM daemons WHERE id = :id"), {"id": CLAIMER})
        ledger.fold(conn, [CLAIMER])

    async def come_in():
        with contextlib.suppress(StoreUnavailable):  # its row is locked: it waits until all is taken up
            await world.store.write(join)
            claimed.update(await work.claim())

    points = 0
    for at in itertools.count():
        claimed.clear()
        await work.left_by(GONE)
        await world.store.write(forget)
        if joins == "renews":
            await world.store.write(daemons.register, CLAIMER, work.now, RAN_OUT)
            if kind != "jobs":  # the one job there is, is left by the one that is gone
                await work.claim()
        if not await taken_up_with(taker, work, at, come_in):
            break
        points += bool(claimed)
        assert claimed <= await work.owned_by(CLAIMER), f"taken up though claimed after statement {at}"
        assert await work.owned_by(GONE) == set()
    assert points or kind == "jobs", "it claimed at none of the points"


async def test_of_a_dead_daemon_that_renews_at_this_moment_nothing_is_taken_up_yet(
    postgres_world, postgres_url, opened
):
    world, taker = postgres_world, await opened(postgres_url, TAKER)
    work = Work("attempts", world)
    await work.prepare()
    await world.store.write(daemons.register, CLAIMER, work.now, RAN_OUT)
    mine = await work.claim()

    def renew(conn):
        renewed = daemons.renew(conn, CLAIMER, work.now, LEASE)
        await_only(taker.write(work.take_up))
        return renewed

    assert not await world.store.write(renew)
    assert await work.owned_by(CLAIMER) == mine
    await world.store.write(daemons.leave, CLAIMER, work.now)
    await taker.write(work.take_up)
    assert await work.owned_by(CLAIMER) == set()
