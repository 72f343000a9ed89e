"""The hot statements use the indexes that were made for them; a planner that changes its mind is found here."""

from __future__ import annotations

import json

from sqlalchemy import event

from healthdesk.domain.states import HoldReason
from healthdesk.store import accept, claim, flow, settle
from healthdesk.store.bulk import _values
from tests.store.world import PRODUCTION


def explain(conn, statement, values):
    raw = conn.connection.dbapi_connection
    return [row[3] for row in raw.execute("EXPLAIN QUERY PLAN " + statement, values)]


async def plan_of(world, statement, values):
    return await world.store.write(explain, statement, values)


async def test_due_records_are_found_in_the_due_index_without_sorting(sqlite_world):
    steps = await plan_of(sqlite_world, claim.DUE_SQLITE, (sqlite_world.integration_id, "production", 1, 10))
    assert "SEARCH r USING INDEX ix_records_due (integration_id=? AND environment=? AND next_at<?)" in steps
    assert not any("TEMP B-TREE" in step or step.startswith("SCAN r") for step in steps), steps


async def test_repeats_are_found_in_the_index_of_keys(sqlite_world):
    steps = await plan_of(
        sqlite_world, accept.FIND_EARLIER_SQLITE, ("int_x", "production", json.dumps(["k"]))
    )
    assert any(
        "ux_records_idempotency (integration_id=? AND environment=? AND idempotency_key=?)" in step
        for step in steps
    ), steps


async def test_settling_searches_records_and_attempts_by_their_keys(sqlite_world):
    widths = {"attempt": 15, "record": 10, "given_back": 4}
    for kind, width in widths.items():
        statement = settle.SQLITE[kind].replace("{values}", _values(width, 4))
        steps = await plan_of(sqlite_world, statement, [None] * width * 4)
        table = "attempts" if kind == "attempt" else "records"
        assert any(step.startswith(f"SEARCH {table} USING PRIMARY KEY") for step in steps), steps
        assert not any(step.startswith(f"SCAN {table}") for step in steps), steps
    statement = claim.TAKE_SQLITE.replace("{values}", _values(3, 4))
    steps = await plan_of(sqlite_world, statement, [None] * 12)
    assert any(step.startswith("SEARCH records USING PRIMARY KEY") for step in steps), steps
    steps = await plan_of(sqlite_world, settle.CURRENT_SQLITE, ("[]",))
    assert any(step.startswith("SEARCH records USING") for step in steps), steps


async def plans_of_reads(world, *calls):
    """Run query functions and return the plan of every SELECT, UPDATE and DELETE they sent."""

    def run(conn):
        sent = []

        def note(_conn, _cursor, statement, parameters, _context, many):
            sent.append((statement, parameters[0] if many else parameters))

        event.listen(conn, "before_cursor_execute", note)
        try:
            for query, args, kwargs in calls:
                query(conn, *args, **kwargs)
        finally:
            event.remove(conn, "before_cursor_execute", note)
        return [
            (statement, explain(conn, statement, parameters))
            for statement, parameters in sent
            if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE"))
        ]

    return await world.store.write(run)


async def test_polling_holding_and_recovering_never_scan_the_log(sqlite_world):
    world = sqlite_world
    await world.accept(30)
    await world.claim(5)
    now, place = world.clock.now(), (world.integration_id, PRODUCTION)
    plans = await plans_of_reads(
        world,
        (flow.due_environments, (now,), {}),
        (flow.next_due, place, {}),
        (flow.hold_some, (*place, HoldReason.PAUSED, 50), {}),
        (flow.release_some, (*place, now, 5), {}),
        (flow.recover_interrupted, (now,), {"daemon_id": "dmn_two", "others_are_dead": True, "limit": 5}),
    )
    assert len(plans) > 6
    for statement, steps in plans:
        for step in steps:
            assert not step.startswith(("SCAN records", "SCAN record_bodies")), (statement, steps)
            if step.startswith("SCAN attempts"):
                assert "ix_attempts_sending" in step, (statement, steps)
    reasons = "USING INDEX ix_records_held (integration_id=? AND environment=? AND hold_reason=?)"
    assert any(reasons in step for _, steps in plans for step in steps), "not every held one, with each look"
