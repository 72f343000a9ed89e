"""Tasks and proof syncs of integrations: list, show, their runs, and Sync now."""

from __future__ import annotations

from dataclasses import replace

from healthdesk.api.common import Page
from healthdesk.api.instances import Instance, InstanceFilter, InstanceTotals, Run
from healthdesk.domain.ids import is_id
from healthdesk.domain.instance_states import InstanceState
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.instance_views import instance_view, run_view
from healthdesk.operations.paging import cursor, model_of, to_page
from healthdesk.store import instance_context, problems, runs
from healthdesk.store import instances as queries
from healthdesk.store.instance_context import Around
from healthdesk.store.rows import PageRows
from healthdesk.store.rows_instances import InstanceQuery, InstanceRow

_FAILING = "failed_or_blocked"


def query_of(conn: Conn, chosen: InstanceFilter) -> InstanceQuery:
    """Return a filter as the store takes it; NotFound for a problem that is not there.

    What a connection's own problem holds up is blocked by that connection, and in no problem itself.
    """
    query = InstanceQuery(
        kind=chosen.kind,
        states=tuple(InstanceState(each) for each in chosen.state if each != _FAILING),
        failing=_FAILING in chosen.state,
        blocked=chosen.blocked,
        connection_ids=tuple(chosen.connection_id),
        integration_ids=tuple(chosen.integration_id),
        label_id=chosen.label_id,
        template_id=chosen.template_id,
        owner=chosen.owner,
        text=chosen.text or "",
    )
    if chosen.problem_id is None:
        return query
    problem = problems.get(conn, chosen.problem_id)
    behind = problem.connection_id if problem.blocked and query.blocked is not False else None
    if behind is not None and behind in (query.connection_ids or (behind,)):
        return replace(query, connection_ids=(behind,), blocked=True)
    return replace(query, problem_id=problem.id)


async def list_all(desk: Desk, chosen: InstanceFilter, after: str | None, limit: int) -> Page[Instance]:
    """Return tasks and proof syncs that match, proof syncs first, each kind oldest first."""
    desk.require("instances.list")
    after = _cursor(after)

    def read(conn: Conn) -> tuple[PageRows[InstanceRow], Around]:
        rows = queries.page(conn, query_of(conn, chosen), after=after, limit=limit)
        return rows, instance_context.around(conn, rows.items)

    rows, around = await desk.read(read)
    return to_page(rows, lambda row: instance_view(desk, row, around))


def _cursor(after: str | None) -> str | None:
    if after is not None and is_id("prf", after):
        return after
    return cursor("tsk", after)


async def count(desk: Desk, chosen: InstanceFilter) -> InstanceTotals:
    """Return how many match, by status."""
    desk.require("instances.list")
    totals = await desk.read(lambda conn: queries.totals(conn, query_of(conn, chosen)))
    return model_of(InstanceTotals)(totals)


async def show(desk: Desk, instance_id: str) -> Instance:
    """Return a task or proof sync."""
    desk.require("instances.show")
    return await desk.read(view_of, desk, instance_id)


def view_of(conn: Conn, desk: Desk, instance_id: str) -> Instance:
    """Return a task or proof sync as it is in this transaction; NotFound."""
    row = queries.get(conn, instance_id)
    return instance_view(desk, row, instance_context.around(conn, [row]))


async def list_runs(desk: Desk, instance_id: str, after: str | None, limit: int) -> Page[Run]:
    """Return what its runs did, newest first."""
    desk.require("instances.runs")
    after = cursor("run", after)
    await desk.read(queries.get, instance_id)
    return to_page(await desk.read(runs.page, instance_id, after, limit), run_view)
