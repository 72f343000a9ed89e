"""Records of an environment on hold wait, and go on by themselves: the loop alone, over a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.integration.engine_desk import engine_on
from tests.store.world import PRODUCTION, TESTING, World, failure

from healthdesk.domain.states import Environment, HoldReason, IntegrationState, RecordState
from healthdesk.engine.context import Context
from healthdesk.engine.holds import PASS_S, Holds
from healthdesk.engine.targets import Targets
from healthdesk.errors import StoreUnavailable
from healthdesk.store import integrations, records
from healthdesk.testing import FakeClock

PATIENT_S = 60.0


class Deliverer:
    """Is woken, and says so: for one environment in the middle of a pass, for all at its end."""

    def __init__(self) -> None:
        self.woken: list[tuple[str, Environment]] = []
        self.passes: asyncio.Queue[None] = asyncio.Queue()

    def wake(self, integration_id: str, environment: Environment) -> None:
        self.woken.append((integration_id, environment))

    def wake_all(self) -> None:
        self.passes.put_nowait(None)


@dataclass
class Scene:
    """A desk whose holds run; `told` are the events."""

    ctx: Context
    clock: FakeClock
    world: World
    deliverer: Deliverer
    holds: Holds
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    told: list[str] = field(default_factory=list)

    async def passed(self) -> None:
        """Wait for the end of the next pass."""
        async with asyncio.timeout(PATIENT_S):
            await self.deliverer.passes.get()

    async def looked(self) -> None:
        """Let it look again and wait until it has."""
        self.holds.wake()
        await self.passed()

    async def connection(self, state: str, suspect_checks: int = 0) -> None:
        change = text("UPDATE connections SET state = :state, suspect_checks = :checks")
        await self.ctx.store.write(
            lambda conn: conn.execute(change, {"state": state, "checks": suspect_checks})
        )

    async def integration(self, state: IntegrationState, environment: Environment | None = None) -> None:
        await self.ctx.store.write(integrations.set_state, self.world.integration_id, environment, state)

    async def rows(self, ids: list[str]) -> list[tuple[RecordState, HoldReason | None]]:
        found = [await self.ctx.store.read(records.get, each) for each in ids]
        return [(row.state, row.hold_reason) for row in found]


HELD_PAUSED = (RecordState.HELD, HoldReason.PAUSED)
HELD_FAILING = (RecordState.HELD, HoldReason.CONNECTION)
QUEUED = (RecordState.QUEUED, None)


@pytest.fixture
async def scene(tmp_path) -> AsyncIterator[Scene]:
    clock = FakeClock()
    async with engine_on(tmp_path, clock) as engine:
        ctx = engine.ctx
        world = await World.made(ctx.store, clock, ctx.ids)
        await ctx.store.write(lambda conn: conn.execute(text("UPDATE connections SET credentials_enc = ''")))
        deliverer = Deliverer()
        scene = Scene(ctx, clock, world, deliverer, Holds(ctx, Targets(ctx), deliverer))
        ctx.bus.on_event(lambda event: scene.told.append(event.kind))
        yield scene


@asynccontextmanager
async def running(scene: Scene) -> AsyncIterator[None]:
    """Run the loop; its first pass is over when the block begins."""
    task = asyncio.create_task(scene.holds.run(scene.stop))
    await scene.passed()
    try:
        yield
    finally:
        scene.stop.set()
        async with asyncio.timeout(PATIENT_S):
            await task


async def test_pause_holds_what_is_queued_or_retrying_and_resume_makes_it_due_now(scene, caplog):
    (retrying,) = await scene.world.accept(1)
    (claimed,) = await scene.world.claim()
    later = scene.clock.now() + timedelta(hours=1)
    await scene.world.step([scene.world.failed(claimed, failure(), next_at=later)])
    (queued,) = await scene.world.accept(1)
    (testing,) = await scene.world.accept(1, environment=TESTING)
    caplog.set_level("INFO")
    async with running(scene):
        assert scene.told == [], "nothing to hold is no news"
        await scene.integration(IntegrationState.PAUSED, PRODUCTION)
        await scene.looked()
        assert await scene.rows([retrying, queued, testing]) == [HELD_PAUSED, HELD_PAUSED, QUEUED]
        assert f"{scene.world.integration_id} production: 2 records held (paused)" in caplog.text
        assert scene.told == ["record.changed"]
        await scene.looked()
        assert scene.told == ["record.changed"], "what is held already is no news"

        await scene.integration(IntegrationState.ACTIVE)
        await scene.looked()
        assert await scene.rows([retrying, queued]) == [QUEUED, QUEUED]
        assert f"{scene.world.integration_id} production: 2 records released" in caplog.text
        assert scene.told == ["record.changed"] * 2
    assert {each.id for each in await scene.world.claim()} == {retrying, queued}
    assert await scene.world.check_ledger() == {"sending": 2, "queued": 1}


async def test_failing_connection_holds_every_environment_and_recovery_releases_them(scene):
    ids = await scene.world.accept(2) + await scene.world.accept(1, environment=TESTING)
    async with running(scene):
        await scene.connection("failing")
        await scene.looked()
        assert await scene.rows(ids) == [HELD_FAILING] * 3
        await scene.connection("connected")
        await scene.looked()
        assert await scene.rows(ids) == [QUEUED] * 3


async def test_resume_while_the_connection_fails_releases_nothing(scene):
    ids = await scene.world.accept(2)
    await scene.connection("failing")
    await scene.integration(IntegrationState.PAUSED)
    async with running(scene):
        assert await scene.rows(ids) == [HELD_PAUSED] * 2, "what people asked for is said first"
        await scene.integration(IntegrationState.ACTIVE)
        await scene.looked()
        assert await scene.rows(ids) == [HELD_FAILING] * 2, "what holds them now is the connection"
        await scene.connection("connected")
        await scene.looked()
        assert await scene.rows(ids) == [QUEUED] * 2


async def test_recovery_of_the_connection_while_paused_releases_nothing(scene, caplog):
    ids = await scene.world.accept(450)
    some = [ids[0], ids[-1]]
    caplog.set_level("INFO")
    await scene.connection("failing")
    async with running(scene):
        assert await scene.rows(some) == [HELD_FAILING] * 2
        await scene.integration(IntegrationState.PAUSED)
        scene.told.clear()
        await scene.looked()
        assert await scene.rows(some) == [HELD_PAUSED] * 2
        assert scene.told == ["record.changed"], "whoever looks at one of them reads the reason anew"
        assert "production: 450 records held (paused)" in caplog.text
        await scene.connection("connected")
        await scene.looked()
        assert await scene.rows(some) == [HELD_PAUSED] * 2
        assert await scene.world.check_ledger() == {"held": 450}
        assert scene.told == ["record.changed"]
        await scene.integration(IntegrationState.ACTIVE)
        await scene.looked()
        assert await scene.world.check_ledger() == {"queued": 450}


async def test_connection_that_is_judged_by_deliveries_and_in_doubt_gets_one_record_the_oldest(scene):
    ids = await scene.world.accept(3)
    await scene.connection("failing")
    async with running(scene):
        assert await scene.rows(ids) == [HELD_FAILING] * 3
        await scene.connection("suspect")
        await scene.looked()
        assert await scene.rows(sorted(ids)) == [QUEUED, HELD_FAILING, HELD_FAILING]
    assert [each.id for each in await scene.world.claim()] == [min(ids)]


async def test_credentials_that_cannot_be_read_hold_records_and_say_so(scene, caplog):
    ids = await scene.world.accept(1)
    await scene.ctx.store.write(
        lambda conn: conn.execute(text("UPDATE connections SET credentials_enc = 'of another key'"))
    )
    async with running(scene):
        assert await scene.rows(ids) == [HELD_FAILING]
        assert "CRM:" in caplog.text
        assert "its records are held" in caplog.text


async def test_many_move_in_small_steps_and_delivery_begins_with_the_first(scene):
    await scene.world.accept(450)
    async with running(scene):
        scene.deliverer.woken.clear()
        await scene.integration(IntegrationState.PAUSED, PRODUCTION)
        await scene.looked()
        assert await scene.world.check_ledger() == {"held": 450}
        await scene.integration(IntegrationState.ACTIVE, PRODUCTION)
        scene.deliverer.woken.clear()
        await scene.looked()
        assert await scene.world.check_ledger() == {"queued": 450}
        place = (scene.world.integration_id, PRODUCTION)
        assert scene.deliverer.woken == [place, place], "woken after each full step, not only at the end"


async def test_stop_ends_between_two_steps_and_the_next_start_does_the_rest(scene, monkeypatch):
    await scene.world.accept(450)
    await scene.integration(IntegrationState.PAUSED, PRODUCTION)
    monkeypatch.setattr(scene.deliverer, "wake", lambda *_: scene.stop.set())
    async with running(scene):
        pass
    assert await scene.world.check_ledger() == {"held": 200, "queued": 250}
    monkeypatch.undo()
    scene.stop = asyncio.Event()
    async with running(scene):
        assert await scene.world.check_ledger() == {"held": 450}


async def test_change_nobody_told_of_is_found_with_the_next_pass(scene):
    ids = await scene.world.accept(1)
    async with running(scene):
        await scene.connection("failing")
        scene.clock.advance(PASS_S - 0.1)
        assert scene.deliverer.passes.empty()
        assert await scene.rows(ids) == [QUEUED]
        scene.clock.advance(0.1)
        await scene.passed()
        assert await scene.rows(ids) == [HELD_FAILING]


async def test_database_that_is_away_is_told_and_waited_for(scene, caplog, monkeypatch):
    ids = await scene.world.accept(1)
    async with running(scene):
        await scene.connection("failing")

        async def away(*_args, **_kw):
            raise StoreUnavailable("the database is away")

        with monkeypatch.context() as patch:
            patch.setattr(scene.ctx.store, "write", away)
            await scene.looked()
        assert "holds wait for the database: the database is away" in caplog.text
        assert await scene.rows(ids) == [QUEUED]
        await scene.ctx.clock.wait_for_sleepers(1)
        scene.clock.advance(PASS_S)
        await scene.passed()
        assert await scene.rows(ids) == [HELD_FAILING]
