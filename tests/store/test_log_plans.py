"""Every filter of the log is answered by the index that was made for it, on both databases, at any depth."""

from __future__ import annotations

import json
import random
from datetime import timedelta

from sqlalchemy import event, text

from healthdesk.domain.states import Environment, HoldReason, RecordState
from healthdesk.store import schema
from healthdesk.store.log_query import search
from healthdesk.store.rows import RecordQuery
from tests.store.test_log_filters import HASHES, JOB, log, rows_of  # noqa: F401 - a fixture

FAILED = (RecordState.FAILED,)
CASES = {
    "level and source": (RecordQuery(source="heart", levels=("high",)), "ix_records_source"),
    "level and state": (RecordQuery(states=FAILED, levels=("high",)), "ix_records_state"),
    "level and integration": (RecordQuery(integration_id="MINE", levels=("high",)), "ix_records_integration"),
    "hold reason": (RecordQuery(hold_reasons=(HoldReason.PAUSED,)), "ix_records_state"),
    "status": (RecordQuery(statuses=(422, 500), levels=("high",)), "ix_records_refused"),
    "status of a source": (
        RecordQuery(statuses=(422,), source="heart", levels=("high",)),
        "ix_records_refused",
    ),
    "kind of error": (RecordQuery(error_kinds=("timeout",), sample=False), "ix_records_failing"),
    "text": (RecordQuery(text="required"), "ix_records_failing"),
    "sample": (RecordQuery(sample=True, levels=("low",)), "ix_records_samples"),
    "problem": (RecordQuery(problem_id="prb_a", levels=("low",)), "ix_records_problem"),
    "lookup": (RecordQuery(lookups=((HASHES[0],),), levels=("low",)), "record_lookups"),
    "job": (RecordQuery(job_id=JOB, levels=("low",)), "job_records"),
    "completed": (
        RecordQuery(completed_from="START", completed_to="END", levels=("low",)),
        "ix_records_completed",
    ),
    "first attempt": (RecordQuery(first_attempt_from="START", source="heart"), "ix_records_tried"),
    "last attempt": (RecordQuery(last_attempt_to="END", levels=("high",)), "ix_records_retried"),
    "completed, failed": (
        RecordQuery(completed_from="START", completed_to="END", states=FAILED),
        "ix_records_trouble_completed",
    ),
    "first attempt, text": (
        RecordQuery(first_attempt_from="START", text="required"),
        "ix_records_trouble_first_attempt",
    ),
    "last attempt, status": (
        RecordQuery(last_attempt_to="END", statuses=(422,), levels=("low",)),
        "ix_records_trouble_last_attempt",
    ),
}

BY_INDEX_ALONE = {
    "level and source",
    "level and state",
    "level and integration",
    "status of a source",
    "status",
}


def scans(node):
    """Return what PostgreSQL reads of records and beside them: `node table index`."""
    if "Relation Name" in node or "Index Name" in node:
        yield f"{node['Node Type']} {node.get('Relation Name', '')} {node.get('Index Name', '')}"
    for inner in node.get("Plans", ()):
        yield from scans(inner)


def sizes(statement):
    """Tell whether a statement counts the entries of an index, to choose the smallest."""
    return statement.startswith("SELECT count(*)")


def explained(conn, statement, parameters):
    if conn.dialect.name == "sqlite":
        raw = conn.connection.dbapi_connection
        return [row[3] for row in raw.execute("EXPLAIN QUERY PLAN " + statement, parameters)]
    found = conn.exec_driver_sql("EXPLAIN (FORMAT JSON) " + statement, parameters).scalar_one()
    plan = json.loads(found) if isinstance(found, str) else found
    return list(scans(plan[0]["Plan"]))


async def plans_of(world, query, after, *, newest_first, paying=False):
    """Return the plan of every statement that a search sends.

    PostgreSQL would read so small a table whole, and of pages that are all in memory it counts the rows: unless `paying`,
    as for a log that is not.
    """

    def run(conn):
        if conn.dialect.name != "sqlite":
            for method in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):
                conn.execute(text(f"SET LOCAL enable_{method} = off"))
            for cost in () if paying else ("random", "seq"):
                conn.execute(text(f"SET LOCAL {cost}_page_cost = 0"))
        sent = []

        def note(_conn, _cursor, statement, parameters, _context, _many):
            sent.append((statement, parameters))

        event.listen(conn, "before_cursor_execute", note)
        try:
            found = search(conn, query, after=after, limit=3, newest_first=newest_first, most=6)
        finally:
            event.remove(conn, "before_cursor_execute", note)
        return found, [(statement, explained(conn, statement, parameters)) for statement, parameters in sent]

    return await world.store.write(run)


async def test_a_search_reads_its_index_and_looks_up_records_by_id(log):  # noqa: F811 - the fixture
    await log.store.write(lambda conn: conn.execute(text("ANALYZE")))
    for named in CASES:
        await check_plans(log, named)


async def check_plans(log, named):  # noqa: F811 - the fixture
    query, index = CASES[named]
    places = {"MINE": log.integration_id, "START": log.rows[9]["completed_at"], "END": log.clock.now()}
    filled = {
        name: places[value]
        for name in (
            "integration_id",
            *(each for each in RecordQuery.__slots__ if each.endswith(("_from", "_to"))),
        )
        if isinstance(value := getattr(query, name), str)
    }
    query = RecordQuery(**{name: getattr(query, name) for name in RecordQuery.__slots__} | filled)
    for newest_first in (True, False):
        found, _ = await plans_of(log, query, None, newest_first=newest_first)
        for after in (None, found.next):
            _, plans = await plans_of(log, query, after, newest_first=newest_first)
            reading = [
                (statement, steps)
                for statement, steps in plans
                if "records" in statement and "ORDER BY" in statement and not sizes(statement)
            ]
            assert reading, named
            for statement, steps in reading:
                assert any(index in step for step in steps), (named, statement, steps)
                if named in BY_INDEX_ALONE:
                    alone = ("SEARCH records USING COVERING INDEX", "Index Only Scan records")
                    read = [step for step in steps if "records" in step]
                    assert all(step.startswith(alone) for step in read), (named, statement, steps)
                for step in steps:
                    whole = step.startswith(("SCAN records", "Seq Scan records"))
                    assert not whole or "INDEX" in step, (named, statement, steps)
                if "CROSS JOIN records" in statement and log.store.dialect == "sqlite":
                    assert "SEARCH records USING PRIMARY KEY (id=?)" in steps, (named, statement, steps)


async def test_a_deep_page_by_date_begins_at_its_cursor(log):  # noqa: F811 - the fixture
    if log.store.dialect != "sqlite":
        return  # PostgreSQL tells bounds in words that vary
    query = RecordQuery(
        completed_from=log.rows[0]["completed_at"] - timedelta(days=1), completed_to=log.clock.now()
    )
    first, _ = await plans_of(log, query, None, newest_first=True)
    _, plans = await plans_of(log, query, first.next, newest_first=True)
    [steps] = [steps for statement, steps in plans if "ORDER BY" in statement]
    assert any("ix_records_completed (" in step and "(completed_at,id)<(?,?)" in step for step in steps), (
        steps
    )
    assert not any("TEMP B-TREE" in step for step in steps), steps


async def test_matches_that_are_all_old_are_found_without_reading_what_came_since(postgres_world):
    """PostgreSQL takes matches to lie anywhere, and would read a log of which most matches from its end."""
    world = postgres_world
    world.other_id = world.integration_id
    rows = list(rows_of(world, random.Random(1), 300))
    for number, row in enumerate(rows):
        old = {
            "state": RecordState.FAILED,
            "last_status": 422,
            "error_kind": "timeout",
            "problem_id": "prb_a",
        }
        new = {"state": RecordState.DELIVERED, "last_status": 200, "error_kind": "", "problem_id": None}
        row |= (old if number < 240 else new) | {"integration_id": world.integration_id, "hold_reason": None}
    await world.store.write(lambda conn: conn.execute(schema.records.insert(), rows))
    await world.store.write(lambda conn: conn.execute(text("ANALYZE")))
    for query in (
        RecordQuery(states=FAILED, environment=Environment.PRODUCTION),
        RecordQuery(statuses=(422,), levels=("high",)),
        RecordQuery(error_kinds=("timeout",), levels=("high",)),
        RecordQuery(problem_id="prb_a", states=FAILED, levels=("high",)),
    ):
        _, plans = await plans_of(world, query, None, newest_first=True, paying=True)
        for statement, steps in plans:
            assert "ORDER BY" not in statement or not any("records_pkey" in step for step in steps), steps
