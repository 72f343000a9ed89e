from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import text

from healthdesk.domain.states import Environment, HoldReason, RecordState
from healthdesk.errors import IdempotencyConflict
from healthdesk.store import flow, problems, records, retention
from healthdesk.store.rows import RecordQuery
from tests.store.job_world import resend_everything
from tests.store.world import REFUSED, UNAUTHORIZED, failure

ACTIONS = (
    "accept",
    "accept",
    "work",
    "work",
    "work",
    "hold",
    "release",
    "resend",
    "all",
    "crash",
    "retain",
    "close",
)


class Life:
    """Random things that happen to a desk, each through the store's own functions."""

    def __init__(self, world, chance):
        self.world, self.chance, self.in_flight = world, chance, []

    def environment(self):
        return self.chance.choice(list(Environment))

    async def accept(self):
        key = self.chance.choice([None, None, "a", "b"])
        try:
            await self.world.accept(
                self.chance.randrange(1, 9), environment=self.environment(), idempotency_key=key
            )
        except IdempotencyConflict:
            raise AssertionError("the body was the same") from None

    async def work(self):
        world, chance = self.world, self.chance
        settlements = []
        for claimed in self.in_flight:
            why = chance.choice([None, None, REFUSED, UNAUTHORIZED, failure(), failure(status=503)])
            if why is None:
                settlements.append(world.delivered(claimed))
            else:
                settlements.append(world.failed(claimed, why))
        late = chance.sample(settlements, min(len(settlements), 2))
        result = await world.step(settlements + late, chance.choice([0, 3, 8]), self.environment())
        assert len(result.late) >= len(late)
        self.in_flight = list(result.claimed)

    async def hold(self):
        place = (self.world.integration_id, self.environment())
        await self.world.store.write(flow.hold_some, *place, HoldReason.PAUSED, 4)

    async def release(self):
        place = (self.world.integration_id, self.environment())
        await self.world.store.write(flow.release_some, *place, self.world.clock.now(), 4)

    async def resend(self):
        page = await self.world.store.read(records.page, RecordQuery(), limit=6)
        ids = [row.id for row in page.items]
        await self.world.store.write(records.resend, ids, by="bob", now=self.world.clock.now())

    async def all(self):
        query = RecordQuery(
            environment=self.chance.choice([None, *Environment]),
            states=self.chance.choice(
                [(), (RecordState.FAILED,), (RecordState.FAILED, RecordState.RETRYING)]
            ),
        )
        plan = await self.world.store.read(records.resend_plan, query)
        done = await resend_everything(self.world, query)
        assert done.queued == plan.total

    async def crash(self):
        await self.world.store.write(
            flow.recover_interrupted,
            self.world.clock.now(),
            daemon_id="dmn_other",
            others_are_dead=True,
            limit=100,
        )

    async def retain(self):
        day = timedelta(days=1)
        self.world.clock.advance(86400 * self.chance.randrange(2))
        await self.world.store.write(
            retention.delete_some, self.world.clock.now(), bodies=day, rest=2 * day, limit=20
        )

    async def close(self):
        page = await self.world.store.read(problems.page)
        if page.items:
            problem = self.chance.choice(page.items)
            if problem.state.value != "resolved":
                await self.world.store.write(
                    problems.resolve, problem.id, by="bob", now=self.world.clock.now()
                )


async def check_problems(world):
    """Every problem counts exactly the records that are in it, and none that is resolved holds one up."""

    def read(conn):
        counted = dict(
            conn.execute(
                text(
                    "SELECT problem_id, count(*) FROM records WHERE problem_id IS NOT NULL GROUP BY problem_id"
                )
            ).all()
        )
        kept = {
            row.id: (row.count, row.state)
            for row in conn.execute(text("SELECT id, count, state FROM problems"))
        }
        return counted, kept

    counted, kept = await world.store.read(read)
    assert {problem_id: count for problem_id, (count, _) in kept.items() if count} == counted
    assert not [problem_id for problem_id, (count, state) in kept.items() if count and state == "resolved"]


@pytest.mark.parametrize("seed", range(4))
async def test_the_ledger_and_the_problems_agree_with_the_table_whatever_happens(world, seed):
    chance = random.Random(seed)
    life = Life(world, chance)
    for _ in range(120):
        world.clock.advance(chance.choice([0, 0, 1, 400]))
        await getattr(life, chance.choice(ACTIONS))()
    states = await world.check_ledger()
    assert sum(states.values()) > 20
    await check_problems(world)
