"""A task that was parted from its issue keeps its connection, and is nothing to that one: not blocked, not failed, not run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from healthdesk.domain.instance_states import LinkState
from healthdesk.domain.states import ConnectionState, IntegrationKind, Trigger
from healthdesk.store import app_integrations, instance_blocking, instances, links, tasks
from healthdesk.store.rows_instances import InstanceQuery
from healthdesk.store.schema_connections import connections
from tests.store.test_instances import add, add_integration


@pytest.fixture
async def desk(world):
    """Two tasks of one connection, the second of which was unlinked."""
    world.integration = await add_integration(world, IntegrationKind.TASKS)
    world.linked, world.parted = [await _task(world) for _ in range(2)]

    def part(conn):
        links.unlink(conn, world.parted)
        instances.update(conn, world.parted, {"next_at": None})

    await world.store.write(part)
    return world


async def _task(world):
    task_id = await add(world, world.integration, next_at=world.clock.now() + timedelta(hours=1))
    await world.store.write(
        lambda conn: tasks.insert(
            conn, id=task_id, name="Rotate", now=world.clock.now(), by="alice", link=LinkState.LINKED
        )
    )
    return task_id


async def _fail(world):
    await world.store.write(
        lambda conn: conn.execute(connections.update().values(state=ConnectionState.FAILING))
    )


async def _got(world, instance_id):
    return await world.store.read(instances.get, instance_id)


async def test_it_is_not_blocked_nor_counted_failed_when_the_connection_fails(desk):
    await _fail(desk)
    assert await desk.store.write(instance_blocking.block_some, desk.connection_id, 500) == 1
    assert [(await _got(desk, each)).blocked for each in (desk.linked, desk.parted)] == [True, False]
    assert await desk.store.read(instance_blocking.to_block) == [], "there is nothing left to block"
    totals = await desk.store.read(instances.totals, InstanceQuery(connection_ids=(desk.connection_id,)))
    assert (totals.total, totals.failed, totals.blocked, totals.pending) == (2, 1, 1, 1)


async def test_nothing_makes_it_due(desk):
    now = desk.clock.now()
    asked = await desk.store.write(instances.due_now, [desk.linked, desk.parted], now, Trigger.CALLBACK)
    assert asked == 1
    await desk.store.write(app_integrations.reschedule, desk.integration, 3600.0, 60.0, now)
    assert (await _got(desk, desk.parted)).next_at is None


async def test_a_reconnect_gives_it_the_connection_and_does_not_run_it(desk):
    now = desk.clock.now()
    await desk.store.write(instances.lost, desk.connection_id, now)
    again = await desk.add_connection(name="Again")
    await desk.store.write(instances.reconnect, "alice", "jira_cloud", again, now)
    rows = [await _got(desk, each) for each in (desk.linked, desk.parted)]
    assert [(row.connection_id, row.next_at) for row in rows] == [(again, now), (again, None)]
    assert rows[1].error == ""
