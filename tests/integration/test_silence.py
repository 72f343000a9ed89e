"""A source that sends nothing for longer than usual is a problem that ends with its next record: the loop over a store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy import text
from tests.integration.engine_desk import engine_on
from tests.store.world import PRODUCTION, TESTING, World

from healthdesk.domain.states import Environment, ErrorKind, ProblemState
from healthdesk.engine.context import Context
from healthdesk.engine.silence import Silence
from healthdesk.operations import silence as operations
from healthdesk.store import problems, pulses, sources
from healthdesk.testing import FakeClock

HOUR = 3600.0


@dataclass
class Scene:
    ctx: Context
    clock: FakeClock
    world: World
    silence: Silence
    offline: bool = False

    @property
    def place(self) -> pulses.Place:
        return self.world.sources[0], self.world.integration_id, PRODUCTION

    async def send(self, times: int, every_s: float, **more) -> None:
        for _ in range(times):
            self.clock.advance(every_s)
            await self.world.accept(1, **more)

    async def look(self, after_s: float = 0) -> None:
        """Let time pass as a daemon that runs sees it, with a look at its end."""
        self.clock.advance(after_s)
        await self.silence._look()

    async def open(self) -> list[problems.ProblemRow]:
        page = await self.ctx.store.read(problems.page, states=(ProblemState.OPEN,))
        return [each for each in page.items if each.kind == ErrorKind.SILENT]

    async def set_gap(self, gap_s: float | None, environment: Environment = PRODUCTION) -> None:
        place = (*self.place[:2], environment)
        row = await self.ctx.store.read(pulses.get, place)
        await self.ctx.store.write(pulses.set_gap, row, gap_s, self.clock.now())


@pytest.fixture
async def scene(tmp_path) -> AsyncIterator[Scene]:
    clock = FakeClock()
    async with engine_on(tmp_path, clock) as engine:
        ctx = engine.ctx
        world = await World.made(ctx.store, clock, ctx.ids)
        scene = Scene(ctx, clock, world, Silence(ctx, lambda: scene.offline))
        await scene.silence._look()
        yield scene


@asynccontextmanager
async def running(scene: Scene) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(scene.silence.run(stop))
    await scene.clock.wait_for_sleepers(1)
    try:
        yield
    finally:
        stop.set()
        await task


async def test_silence_longer_than_usual_opens_a_problem_and_the_next_record_ends_it(scene):
    await scene.send(30, HOUR)
    await scene.look()
    row = await scene.ctx.store.read(pulses.get, scene.place)
    assert row.silent_at == row.last_at + row.limit
    await scene.look(2 * HOUR)
    assert await scene.open() == []
    await scene.look(2 * HOUR)
    (problem,) = await scene.open()
    assert problem.where == "CRM endpoint"
    assert problem.cause.startswith("Heart sent nothing since ")
    assert problem.environment is PRODUCTION
    episode = problem.episode
    await scene.look(5 * HOUR)
    (problem,) = await scene.open()
    assert problem.episode == episode, "told once"
    await scene.send(1, 60)
    await scene.look()
    assert await scene.open() == []


async def test_a_source_shows_its_last_record_before_anything_was_learnt_of_it(scene):
    await scene.set_gap(HOUR)
    await scene.send(3, 60)
    await scene.send(1, 60, sample=True)

    def shown(conn):
        return operations.shown(conn, sources.get(conn, scene.world.sources[0])).pulses

    (pulse,) = [each for each in await scene.ctx.store.read(shown) if each.environment is PRODUCTION]
    assert pulse.last_at is not None
    assert (scene.clock.now() - pulse.last_at).total_seconds() == pytest.approx(60, abs=0.01)
    assert (pulse.silent_at - pulse.last_at).total_seconds() == HOUR


async def test_an_operator_who_closes_it_is_not_told_again_of_the_same_silence(scene):
    await scene.set_gap(HOUR)
    await scene.send(1, 1)
    await scene.look(2 * HOUR)
    (problem,) = await scene.open()
    await scene.ctx.store.write(problems.resolve, problem.id, by="bob", now=scene.clock.now())
    await scene.look(24 * HOUR)
    assert await scene.open() == []
    await scene.send(1, 1)
    await scene.look()
    await scene.look(2 * HOUR)
    assert len(await scene.open()) == 1


async def test_samples_are_no_sign_of_life_and_testing_is_silent_only_where_it_was_set(scene):
    await scene.set_gap(HOUR)
    await scene.send(30, 60, environment=TESTING)
    await scene.send(2, HOUR, sample=True)
    await scene.look(HOUR)
    (problem,) = await scene.open()
    assert problem.environment is PRODUCTION
    await scene.set_gap(HOUR, TESTING)
    await scene.look(HOUR)
    assert {each.environment for each in await scene.open()} == {PRODUCTION, TESTING}


async def test_never_and_disabled_end_it(scene):
    await scene.set_gap(HOUR)
    await scene.look(2 * HOUR)
    assert len(await scene.open()) == 1
    await scene.set_gap(0)
    await scene.look()
    assert await scene.open() == []
    await scene.set_gap(HOUR)
    await scene.look(HOUR)
    assert len(await scene.open()) == 1
    source_id, integration_id, _ = scene.place
    await scene.ctx.store.write(sources.enable, source_id, integration_id, False)
    await scene.look()
    assert await scene.open() == []


async def test_time_in_which_the_desk_was_down_offline_or_its_clock_was_set_is_not_silence(scene):
    await scene.set_gap(HOUR)
    await scene.send(1, 1)
    await scene.look()
    scene.clock.jump(30 * HOUR)
    await scene.look(10)
    assert await scene.open() == [], "the clock was set"
    scene.offline = True
    await scene.look(2 * HOUR)
    assert await scene.open() == [], "nobody could reach it"
    async with running(scene):  # it starts anew, after a time in which no daemon ran
        scene.offline = False
        await scene.look()
        assert await scene.open() == []
        await scene.look(2 * HOUR)
        assert len(await scene.open()) == 1


async def test_two_daemons_tell_of_one_silence_once(scene):
    other = Silence(scene.ctx, lambda: False)
    await scene.set_gap(HOUR)
    await scene.send(1, 1)
    await scene.look()
    await other._look()
    scene.clock.advance(2 * HOUR)
    await asyncio.gather(scene.silence._look(), other._look())
    (problem,) = await scene.open()
    assert problem.episode == 1


async def test_looking_costs_no_scan_of_the_log(scene):
    await scene.send(5, 60)

    def plans(conn):
        sent = []
        place = scene.place
        for query in (
            pulses._of(place, state).order_by(text("id DESC")).limit(1) for state in ("delivered", "held")
        ):
            compiled = query.compile(conn, compile_kwargs={"render_postcompile": True})
            parameters = tuple(str(compiled.params[name]) for name in compiled.positiontup)
            sent += conn.exec_driver_sql("EXPLAIN QUERY PLAN " + str(compiled), parameters).all()
        return [row[3] for row in sent]

    for step in await scene.ctx.store.read(plans):
        assert "ix_records_source" in step, step
        assert "TEMP B-TREE" not in step, step
