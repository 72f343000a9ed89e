"""A fix for all records of a problem: previewed on some of them, kept for a job that puts it in force."""

from __future__ import annotations

from collections.abc import Sequence

from healthdesk.api.fixes import FixGiven, FixPreview
from healthdesk.domain import delivery
from healthdesk.domain.activity import Verb
from healthdesk.errors import Conflict, Malformed, NotFound
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.fix_previews import known, made_or_none, preview, same
from healthdesk.operations.fixes import of_given, row_of
from healthdesk.store import fixes as queries
from healthdesk.store import problems as problem_queries

MOST_TRIED = 200


async def preview_problem(desk: Desk, problem_id: str, given: FixGiven) -> FixPreview:
    """Return what a fix would send of the newest record of a problem, and of how many of the problem it changes that.

    It is tried on up to 200 of them. Raises NotFound for a problem that is not there or holds up no record.
    """
    desk.require("records.fix")
    _refuse_body(given)
    fix = of_given(desk, given)
    reveal = given.reveal and desk.refusal("records.reveal") is None

    def look(conn: Conn) -> FixPreview:
        problem = problem_queries.get(conn, problem_id)
        ids = queries.of_problem(conn, problem_id, MOST_TRIED)
        if not ids:
            raise NotFound("no record is held up by this problem now", fix="look at it again")
        shown = preview(conn, known(desk, conn, ids[0]), fix, reveal=reveal)
        shown.tried, shown.changes, broken = _changed(desk, conn, ids, fix)
        shown.total = max(problem.count, len(ids))
        if broken:
            shown.warnings.append(f"Of {broken} of {len(ids)} nothing could be sent with it.")
        if reveal:
            desk.note(conn, Verb.REVEALED, "record", ids[0], "", {"preview": True})
        return shown

    if reveal:
        return await desk.write(look)
    return await desk.ctx.store.read(look)


def changed_by(desk: Desk, conn: Conn, record_ids: Sequence[str], given: FixGiven) -> int:
    """Return of how many of these records a fix changes what is sent, tried on each: for the plan of a job."""
    return _changed(desk, conn, record_ids, of_given(desk, given))[1]


def _changed(desk: Desk, conn: Conn, record_ids: Sequence[str], fix: delivery.Fix) -> tuple[int, int, int]:
    """Return on how many records a fix was tried, how many it changes, and of how many nothing could be sent."""
    tried = changed = broken = 0
    for record_id in record_ids:
        try:
            record = known(desk, conn, record_id)
        except (Conflict, NotFound):
            continue
        tried += 1
        after = made_or_none(record, fix)
        if after is None:
            broken += 1
        elif not same(made_or_none(record, record.known.fix), after):
            changed += 1
    return tried, changed, broken


def _refuse_body(given: FixGiven) -> None:
    if given.body is not None:
        raise Malformed(
            "a whole body is for one record", field="body", fix="fix all of a problem by a mapping"
        )
    if not given.mapping and not given.headers:
        raise Malformed("the fix changes nothing", field="mapping", fix="give steps, or headers")


def check_for_many(desk: Desk, given: FixGiven) -> None:
    """Raise Malformed for a fix that is not for many records, or NotPermitted."""
    desk.require("records.fix")
    _refuse_body(given)
    of_given(desk, given)


def for_problem(desk: Desk, conn: Conn, given: FixGiven, problem_id: str | None) -> str:
    """Keep a fix that a job puts in force on many records, and return its id. The job says who fixed what."""
    check_for_many(desk, given)
    row = row_of(desk, given, problem_id=problem_id)
    queries.insert(conn, row)
    return row.id
