"""Tasks and templates as they are kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from healthdesk.domain.instance_states import InstanceKind, LinkState, WorkStatus
from healthdesk.errors import NotFound
from healthdesk.store import tasks, templates
from healthdesk.store.rows_instances import TemplateRow
from healthdesk.store.schema_instances import instances
from healthdesk.store.tasks import TaskQuery


async def add(world, name, **given):
    task_id = world.new("tsk")
    world.clock.advance(1)
    await world.store.write(
        lambda conn: tasks.insert(conn, id=task_id, name=name, now=world.clock.now(), by="alice", **given)
    )
    return task_id


async def link(world, task_id, integration_id):
    def change(conn):
        conn.execute(
            sa.insert(instances).values(
                id=task_id,
                kind=InstanceKind.TASK,
                integration_id=integration_id,
                app="jira-cloud",
                owner="alice",
                name="as it was",
                every_s=60,
                created_at=world.clock.now(),
                created_by="alice",
            )
        )

    await world.store.write(change)


async def found(world, **wanted):
    page = await world.store.read(tasks.page, TaskQuery(**wanted))
    return [row.name for row in page.items]


async def test_a_task_is_kept_as_it_was_said(world):
    task_id = await add(
        world,
        "Rotate the keys",
        description="Line\nline",
        status=WorkStatus.IN_PROGRESS,
        due="2026-12-01",
        assignee="bob",
        template_id="tpl_x",
        link=LinkState.WANTED,
        container={"project": "ACME"},
        fields={"type": "Bug"},
    )
    row = await world.store.read(tasks.get, task_id)
    assert (row.name, row.description, row.status) == (
        "Rotate the keys",
        "Line\nline",
        WorkStatus.IN_PROGRESS,
    )
    assert (row.due, row.assignee, row.template_id) == ("2026-12-01", "bob", "tpl_x")
    assert (row.link, row.container, row.fields) == (
        LinkState.WANTED,
        {"project": "ACME"},
        {"type": "Bug"},
    )
    assert (row.version, row.created_by, row.updated_by) == (0, "alice", "alice")
    assert row.created_at == row.updated_at == world.clock.now()
    assert (row.external_id, row.external, row.synced, row.creating_at) == ("", None, None, None)


async def test_a_change_counts_a_version_and_takes_the_name_of_the_instance_along(world):
    task_id = await add(world, "Before")
    await link(world, task_id, "int_x")
    world.clock.advance(60)
    changes = {"name": "After", "status": WorkStatus.DONE}
    await world.store.write(tasks.update, task_id, changes, "bob", world.clock.now())
    row = await world.store.read(tasks.get, task_id, lock=False)
    assert (row.name, row.status, row.version, row.updated_by) == ("After", WorkStatus.DONE, 1, "bob")
    assert row.updated_at == world.clock.now() > row.created_at
    carried = await world.store.read(lambda conn: conn.execute(sa.select(instances.c.name)).scalar_one())
    assert carried == "After"
    with pytest.raises(ValueError, match="link"):
        await world.store.write(tasks.update, task_id, {"link": None}, "bob", world.clock.now())
    with pytest.raises(NotFound, match="tsk_no"):
        await world.store.write(tasks.update, "tsk_no", {"name": "x"}, "bob", world.clock.now())


async def test_a_task_is_removed_once(world):
    task_id = await add(world, "Gone")
    await world.store.write(tasks.remove, task_id)
    with pytest.raises(NotFound):
        await world.store.read(tasks.get, task_id)
    with pytest.raises(NotFound):
        await world.store.write(tasks.remove, task_id)


async def test_tasks_page_newest_first_under_every_filter(world):
    first = await add(world, "Rotate keys", status=WorkStatus.DONE, assignee="bob")
    await add(world, "Review 100% of access", template_id="tpl_x")
    await add(world, "Rotate certificates", assignee="bob")
    await link(world, first, "int_x")
    assert await found(world) == ["Rotate certificates", "Review 100% of access", "Rotate keys"]
    assert await found(world, status=WorkStatus.DONE) == ["Rotate keys"]
    assert await found(world, template_id="tpl_x") == ["Review 100% of access"]
    assert await found(world, integration_id="int_x") == ["Rotate keys"]
    assert await found(world, assignee="bob", text="ROTATE") == ["Rotate certificates", "Rotate keys"]
    assert await found(world, text="0% of") == ["Review 100% of access"]
    assert await found(world, text="%") == ["Review 100% of access"]
    page = await world.store.read(tasks.page, TaskQuery(), limit=2)
    rest = await world.store.read(tasks.page, TaskQuery(), limit=2, after=page.next)
    assert [row.name for row in rest.items] == ["Rotate keys"]
    assert rest.next is None


async def add_template(world, name="Weekly", **more):
    fields = {
        "id": world.new("tpl"),
        "name": name,
        "task": {"name": "Rotate {date}"},
        "schedule": {"every_s": 60.0, "cron": "", "zone": "UTC"},
        "integration_id": None,
        "connection_id": None,
        "owner": "alice",
        "next_at": None,
        "last_at": None,
        "error": "",
        "created_at": world.clock.now(),
        "created_by": "alice",
    }
    row = TemplateRow(**(fields | more))
    await world.store.write(templates.insert, row)
    return row


async def test_a_template_is_kept_changed_and_removed(world):
    row = await add_template(world)
    assert await world.store.read(templates.get, row.id) == row
    await add_template(world, "Monthly", schedule=None)
    page = await world.store.read(templates.page, limit=1)
    assert [each.name for each in page.items] == ["Weekly"]
    rest = await world.store.read(templates.page, after=page.next)
    assert [(each.name, each.schedule) for each in rest.items] == [("Monthly", None)]
    await world.store.write(templates.update, row.id, {"name": "Daily", "error": "no connection"})
    changed = await world.store.read(templates.get, row.id)
    assert (changed.name, changed.error) == ("Daily", "no connection")
    with pytest.raises(ValueError, match="owner"):
        await world.store.write(templates.update, row.id, {"owner": "bob"})
    await add(world, "one", template_id=row.id)
    await add(world, "two", template_id=row.id)
    assert await world.store.read(templates.counts, [row.id]) == {row.id: 2}
    assert await world.store.read(templates.names, [row.id, None]) == {row.id: "Daily"}
    await world.store.write(templates.remove, row.id)
    for call in (templates.get, templates.remove):
        with pytest.raises(NotFound):
            await world.store.write(call, row.id)
    assert len(await found(world, template_id=row.id)) == 2


async def test_the_longest_due_template_is_taken_first_and_moves_on(world):
    now = world.clock.now()
    late = await add_template(world, "late", next_at=now)
    later = await add_template(world, "later", next_at=now - timedelta(seconds=5))
    await add_template(world, "to come", next_at=now + timedelta(seconds=1))
    await add_template(world, "by hand", schedule=None)
    assert await world.store.read(templates.next_due_at) == later.next_at
    taken = []
    for _ in range(2):

        def take(conn):
            row = templates.take_due(conn, now)
            templates.created(conn, row.id, now, now + timedelta(seconds=60))
            return row.id

        taken.append(await world.store.write(take))
    assert taken == [later.id, late.id]
    assert await world.store.write(templates.take_due, now) is None
    row = await world.store.read(templates.get, late.id)
    assert (row.last_at, row.next_at, row.error) == (now, now + timedelta(seconds=60), "")


async def test_what_syncs_tasks_is_read_at_once(world):
    first, second = await add(world, "linked"), await add(world, "alone")
    await link(world, first, "int_x")
    found_rows = await world.store.read(tasks.instances_of, [first, second])
    assert {key: row.integration_id for key, row in found_rows.items()} == {first: "int_x"}
