"""Queries of instances search indexes, so that their number does not matter; on both databases."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import event, text

from healthdesk.domain.instance_states import InstanceState
from healthdesk.domain.states import ConnectionState, IntegrationKind
from healthdesk.store import (
    instance_blocking,
    instance_leases,
    instance_query,
    instance_recovery,
    instances,
    outbox,
)
from healthdesk.store.rows_instances import InstanceQuery
from healthdesk.store.schema_connections import connections
from tests.store.test_instances import PROOF, TASK, add_integration, queries

MANY = 6000


@pytest.fixture
async def crowd(world):
    """Thousands of instances of two integrations and two connections; few failed, few due."""
    world.tasks = await add_integration(world, IntegrationKind.TASKS)
    world.proof = await add_integration(world, IntegrationKind.PROOF, "Proof", "github")
    world.other = await world.add_connection(name="Other")
    now = world.clock.now()

    def row(number):
        kind = PROOF if number % 4 == 3 else TASK
        state = InstanceState.SUCCEEDED
        if number % 500 == 0:
            state = InstanceState.FAILED if kind is PROOF else InstanceState.SYNC_FAILED
        return {
            "id": f"{'prf' if kind is PROOF else 'tsk'}_{number:026d}",
            "kind": kind,
            "integration_id": world.proof if kind is PROOF else world.tasks,
            "connection_id": world.other if number % 2 else world.connection_id,
            "app": "github" if kind is PROOF else "jira_cloud",
            "owner": f"user{number % 50}",
            "name": f"Item {number}",
            "state": state,
            "label_id": f"lbl_{number % 100}" if kind is PROOF else None,
            "template_id": f"tpl_{number % 100}" if kind is TASK else None,
            "problem_id": f"prb_{number % 100}" if number % 10 == 1 else None,
            "every_s": 3600.0,
            "next_at": now if number < 20 else now + (number * (world.clock.now() - now)),
            "created_at": now,
            "created_by": "alice",
        }

    rows = [row(number) for number in range(MANY)]
    later = now.replace(year=now.year + 1)
    for each in rows[20:]:
        each["next_at"] = later

    def fill(conn):
        conn.execute(instances.instances.insert(), rows)
        conn.execute(text("ANALYZE"))

    await world.store.write(fill)
    return world


async def plans(world, call):
    """Return the plan of each statement that a query function sends, by its text."""

    def run(conn):
        sent = []

        def note(_conn, _cursor, statement, parameters, _context, many):
            sent.append((statement, parameters[0] if many else parameters))

        event.listen(conn, "before_cursor_execute", note)
        try:
            call(conn)
        finally:
            event.remove(conn, "before_cursor_execute", note)
        found = []
        for statement, parameters in sent:
            if not statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                continue
            if conn.dialect.name == "sqlite":
                raw = conn.connection.dbapi_connection
                steps = [row[3] for row in raw.execute("EXPLAIN QUERY PLAN " + statement, parameters)]
            else:
                explained = conn.exec_driver_sql(
                    "EXPLAIN (FORMAT JSON) " + statement, parameters
                ).scalar_one()
                plan = json.loads(explained) if isinstance(explained, str) else explained
                steps = list(_scans(plan[0]["Plan"]))
            found.append((statement, steps))
        return found

    return await world.store.write(run)


def _scans(node):
    if node.get("Relation Name") == "instances" or "Index Name" in node:
        yield f"{node['Node Type']} {node.get('Relation Name', '')} {node.get('Index Name', '')}"
    for inner in node.get("Plans", ()):
        yield from _scans(inner)


def reads_all(steps):
    return [
        step
        for step in steps
        if step.startswith(("Seq Scan instances", "SCAN instances")) and "INDEX" not in step
    ]


async def test_what_is_due_is_found_in_its_index_alone(crowd):
    now = crowd.clock.now()
    for call in (
        instance_leases.next_due_at,
        lambda conn: instance_leases.claim_due(conn, now, 16),
    ):
        found = await plans(crowd, call)
        assert any("ix_instances_due" in step for step in found[0][1]), found[0]
        assert not any("TEMP B-TREE" in step for step in found[0][1]), found[0]
        for statement, steps in found:
            assert not reads_all(steps), (statement, steps)


async def test_pages_of_any_filter_search_an_index_for_each_range(crowd):
    wanted = [query for query in queries(crowd) if not query.text]
    for query in wanted:
        found = await plans(crowd, lambda conn, query=query: instances.page(conn, query, limit=20))
        for statement, steps in found:
            if query == InstanceQuery() and "ORDER BY id" in statement:
                continue  # the whole list is read in the order of the primary key
            assert not reads_all(steps), (query, statement, steps)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (InstanceQuery(failing=True), "ix_instances_state"),
        (InstanceQuery(blocked=True), "ix_instances_blocked"),
        (InstanceQuery(connection_ids=("CON",), failing=True), "ix_instances_connection"),
        (InstanceQuery(integration_ids=("INT",), failing=True), "ix_instances_integration"),
        (InstanceQuery(label_id="lbl_3"), "ix_instances_label"),
        (InstanceQuery(template_id="tpl_1"), "ix_instances_template"),
        (InstanceQuery(problem_id="prb_1"), "ix_instances_problem"),
    ],
)
async def test_each_filter_has_its_index(crowd, query, index):
    if crowd.store.dialect != "sqlite":
        return  # PostgreSQL chooses among several by how common each value is
    places = {"CON": crowd.connection_id, "INT": crowd.tasks}
    query = InstanceQuery(
        states=query.states,
        failing=query.failing,
        blocked=query.blocked,
        connection_ids=tuple(places[each] for each in query.connection_ids),
        integration_ids=tuple(places[each] for each in query.integration_ids),
        label_id=query.label_id,
        template_id=query.template_id,
        problem_id=query.problem_id,
    )
    (statement, steps), *_ = [
        each
        for each in await plans(crowd, lambda conn: instance_query.page_ids(conn, query, after=None, limit=5))
        if "FROM instances" in each[0]
    ]
    assert any(index in step for step in steps), (statement, steps)


async def test_looking_for_what_to_block_release_or_take_up_reads_no_instance_that_stays_as_it_is(crowd):
    await crowd.store.write(
        lambda conn: conn.execute(
            connections.update()
            .where(connections.c.id == crowd.connection_id)
            .values(state=ConnectionState.FAILING)
        )
    )
    while await crowd.store.write(instance_blocking.block_some, crowd.connection_id, 500):
        pass
    await crowd.store.write(lambda conn: conn.execute(text("ANALYZE")))
    now = crowd.clock.now()
    calls = (
        instance_blocking.to_block,
        instance_blocking.to_release,
        instance_recovery.to_unpark,
        lambda conn: instance_recovery.recover(conn, now, others_are_dead=True, limit=5),
        lambda conn: outbox._places(conn, {"integration_id": None, "connection_id": crowd.connection_id}),
    )
    for call in calls:
        for statement, steps in await plans(crowd, call):
            assert not reads_all(steps), (statement, steps)
    assert await crowd.store.read(instance_blocking.to_block) == []
    assert await crowd.store.read(instance_blocking.to_release) == []


async def test_totals_are_counted_in_an_index_without_reading_rows(crowd):
    for query in (
        InstanceQuery(connection_ids=(crowd.connection_id,), integration_ids=(crowd.tasks,)),
        InstanceQuery(integration_ids=(crowd.tasks,)),
    ):
        found = await plans(crowd, lambda conn, query=query: instances.totals(conn, query))
        if crowd.store.dialect == "sqlite":
            assert any("USING COVERING INDEX" in step for step in found[0][1]), found
