"""What checks found is committed together, and one that cannot be kept fails alone."""

from __future__ import annotations

import asyncio

import pytest
from tests.integration.engine_desk import engine_on

from healthdesk.engine.keeper import Keeper
from healthdesk.errors import NotFound
from healthdesk.store import desk
from healthdesk.store.rows import ProblemChanges
from healthdesk.testing import FakeClock


async def test_one_that_fails_does_not_take_its_neighbours_with_it(tmp_path) -> None:
    async with engine_on(tmp_path, FakeClock()) as engine:
        keeper = Keeper(engine.ctx)

        def note(name: str, error: Exception | None = None):
            def step(conn) -> ProblemChanges:
                if isinstance(error, NotFound):
                    raise error
                desk.set_setting(conn, name, "kept")
                if error is not None:
                    raise error
                return ProblemChanges((name,))

            return step

        steps = [
            note("first"),
            note("gone", NotFound("gone")),
            note("broken", ValueError("ours")),
            note("last"),
        ]
        found = await asyncio.gather(*(keeper.keep(step) for step in steps), return_exceptions=True)
        assert [type(each) for each in found] == [ProblemChanges, NotFound, ValueError, ProblemChanges]
        kept = [
            await engine.ctx.store.read(desk.setting, name) for name in ("first", "gone", "broken", "last")
        ]
        assert kept == ["kept", None, None, "kept"]


async def test_what_ends_together_is_one_transaction(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with engine_on(tmp_path, FakeClock()) as engine:
        store, writes = engine.ctx.store, []
        real = type(store).write

        async def counted(self, *args, **kw):
            writes.append(args)
            return await real(self, *args, **kw)

        monkeypatch.setattr(type(store), "write", counted)
        keeper = Keeper(engine.ctx)
        await asyncio.gather(*(keeper.keep(lambda _conn: ProblemChanges()) for _ in range(20)))
        assert len(writes) == 1
