"""Instances in the store: lists by any filter, totals, what makes one due, and what parts it from its connection."""

from __future__ import annotations

from datetime import timedelta

import pytest

from healthdesk.domain.instance_states import InstanceKind, InstanceState, RunOutcome
from healthdesk.domain.states import IntegrationKind, Trigger
from healthdesk.errors import NotFound
from healthdesk.store import instances, integrations, runs
from healthdesk.store.rows_instances import InstanceQuery, InstanceTotals, RunRow
from healthdesk.store.schema_instances import instances as table

TASK, PROOF = InstanceKind.TASK, InstanceKind.PROOF
CHANGED = ("state", "blocked")


async def add_integration(world, kind, name="Tasks", app="jira_cloud"):
    integration_id = world.new("int")

    def change(conn):
        integrations.insert(
            conn, integration_id=integration_id, name=name, kind=kind, now=world.clock.now(), by="alice"
        )
        conn.execute(
            integrations.integrations.update()
            .where(integrations.integrations.c.id == integration_id)
            .values(app=app)
        )

    await world.store.write(change)
    return integration_id


async def add(world, integration_id, kind=TASK, **given):
    instance_id = world.new("tsk" if kind is TASK else "prf")
    values = {
        "connection_id": world.connection_id,
        "app": "jira_cloud",
        "owner": "alice",
        "name": f"Item {instance_id[-4:]}",
        "every_s": 3600.0,
    } | {name: value for name, value in given.items() if name not in (*CHANGED, "problem_id")}
    await world.store.write(
        instances.insert,
        id=instance_id,
        kind=kind,
        integration_id=integration_id,
        now=world.clock.now(),
        by="alice",
        **values,
    )
    changes = {name: given[name] for name in CHANGED if name in given}
    if changes:
        await world.store.write(instances.update, instance_id, changes, bumps=False)
    if given.get("problem_id"):
        mine = table.update().where(table.c.id == instance_id).values(problem_id=given["problem_id"])
        await world.store.write(lambda conn: conn.execute(mine) and None)
    return instance_id


@pytest.fixture
async def desk(world):
    """Forty instances of two integrations and two connections, in every state, some blocked."""
    other = await world.add_connection(name="Other")
    tasks = await add_integration(world, IntegrationKind.TASKS)
    proof = await add_integration(world, IntegrationKind.PROOF, "Proof", "github")
    states = {TASK: [*list(InstanceState)[:4]], PROOF: [InstanceState.SUCCEEDED, InstanceState.FAILED]}
    ids = []
    for number in range(40):
        kind = PROOF if number % 4 == 3 else TASK
        ids.append(
            await add(
                world,
                proof if kind is PROOF else tasks,
                kind,
                app="github" if kind is PROOF else "jira_cloud",
                connection_id=other if number % 3 == 0 else world.connection_id,
                owner="bob" if number % 5 == 0 else "alice",
                name=f"Access 100% {'Review' if number % 2 else 'audit'} {number}",
                template_id="tpl_one" if number % 7 == 0 else None,
                label_id="lbl_one" if kind is PROOF and number % 8 == 3 else None,
                problem_id="prb_one" if number % 5 == 1 else None,
                state=states[kind][number % len(states[kind])],
                blocked=number % 6 == 0,
            )
        )
    world.other, world.tasks, world.proof, world.all = other, tasks, proof, ids
    return world


FAILED = {InstanceState.CREATION_FAILED, InstanceState.SYNC_FAILED, InstanceState.FAILED}


def matches(row, query):
    states = set(query.states) | (FAILED if query.failing else set())
    return (
        (query.kind is None or row.kind is query.kind)
        and (not states or row.state in states or (query.failing and row.blocked))
        and (query.blocked is None or row.blocked == query.blocked)
        and (not query.connection_ids or row.connection_id in query.connection_ids)
        and (not query.integration_ids or row.integration_id in query.integration_ids)
        and (query.label_id is None or row.label_id == query.label_id)
        and (query.template_id is None or row.template_id == query.template_id)
        and (query.problem_id is None or row.problem_id == query.problem_id)
        and (query.owner is None or row.owner == query.owner)
        and query.text.lower() in row.name.lower()
    )


def queries(world):
    one, two = world.connection_id, world.other
    yield InstanceQuery()
    yield InstanceQuery(failing=True)
    yield InstanceQuery(blocked=True)
    yield InstanceQuery(blocked=False, failing=True)
    yield InstanceQuery(states=(InstanceState.SUCCEEDED, InstanceState.PENDING))
    yield InstanceQuery(states=(InstanceState.SUCCEEDED,), failing=True, connection_ids=(one,))
    yield InstanceQuery(states=(InstanceState.SUCCEEDED,), blocked=True, kind=TASK)
    yield InstanceQuery(kind=PROOF)
    yield InstanceQuery(kind=TASK, connection_ids=(one, two), integration_ids=(world.tasks,))
    yield InstanceQuery(kind=PROOF, integration_ids=(world.tasks,))
    yield InstanceQuery(connection_ids=(two,))
    yield InstanceQuery(connection_ids=(two,), failing=True)
    yield InstanceQuery(integration_ids=(world.tasks, world.proof), failing=True)
    yield InstanceQuery(owner="bob")
    yield InstanceQuery(owner="bob", connection_ids=(one,), failing=True)
    yield InstanceQuery(template_id="tpl_one")
    yield InstanceQuery(template_id="tpl_one", owner="alice", kind=TASK, connection_ids=(one,))
    yield InstanceQuery(label_id="lbl_one", failing=True)
    yield InstanceQuery(problem_id="prb_one")
    yield InstanceQuery(problem_id="prb_one", kind=TASK, blocked=False)
    yield InstanceQuery(text="100% r")
    yield InstanceQuery(text="_")
    yield InstanceQuery(connection_ids=("con_unknown",))


async def test_pages_of_any_filter_hold_what_matches_in_order(desk):
    everything = [await desk.store.read(instances.get, each) for each in desk.all]
    counts = []
    for query in queries(desk):
        wanted = sorted(row.id for row in everything if matches(row, query))
        found, after = [], None
        while True:
            page = await desk.store.read(instances.page, query, after=after, limit=3)
            found += [row.id for row in page.items]
            after = page.next
            if after is None:
                break
        assert found == wanted, query
        counts.append(len(wanted))
    assert sum(count > 0 for count in counts) > 15


async def test_totals_of_any_filter_count_what_matches(desk):
    everything = [await desk.store.read(instances.get, each) for each in desk.all]

    def counted(rows):
        failed = [row for row in rows if row.blocked or row.state in FAILED]
        good = [row for row in rows if row not in failed]
        return InstanceTotals(
            total=len(rows),
            failed=len(failed),
            blocked=sum(row.blocked for row in rows),
            succeeded=sum(row.state is InstanceState.SUCCEEDED for row in good),
            pending=sum(row.state is InstanceState.PENDING for row in good),
        )

    for query in queries(desk):
        wanted = counted([row for row in everything if matches(row, query)])
        assert await desk.store.read(instances.totals, query) == wanted, query
    by_place = await desk.store.read(instances.totals_by)
    place = (desk.other, desk.proof, PROOF)
    assert by_place[place] == counted(
        [row for row in everything if (row.connection_id, row.integration_id, row.kind) == place]
    )
    assert sum(each.total for each in by_place.values()) == 40


async def test_what_is_asked_for_is_due_now_but_not_while_it_is_under_way_or_disconnected(world):
    tasks = await add_integration(world, IntegrationKind.TASKS)
    idle = await add(world, tasks, next_at=world.clock.now() + timedelta(hours=1))
    parted = await add(world, tasks, connection_id=None)
    busy = await add(world, tasks)
    until = world.clock.now() + timedelta(minutes=2)
    await world.store.write(
        lambda conn: conn.execute(
            table.update().where(table.c.id == busy).values(next_at=until, lease_owner="dmn_one")
        )
    )
    now = world.clock.now()
    asked = await world.store.write(instances.due_now, [idle, parted, busy], now, Trigger.CALLBACK, "jira")
    assert asked == 2
    rows = {each: await world.store.read(instances.get, each) for each in (idle, parted, busy)}
    assert rows[idle].next_at == now
    assert (rows[idle].next_trigger, rows[idle].triggered_by) == (Trigger.CALLBACK, "jira")
    assert rows[parted].next_at is None
    assert rows[busy].next_at == until, "another daemon must not begin what is under way"
    assert rows[busy].next_trigger is Trigger.CALLBACK, "it is run again when it is done"


async def test_changes_bump_the_version_unless_they_are_a_runs_own(world):
    tasks = await add_integration(world, IntegrationKind.TASKS)
    one = await add(world, tasks)
    await world.store.write(instances.update, one, {"name": "New"})
    await world.store.write(instances.update, one, {"name": "Newer"}, bumps=False)
    row = await world.store.read(instances.get, one)
    assert (row.name, row.version) == ("Newer", 1)
    with pytest.raises(ValueError, match="no lease_owner"):
        await world.store.write(instances.update, one, {"lease_owner": "me"})
    with pytest.raises(NotFound):
        await world.store.write(instances.update, "tsk_none", {"name": "x"})


async def test_disconnected_instances_stay_as_they_were_and_tasks_come_back_together(desk):
    before = {each: await desk.store.read(instances.get, each) for each in desk.all}
    mine = [row for row in before.values() if row.connection_id == desk.other]
    counts = await desk.store.write(instances.lost, desk.other, desk.clock.now())
    assert dict(counts) == {kind: sum(row.kind is kind for row in mine) for kind in (TASK, PROOF)}
    for row in mine:
        after = await desk.store.read(instances.get, row.id)
        assert (after.connection_id, after.next_at, after.blocked) == (None, None, False)
        assert after.state is row.state
        assert after.version == row.version + 1
        assert "disconnected" in after.error
        assert ("Reconnect" if row.kind is TASK else "Change connection") in after.next_action
    new = await desk.add_connection(name="New")
    theirs = [row.id for row in mine if row.kind is TASK and row.owner == "alice"]
    now = desk.clock.now()
    assert await desk.store.write(instances.reconnect, "alice", "jira_cloud", new, now) == len(theirs) > 1
    for each in theirs:
        row = await desk.store.read(instances.get, each)
        assert (row.connection_id, row.next_at, row.error) == (new, now, "")
        assert row.next_trigger is Trigger.RECOVERY
    assert await desk.store.write(instances.reconnect, "alice", "jira_cloud", new, now) == 0


async def test_runs_are_begun_finished_and_listed(world):
    tasks = await add_integration(world, IntegrationKind.TASKS)
    one = await add(world, tasks)
    ids = [world.new("run") for _ in range(3)]
    for run_id in ids:
        run = RunRow(
            id=run_id,
            instance_id=one,
            outcome=RunOutcome.RUNNING,
            trigger=Trigger.OPERATOR,
            triggered_by="alice",
            daemon_id="dmn_one",
            started_at=world.clock.now(),
        )
        await world.store.write(runs.begin, run)
    detail = {"changes": [{"field": "name", "before": "a", "after": "b"}]}
    assert await world.store.write(
        runs.finish,
        ids[1],
        outcome=RunOutcome.PULLED,
        finished_at=world.clock.now(),
        duration_ms=12.5,
        detail=detail,
    )
    assert not await world.store.write(
        runs.finish, "run_none", outcome=RunOutcome.PULLED, finished_at=world.clock.now()
    )
    page = await world.store.read(runs.page, one, None, 2)
    assert [row.id for row in page.items] == [ids[2], ids[1]]
    assert (page.items[1].outcome, page.items[1].detail) == (RunOutcome.PULLED, detail)
    rest = await world.store.read(runs.page, one, page.next, 2)
    assert [row.id for row in rest.items] == [ids[0]]
    assert (await world.store.read(runs.get, ids[0])).outcome is RunOutcome.RUNNING
    with pytest.raises(NotFound):
        await world.store.read(runs.get, "run_none")
