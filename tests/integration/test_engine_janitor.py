"""Housekeeping alone, over a real store: what a crash left, the lease, problems in time, numbers, retention."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.integration.engine_desk import engine_on
from tests.store.world import PRODUCTION, World, failure

from healthdesk.engine.context import Context
from healthdesk.engine.janitor import (
    BEAT_S,
    LEASE,
    LEASE_MARGIN_S,
    RETENTION_EVERY_S,
    SETTLED_IN,
    STEP,
    Janitor,
)
from healthdesk.errors import StoreUnavailable
from healthdesk.store import alerts, daemons, keyring, lookups
from healthdesk.testing import FakeClock

PATIENT_S = 60.0
DAY_S = 86400.0
THE_LEASE = "SELECT lease_until, stopped_at FROM daemons WHERE id = :id"


@dataclass
class Scene:
    """A desk that is kept: `told` are events, `woken` whom the janitor woke, `asked` the writes it made."""

    ctx: Context
    clock: FakeClock
    world: World
    janitor: Janitor
    told: list[tuple[str, str]]
    woken: list[str]
    asked: list[str]
    heard: asyncio.Event
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what one of the janitor's writes brings about."""
        async with asyncio.timeout(PATIENT_S):
            while not condition():
                self.heard.clear()
                await self.heard.wait()

    async def next_round(self, after_s: float = BEAT_S) -> None:
        """Let time pass, and wait until the round it brings has read the numbers, which is the last but retention."""
        measured = self.asked.count("counts") + 1
        await self.clock.wait_for_sleepers(1)
        self.clock.advance(after_s)
        await self.until(lambda: self.asked.count("counts") >= measured)

    async def lease(self) -> Any:
        return await self.ctx.store.read(
            lambda conn: conn.execute(text(THE_LEASE), {"id": self.ctx.daemon_id}).one()
        )


@pytest.fixture
async def scene(tmp_path, monkeypatch) -> AsyncIterator[Scene]:
    clock = FakeClock()
    async with engine_on(tmp_path, clock, HEALTHDESK_ALERTS__ENABLED="true") as engine:
        ctx = engine.ctx
        world = await World.made(ctx.store, clock, ctx.ids)
        told: list[tuple[str, str]] = []
        woken: list[str] = []
        asked: list[str] = []
        heard = asyncio.Event()
        ctx.bus.on_event(lambda event: told.append((event.kind, event.object_id)))
        janitor = Janitor(ctx, lambda: woken.append("alerts"), lambda: woken.append("delivery"))

        def noting(ask):
            async def noted(query, *args, **kw):
                answer = await ask(query, *args, **kw)
                asked.append(query.__name__)
                heard.set()
                return answer

            return noted

        for way in ("write", "read"):
            monkeypatch.setattr(ctx.store, way, noting(getattr(ctx.store, way)))
        yield Scene(ctx, clock, world, janitor, told, woken, asked, heard)


@asynccontextmanager
async def running(scene: Scene) -> AsyncIterator[None]:
    """Run the loop; its first round is over when the block begins."""
    task = asyncio.create_task(scene.janitor.run(scene.stop))
    await scene.until(lambda: "expire_old_keys" in scene.asked)
    try:
        yield
    finally:
        scene.stop.set()
        async with asyncio.timeout(PATIENT_S):
            await task


async def left_by_another(scene: Scene, count: int) -> None:
    """Leave attempts and messages under way as a daemon that is no more did."""
    await scene.world.accept(count)
    await scene.world.claim(count)

    def of_the_dead(conn: Any) -> None:
        conn.execute(text("UPDATE attempts SET daemon_id = 'dmn_dead'"))
        conn.execute(text("UPDATE alerts SET daemon_id = 'dmn_dead'"))

    await scene.ctx.store.write(of_the_dead)


async def test_recovery_takes_up_all_that_a_dead_daemon_left_and_says_so(scene, caplog):
    await left_by_another(scene, STEP + 50)
    assert await scene.janitor.recover() == STEP + 50
    assert await scene.world.check_ledger() == {"queued": STEP + 50}
    assert f"{STEP + 50} attempts were interrupted by a stop of the daemon" in caplog.text
    assert scene.told == [("record.changed", "")]
    assert scene.woken == ["delivery"]
    held_until, stopped_at = await scene.lease()
    assert (held_until, stopped_at) == (micros(scene.clock.now() + LEASE), None)


async def test_claim_whose_lost_commit_shows_late_is_taken_up_with_a_beat(tmp_path, caplog):
    """The loop looked for lost claims and found none; then the commit it was not told of became visible."""
    clock = FakeClock()
    async with engine_on(tmp_path, clock) as engine:
        ctx = engine.ctx
        world = await World.made(ctx.store, clock, ctx.ids)
        await world.accept(1)
        (late,), began = await world.claim(), clock.now()

        def interrupted(conn: Any) -> Any:
            outcomes = text("SELECT outcome FROM attempts WHERE id = :id")
            return conn.execute(outcomes, {"id": late.attempt_id}).scalar_one() == "interrupted"

        await engine.start()
        try:
            async with asyncio.timeout(PATIENT_S):
                while not await ctx.store.read(interrupted):
                    clock.advance(0.5)
        finally:
            await engine.stop(1)
        assert "1 attempts were interrupted and are taken up again" in caplog.text
        assert clock.now() - began > SETTLED_IN


async def test_recovery_after_a_clean_stop_is_silent(scene, caplog):
    await scene.world.accept(3)
    assert await scene.janitor.recover() == 0
    assert (scene.told, scene.woken, caplog.text) == ([], [], "")


async def test_message_that_was_being_sent_is_sent_again(scene, caplog):
    await scene.world.add_channel("ops")
    await open_problem(scene)
    assert len(await scene.ctx.store.write(alerts.claim, scene.clock.now(), 10)) == 1
    await left_by_another(scene, 0)
    await scene.janitor.recover()
    assert "1 messages were interrupted by a stop of the daemon and are sent again" in caplog.text
    assert scene.woken == ["alerts"]
    (again,) = await scene.ctx.store.write(alerts.claim, scene.clock.now(), 10)
    assert again.tries == 2


async def open_problem(scene: Scene) -> str:
    """Refuse a record, which opens a problem at once."""
    await scene.world.accept(1)
    (claimed,) = await scene.world.claim()
    (problem_id,) = (await scene.world.step([scene.world.failed(claimed)])).problems_changed
    return problem_id


async def test_lease_is_renewed_with_every_beat_and_given_up_at_the_end(scene, caplog):
    await scene.janitor.recover()
    async with running(scene):
        for _ in range(3):
            await scene.next_round()
            assert (await scene.lease()).lease_until == micros(scene.clock.now() + LEASE)
        assert (await scene.lease()).stopped_at is None
    held_until, stopped_at = await scene.lease()
    assert held_until < micros(scene.clock.now())
    assert stopped_at == micros(scene.clock.now())
    assert await scene.ctx.store.read(daemons.running, scene.clock.now()) == []
    assert "run out" not in caplog.text


async def test_stop_while_the_database_is_away_leaves_the_lease_to_run_out_and_says_so(
    scene, caplog, monkeypatch
):
    await scene.janitor.recover()

    async def away(*_args, **_kw):
        raise StoreUnavailable("the database is away")

    with monkeypatch.context() as patch:
        async with running(scene):
            held_until, _ = await scene.lease()
            patch.setattr(scene.ctx.store, "write", away)
    [told] = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert told == "the lease of this daemon is not given up, it runs out within 20 s: the database is away"
    assert await scene.lease() == (held_until, None)


async def test_lease_that_ran_out_is_taken_again_and_told(scene, caplog, monkeypatch):
    monkeypatch.setattr(scene.ctx.store, "dialect", "postgresql")  # where others may take up what it claimed
    leased: list[tuple[float, bool]] = []
    scene.janitor.on_lease = lambda until_s, *, held: leased.append((until_s - scene.clock.monotonic(), held))
    await scene.janitor.recover()
    scene.clock.advance(LEASE.total_seconds() + 1)
    async with running(scene):
        assert "the lease of this daemon had run out; others may have sent its records again" in caplog.text
        caplog.clear()
        await scene.next_round()
        assert caplog.text == "", "it is held again"
        (running_now,) = await scene.ctx.store.read(daemons.running, scene.clock.now())
        assert running_now.id == scene.ctx.daemon_id
    sure_s = pytest.approx(LEASE.total_seconds() - LEASE_MARGIN_S)
    assert leased == [(sure_s, False), (sure_s, False), (sure_s, True)], (
        "the first one was held by nobody before"
    )


async def test_record_that_keeps_failing_for_five_minutes_opens_its_problem_without_another_attempt(scene):
    await scene.world.add_channel("ops")
    await scene.world.accept(1)
    (claimed,) = await scene.world.claim()
    later = scene.clock.now() + timedelta(hours=1)
    await scene.world.step([scene.world.failed(claimed, failure(), next_at=later)])
    async with running(scene):
        assert (scene.told, scene.woken) == ([], [])
        await scene.next_round(300)
        (told,) = scene.told
        assert told[0] == "problem.changed"
        assert told[1].startswith("prb_")
        assert scene.woken == ["alerts"]
        await scene.next_round()
        assert (len(scene.told), scene.woken) == (1, ["alerts"]), "it is told once"


async def test_numbers_follow_the_ledger_down_to_nothing(scene):
    def number(what: str, state: str) -> float | None:
        return scene.ctx.metrics.registry.get_sample_value(f"healthdesk_{what}", {"state": state})

    await scene.world.accept(3)
    async with running(scene):
        assert (number("records", "queued"), number("records", "delivered")) == (3, 0)
        claimed = await scene.world.claim()
        await scene.world.step([scene.world.delivered(each) for each in claimed])
        await scene.ctx.store.write(
            lambda conn: conn.execute(text("UPDATE connections SET state = 'failing'"))
        )
        await scene.next_round()
        await scene.next_round()  # the first was over once it had read; now it has set what it read
        assert (number("records", "queued"), number("records", "delivered")) == (0, 3)
        assert number("connections", "failing") == 1


async def delivered_and_old(scene: Scene, count: int) -> list[str]:
    ids = await scene.world.accept(count)
    claimed = await scene.world.claim(count)
    await scene.world.step([scene.world.delivered(each) for each in claimed])
    scene.clock.advance(91 * DAY_S)
    return ids


async def test_old_records_are_deleted_in_small_steps_with_pauses_and_then_not_looked_for_again(scene):
    ids = await delivered_and_old(scene, 2 * STEP + 50)
    await scene.world.accept(1)
    task = asyncio.create_task(scene.janitor.run(scene.stop))
    for step in range(1, 4):
        await scene.until(lambda step=step: scene.asked.count("delete_some") == step)
        left = await scene.world.check_ledger()
        assert left == {"queued": 1} | ({"delivered": len(ids) - step * STEP} if step < 3 else {})
        await scene.clock.wait_for_sleepers(2)  # its own beat, and the pause in which others may write
        scene.clock.advance(0.02)
    await scene.until(lambda: "expire_old_keys" in scene.asked)
    steps = scene.asked.count("delete_some")
    assert steps == 4, "the last found nothing"
    await scene.next_round(RETENTION_EVERY_S - 2 * BEAT_S)
    await scene.next_round()  # the one before it is over
    assert scene.asked.count("delete_some") == steps
    scene.clock.advance(BEAT_S)
    await scene.until(lambda: scene.asked.count("delete_some") > steps)
    scene.stop.set()
    await task


async def over_pauses(clock: FakeClock) -> None:
    """Let the time of a pause between two steps pass when one is made, beside the beat that always waits."""
    while True:
        await clock.wait_for_sleepers(2)
        clock.advance(0.02)
        await asyncio.sleep(0)


async def test_long_deletion_lets_the_lease_be_renewed_before_it_goes_on(scene, monkeypatch):
    await scene.janitor.recover()
    await delivered_and_old(scene, 5 * STEP)
    write = scene.ctx.store.write

    async def slow_disk(query, *args, **kw):
        if query.__name__ == "delete_some":
            scene.clock.advance(1.5)
        return await write(query, *args, **kw)

    monkeypatch.setattr(scene.ctx.store, "write", slow_disk)
    began = scene.clock.monotonic()
    task = asyncio.create_task(scene.janitor.run(scene.stop))
    pauses = asyncio.create_task(over_pauses(scene.clock))
    await scene.until(lambda: "expire_old_keys" in scene.asked)
    pauses.cancel()
    scene.stop.set()
    await task
    done = [each for each in scene.asked if each in ("renew", "delete_some")]
    stretches = "".join({"renew": "r", "delete_some": "d"}[each] for each in done).split("r")[1:]
    assert sum(map(len, stretches)) == 6
    assert max(map(len, stretches)) <= 2, "two steps of 1.5 s are a stretch"
    assert scene.clock.monotonic() - began < 6 * 1.5 + 1, "the next stretch follows at once"
    assert await scene.world.check_ledger() == {}


async def test_stop_does_not_wait_for_the_rest_of_the_deletion(scene):
    await delivered_and_old(scene, 2 * STEP)
    task = asyncio.create_task(scene.janitor.run(scene.stop))
    await scene.until(lambda: "delete_some" in scene.asked)
    scene.stop.set()
    await scene.clock.wait_for_sleepers(1)
    scene.clock.advance(0.02)
    async with asyncio.timeout(PATIENT_S):
        await task
    assert scene.asked[-1] == "leave"
    assert await scene.world.check_ledger() == {"delivered": STEP}


async def test_database_that_is_away_is_told_and_the_next_beat_goes_on(scene, caplog, monkeypatch):
    await scene.janitor.recover()
    async with running(scene):

        async def away(*_args, **_kw):
            scene.heard.set()
            raise StoreUnavailable("the database is away")

        with monkeypatch.context() as patch:
            patch.setattr(scene.ctx.store, "write", away)
            await scene.clock.wait_for_sleepers(1)
            scene.clock.advance(BEAT_S)
            await scene.until(
                lambda: "housekeeping waits for the database: the database is away" in caplog.text
            )
        await scene.next_round()
        assert (await scene.lease()).lease_until == micros(scene.clock.now() + LEASE)


async def test_part_that_fails_is_told_and_keeps_no_other_from_its_turn(scene, caplog, monkeypatch):
    def broken(*_args, **_kw):
        raise ValueError("half of a pair")

    monkeypatch.setattr(lookups, "waiting", broken)
    async with running(scene):
        scene.clock.advance(RETENTION_EVERY_S)
        await scene.until(lambda: scene.asked.count("expire_old_keys") == 2)
    assert "housekeeping: filling lookup fields failed" in caplog.text
    assert "half of a pair" in caplog.text


async def test_replaced_key_goes_with_the_next_retention(scene):
    for name in ("key_1", "key_2"):
        await scene.ctx.store.write(
            keyring.insert_key,
            key_id=name,
            integration_id=scene.world.integration_id,
            environment=PRODUCTION,
            key_hash=name.encode(),
            hint="••••",
            now=scene.clock.now(),
            by="alice",
            overlap_s=RETENTION_EVERY_S,
        )

    async def keys() -> list[str]:
        return await scene.ctx.store.read(
            lambda conn: list(conn.execute(text("SELECT id FROM api_keys ORDER BY id")).scalars())
        )

    async with running(scene):
        assert await keys() == ["key_1", "key_2"]
        scene.clock.advance(RETENTION_EVERY_S)
        await scene.until(lambda: scene.asked.count("expire_old_keys") == 2)
        assert await keys() == ["key_2"]


def micros(moment) -> int:
    """Return a time as the store keeps it."""
    return round(moment.timestamp() * 1_000_000)
