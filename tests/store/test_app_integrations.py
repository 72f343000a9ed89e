"""Integrations of kinds tasks and proof as they are kept, with what works for them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from healthdesk.domain.instance_states import InstanceKind, LinkState
from healthdesk.domain.states import IntegrationKind, IntegrationState
from healthdesk.errors import NotFound
from healthdesk.store import app_integrations, instances, integrations, tasks
from healthdesk.store.app_integrations import Admin


async def made(world, kind=IntegrationKind.TASKS, **more):
    new = {
        "integration_id": world.new("int"),
        "name": "ACME in Jira",
        "kind": kind,
        "app": "jira-cloud",
        "connection_id": world.connection_id,
        "settings": {"container": {"project": "ACME"}},
        "now": world.clock.now(),
        "by": "alice",
    }
    new |= more
    await world.store.write(lambda conn: app_integrations.insert(conn, **new))
    return new["integration_id"]


async def add_task(world, integration_id, name="Rotate keys", *, link=LinkState.LINKED, **more):
    task_id = world.new("tsk")
    now = world.clock.now()
    given = {"every_s": 3600.0, "next_at": now + timedelta(hours=1), "connection_id": world.connection_id}
    given |= more

    def change(conn):
        tasks.insert(conn, id=task_id, name=name, link=link, now=now, by="alice")
        instances.insert(
            conn,
            id=task_id,
            kind=InstanceKind.TASK,
            integration_id=integration_id,
            app="jira-cloud",
            owner="alice",
            name=name,
            now=now,
            by="alice",
            **given,
        )

    await world.store.write(change)
    return task_id


async def due(world, task_id):
    row = await world.store.read(instances.get, task_id)
    return None if row.next_at is None else (row.next_at - world.clock.now()).total_seconds()


async def test_an_integration_is_kept_with_its_admin_connection(world):
    integration_id = await made(world)
    row = await world.store.read(integrations.get, integration_id)
    assert (row.kind, row.app, row.connection_id) == (
        IntegrationKind.TASKS,
        "jira-cloud",
        world.connection_id,
    )
    assert (row.settings, row.state) == ({"container": {"project": "ACME"}}, IntegrationState.ACTIVE)
    found = await world.store.read(app_integrations.admins, [world.connection_id, "con_no"])
    assert found == {world.connection_id: Admin("CRM", "alice")}
    await world.store.write(
        app_integrations.update, integration_id, {"name": "new", "connection_id": None, "settings": {"a": 1}}
    )
    row = await world.store.read(integrations.get, integration_id)
    assert (row.name, row.connection_id, row.settings) == ("new", None, {"a": 1})
    with pytest.raises(NotFound):
        await world.store.write(app_integrations.update, "int_no", {"name": "x"})
    with pytest.raises(ValueError, match="app"):
        await world.store.write(app_integrations.update, integration_id, {"app": "github"})


async def test_a_pause_is_told_from_one_that_was_there(world):
    integration_id = await made(world)
    change = (app_integrations.set_state, integration_id)
    assert await world.store.write(*change, IntegrationState.PAUSED)
    assert not await world.store.write(*change, IntegrationState.PAUSED)
    assert (await world.store.read(integrations.get, integration_id)).state is IntegrationState.PAUSED
    assert await world.store.write(*change, IntegrationState.ACTIVE)
    with pytest.raises(NotFound):
        await world.store.write(app_integrations.set_state, "int_no", IntegrationState.PAUSED)


async def test_a_new_interval_reaches_those_that_have_the_old_one(world):
    integration_id = await made(world)
    same = await add_task(world, integration_id)
    soon = await add_task(world, integration_id, next_at=world.clock.now() + timedelta(seconds=5))
    own = await add_task(world, integration_id, every_s=7200.0)
    await world.store.write(app_integrations.reschedule, integration_id, 3600.0, 60.0, world.clock.now())
    assert (await world.store.read(instances.get, same)).every_s == 60
    assert 0 <= await due(world, same) <= 60
    assert await due(world, soon) == 5
    assert ((await world.store.read(instances.get, own)).every_s, await due(world, own)) == (7200, 3600)


async def test_a_removed_integration_leaves_its_tasks_without_it(world):
    integration_id = await made(world)
    task_id = await add_task(world, integration_id)
    await add_task(world, integration_id, link=LinkState.UNLINKED, next_at=None)
    other = await add_task(world, await made(world, name="other"))
    assert await world.store.read(app_integrations.instances_of, integration_id) == 1
    assert await world.store.write(app_integrations.remove, integration_id, world.clock.now()) == 1
    for gone in (integrations.get, app_integrations.update):
        args = ({"name": "x"},) if gone is app_integrations.update else ()
        with pytest.raises(NotFound):
            await world.store.write(gone, integration_id, *args)
    with pytest.raises(NotFound):
        await world.store.read(instances.get, task_id)
    row = await world.store.read(tasks.get, task_id)
    assert (row.name, row.link, row.version) == ("Rotate keys", None, 1)
    assert (await world.store.read(tasks.get, other)).link is LinkState.LINKED
    assert await world.store.read(app_integrations.names, [integration_id]) == {
        integration_id: "ACME in Jira"
    }
