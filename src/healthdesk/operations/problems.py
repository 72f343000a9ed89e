"""Problems: list, show with evidence, acknowledge, mute, resolve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from healthdesk.api.alerts import Alert
from healthdesk.api.common import Page
from healthdesk.api.connections import Heartbeat
from healthdesk.api.problems import Acknowledge, Mute, ProblemDetail, ProblemRow, Resolve
from healthdesk.domain.activity import Verb
from healthdesk.domain.states import ProblemState
from healthdesk.domain.units import RECORD, listed
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.instance_views import run_view
from healthdesk.operations.paging import cursor, model_of, to_page
from healthdesk.operations.record_views import evidence as shown_evidence
from healthdesk.store import alerts as alert_queries
from healthdesk.store import problems as queries
from healthdesk.store.rows import ProblemRow as StoredProblem

NOT_RESOLVED = (ProblemState.OPEN, ProblemState.ACKNOWLEDGED)


async def list_all(
    desk: Desk,
    states: Sequence[ProblemState],
    integration_id: str | None,
    connection_id: str | None,
    after: str | None,
    limit: int,
) -> Page[ProblemRow]:
    """Return problems, newest first; without `states` those that are not resolved."""
    desk.require("problems.list")
    rows = await desk.read(
        queries.page,
        states=tuple(dict.fromkeys(states)) or NOT_RESOLVED,
        integration_id=integration_id,
        connection_id=connection_id,
        after=cursor("prb", after),
        limit=limit,
    )
    return to_page(rows, shown)


async def show(desk: Desk, problem_id: str) -> ProblemDetail:
    """Return a problem with its evidence and what was announced of it."""
    desk.require("problems.show")
    return await desk.ctx.store.read(lambda conn: _detail(conn, problem_id))


async def acknowledge(desk: Desk, problem_id: str, choice: Acknowledge) -> ProblemDetail:
    """Take a problem: no further alerts but its recovery."""
    return await _change(
        desk,
        problem_id,
        ("problems.ack", Verb.ACKNOWLEDGED),
        lambda conn: queries.acknowledge(
            conn, problem_id, by=desk.operator.user, now=desk.now(), note=choice.note
        ),
        {"note": choice.note} if choice.note else {},
    )


async def mute(desk: Desk, problem_id: str, choice: Mute) -> ProblemDetail:
    """Silence a problem for a while, or unmute it."""
    until = desk.now() + timedelta(seconds=choice.for_s) if choice.for_s else None
    detail: dict[str, Any] = {"for_s": choice.for_s} if until else {}
    if choice.note:
        detail["note"] = choice.note
    return await _change(
        desk,
        problem_id,
        ("problems.mute", Verb.MUTED if until else Verb.UNMUTED),
        lambda conn: queries.mute(conn, problem_id, by=desk.operator.user, until=until, note=choice.note),
        detail,
    )


async def resolve(desk: Desk, problem_id: str, choice: Resolve) -> ProblemDetail:
    """Close a problem by hand."""
    return await _change(
        desk,
        problem_id,
        ("problems.resolve", Verb.RESOLVED),
        lambda conn: queries.resolve(
            conn, problem_id, by=desk.operator.user, now=desk.now(), note=choice.note
        ),
        {"note": choice.note} if choice.note else {},
    )


async def _change(
    desk: Desk,
    problem_id: str,
    action_and_verb: tuple[str, Verb],
    step: Callable[[Conn], StoredProblem],
    detail: dict[str, Any],
) -> ProblemDetail:
    action, verb = action_and_verb
    desk.require(action)

    def change(conn: Conn) -> ProblemDetail:
        row = step(conn)
        desk.note(conn, verb, "problem", problem_id, row.where, detail)
        return _detail(conn, problem_id)

    shown = await desk.write(change, ("problem", problem_id))
    # Resolving may have queued news of a recovery.
    desk.engine.wake_alerts()
    return shown


def shown(row: StoredProblem) -> ProblemRow:
    """Return a problem as it is shown."""
    model = ProblemRow.model_validate(row, from_attributes=True)
    model.instances = sum(row.blocked.values()) + (row.count if row.unit != RECORD else 0)
    model.waiting = listed({row.unit: row.count + row.held, **row.blocked})
    return model


def _detail(conn: Conn, problem_id: str) -> ProblemDetail:
    row = queries.get(conn, problem_id)
    evidence = queries.evidence(conn, problem_id)
    heartbeat = model_of(Heartbeat)
    return ProblemDetail(
        **shown(row).model_dump(),
        last_good=shown_evidence(conn, evidence.last_good),
        first_bad=shown_evidence(conn, evidence.first_bad),
        last_good_check=heartbeat(evidence.last_good_check) if evidence.last_good_check else None,
        first_bad_check=heartbeat(evidence.first_bad_check) if evidence.first_bad_check else None,
        last_good_run=run_view(evidence.last_good_run) if evidence.last_good_run else None,
        first_bad_run=run_view(evidence.first_bad_run) if evidence.first_bad_run else None,
        alerts=[
            Alert.model_validate(each, from_attributes=True)
            for each in alert_queries.of_problem(conn, problem_id)
        ],
    )
