"""What checks found is committed together, and one that cannot be kept fails alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from sqlite3 import IntegrityError

import pytest
from tests.integration.engine_desk import engine_on

from healthdesk.domain.health import HealthChange
from healthdesk.domain.states import ConnectionState, Trigger
from healthdesk.engine.engine import Engine
from healthdesk.engine.keeper import Keeper
from healthdesk.errors import NotFound
from healthdesk.store import connections
from healthdesk.store.rounds import Finding
from healthdesk.store.rows import HeartbeatRow, NewConnection, ProblemChanges
from healthdesk.testing import FakeClock


async def connection(engine: Engine, name: str) -> str:
    ctx = engine.ctx
    new = NewConnection(
        id=ctx.new_id("con"),
        app="http-endpoint",
        name=name,
        base_url="https://crm.example",
        auth="none",
        owner="alice",
        created_by="alice",
        created_at=ctx.clock.now(),
    )
    await ctx.store.write(connections.insert, new)
    return new.id


def good(engine: Engine, connection_id: str) -> Finding:
    now = engine.ctx.clock.now()
    beat = HeartbeatRow(
        id=engine.ctx.new_id("hbt"),
        connection_id=connection_id,
        at=now,
        trigger=Trigger.SCHEDULE,
        ok=True,
        duration_ms=1.0,
        state_after=ConnectionState.CONNECTED,
    )
    change = HealthChange(ConnectionState.CONNECTED, 0, now, opened=False, recovered=False, changed=False)
    return Finding(connection_id, change, None, None, beat, now, 0)


async def test_one_that_fails_does_not_take_its_neighbours_with_it(tmp_path) -> None:
    async with engine_on(tmp_path, FakeClock()) as engine:
        keeper = Keeper(engine.ctx)
        ids = [await connection(engine, name) for name in ("first", "gone", "broken", "last")]
        for each in ids:
            await keeper.keep(good(engine, each))
        await engine.ctx.store.write(connections.delete, ids[1], engine.ctx.clock.now())
        findings = [good(engine, each) for each in ids]
        beat = findings[2].heartbeat
        assert beat is not None
        findings[2] = replace(findings[2], heartbeat=replace(beat, url=None))  # type: ignore[arg-type]
        found = await asyncio.gather(*(keeper.keep(each) for each in findings), return_exceptions=True)
        assert [type(each) for each in found] == [ProblemChanges, NotFound, IntegrityError, ProblemChanges]
        kept = [len((await engine.ctx.store.read(connections.heartbeats, each)).items) for each in ids]
        assert kept == [2, 1, 1, 2]


async def test_what_ends_together_is_one_transaction(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with engine_on(tmp_path, FakeClock()) as engine:
        ids = [await connection(engine, str(number)) for number in range(20)]
        store, writes = engine.ctx.store, []
        real = type(store).write

        async def counted(self, *args, **kw):
            writes.append(args)
            return await real(self, *args, **kw)

        monkeypatch.setattr(type(store), "write", counted)
        keeper = Keeper(engine.ctx)
        await asyncio.gather(*(keeper.keep(good(engine, each)) for each in ids))
        assert len(writes) == 1
