"""What proof syncs collect and what their runs collected, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from healthdesk.domain.instance_states import InstanceKind, RunOutcome
from healthdesk.domain.proof import Packed, packed, unpacked
from healthdesk.domain.states import Trigger
from healthdesk.errors import NotFound
from healthdesk.store import connections, instances, proof, runs
from healthdesk.store.rows_instances import RunRow
from healthdesk.store.schema_instances import proof_contents
from tests.store.world import World

COLUMNS = [{"key": "id", "label": "Id", "id": True}, {"key": "login", "label": "Login"}]
ONE = packed(["id", "login"], [{"id": "1", "login": "ada\u2028\U0001f600"}], "id")
TWO = packed(["id", "login"], [{"id": "1", "login": "ada"}, {"id": "2", "login": "bob"}], "id")


async def add(world: World) -> str:
    sync_id = world.new("prf")

    def change(conn: Any) -> None:
        instances.insert(
            conn,
            id=sync_id,
            kind=InstanceKind.PROOF,
            integration_id=world.integration_id,
            connection_id=world.connection_id,
            app="github",
            owner="alice",
            name="Collaborators of acme/site",
            every_s=86400,
            now=world.clock.now(),
            by="alice",
        )
        proof.insert(conn, id=sync_id, dataset="collaborators", fields={"repo": "acme/site"}, named=False)

    await world.store.write(change)
    return sync_id


async def collected(world: World, sync_id: str, found: Packed | None) -> str:
    """Store a run that collected something, or failed."""
    run_id = world.new("run")
    now = world.clock.now()

    def change(conn: Any) -> None:
        run = RunRow(
            run_id,
            sync_id,
            RunOutcome.COLLECTED if found else RunOutcome.FAILED,
            Trigger.SCHEDULE,
            "",
            "dmn_one",
            now,
            content_hash=found.content_hash if found else "",
        )
        runs.begin(conn, run)
        if found is not None:
            proof.keep(conn, sync_id, world.connection_id, found, COLUMNS, run_id, now)

    await world.store.write(change)
    world.clock.advance(60)
    return run_id


async def kept(world: World) -> int:
    counting = sa.select(sa.func.count()).select_from(proof_contents)
    return await world.store.read(lambda conn: conn.execute(counting).scalar_one())


async def test_contents_are_stored_once_for_all_runs_that_found_them(world: World) -> None:
    sync_id, other = await add(world), await add(world)
    for found in (ONE, TWO, ONE, ONE):
        last = await collected(world, sync_id, found)
    await collected(world, other, ONE)
    assert await kept(world) == 3
    row = await world.store.read(proof.get, sync_id)
    assert (row.last_hash, row.last_run_id, row.rows) == (ONE.content_hash, last, 1)
    stored = await world.store.read(proof.contents, sync_id, ONE.content_hash)
    assert stored.columns == COLUMNS
    assert list(unpacked(stored.body)) == [("1", "ada\u2028\U0001f600")]
    connection = await world.store.read(connections.get, world.connection_id)
    assert connection.collected_at == world.clock.now() - timedelta(seconds=60)


async def test_two_that_store_the_same_at_once_store_it_once(world: World) -> None:
    sync_id = await add(world)
    await asyncio.gather(*(collected(world, sync_id, ONE) for _ in range(4)))
    assert await kept(world) == 1


async def test_the_run_before_is_the_last_that_collected_something(world: World) -> None:
    sync_id, other = await add(world), await add(world)
    first = await collected(world, sync_id, ONE)
    await collected(world, other, TWO)
    failed = await collected(world, sync_id, None)
    last = await collected(world, sync_id, TWO)
    for run_id in (failed, last):
        before = await world.store.read(proof.run_before, sync_id, run_id)
        assert before is not None
        assert before.id == first
    assert await world.store.read(proof.run_before, sync_id, first) is None
    assert (await world.store.read(proof.run, sync_id, last)).content_hash == TWO.content_hash
    with pytest.raises(NotFound):
        await world.store.read(proof.run, other, last)


async def test_settings_change_and_all_goes_with_a_proof_sync(world: World) -> None:
    sync_id, other = await add(world), await add(world)
    await collected(world, sync_id, ONE)
    await collected(world, other, ONE)
    await world.store.write(proof.update, sync_id, {"fields": {"repo": "acme/api"}, "named": True})
    row = (await world.store.read(proof.of, [sync_id, other]))[sync_id]
    assert (row.dataset, row.fields, row.named) == ("collaborators", {"repo": "acme/api"}, True)
    with pytest.raises(ValueError, match="last_hash"):
        await world.store.write(proof.update, sync_id, {"last_hash": ""})
    await world.store.write(proof.remove, sync_id)
    with pytest.raises(NotFound):
        await world.store.read(proof.get, sync_id)
    with pytest.raises(NotFound, match="not kept any more"):
        await world.store.read(proof.contents, sync_id, ONE.content_hash)
    assert await kept(world) == 1


async def test_a_run_that_ends_after_the_deletion_stores_nothing(world: World) -> None:
    sync_id = await add(world)
    await world.store.write(proof.remove, sync_id)
    await collected(world, sync_id, ONE)
    assert await kept(world) == 0
