"""Fix and resend: what is sent of one record is changed; the original and the author are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from healthdesk.api.delivery import DeliveryMethod, MappingStep
from healthdesk.api.fixes import Fix, FixGiven, FixPreview, FixResend, MappingSave
from healthdesk.api.integrations import Integration
from healthdesk.api.records import RecordDetail
from healthdesk.domain import delivery, mapping
from healthdesk.domain.activity import Verb
from healthdesk.domain.states import IntegrationKind, RecordState
from healthdesk.engine.making import put_header
from healthdesk.errors import Conflict, Malformed, MappingError, NotFound, NotPermitted
from healthdesk.operations.before_after import step_words
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.fix_previews import BODY_GONE, engine_fix, known, made, made_or_none, preview, same
from healthdesk.operations.headers import check_headers
from healthdesk.operations.integration_views import view as integration_view
from healthdesk.operations.record_views import record_detail
from healthdesk.operations.resends import again, refuse_none
from healthdesk.operations.sending import version_of
from healthdesk.store import fixes as queries
from healthdesk.store import integrations as integration_queries
from healthdesk.store import records as record_queries
from healthdesk.store.rows import IntegrationRow
from healthdesk.store.rows_fixes import FixRow

SHOWN_ATTEMPTS = 100
_GOES_BY_ITSELF = (RecordState.QUEUED, RecordState.HELD)
_MOST_STEPS = 200


def of_given(desk: Desk, given: FixGiven) -> delivery.Fix:
    """Return a fix, checked. Raises Malformed, or NotPermitted where its author may not see what they replace."""
    if given.body is not None:
        refused = desk.refusal("records.reveal")
        if refused is not None:
            raise NotPermitted(
                f"the body holds values that you may not reveal: {refused.what}",
                fix=f"Fix it by a mapping, or: {refused.fix}",
            )
    check_headers(given.headers, "headers")
    return engine_fix(given)


async def preview_one(desk: Desk, record_id: str, given: FixGiven) -> FixPreview:
    """Return what a fix would send of one record; nothing is changed. A preview in clear is in the activity log."""
    desk.require("records.fix")
    fix = of_given(desk, given)
    reveal = given.reveal and desk.refusal("records.reveal") is None

    def look(conn: Conn) -> FixPreview:
        shown = preview(conn, known(desk, conn, record_id), fix, reveal=reveal)
        if reveal:
            desk.note(conn, Verb.REVEALED, "record", record_id, "", {"preview": True})
        return shown

    if reveal:
        return await desk.write(look)
    return await desk.ctx.store.read(look)


async def fix_one(desk: Desk, record_id: str, given: FixResend) -> RecordDetail:
    """Fix one record and, unless the fix says otherwise, resend it: both or neither.

    Raises Conflict where it cannot be fixed or resent now or was changed since it was shown, Malformed where nothing can
    be sent with the fix or it changes nothing.
    """
    desk.require("records.fix")
    fix = of_given(desk, given)

    def change(conn: Conn) -> RecordDetail:
        state, _, has_body = queries.lock(conn, record_id)
        _refuse_state(state, has_body=has_body)
        record = known(desk, conn, record_id)
        if given.version and given.version != version_of(record.row, record.target):
            raise Conflict(
                "what is sent of this record was changed since it was shown",
                fix="Look at it again, then fix it",
            )
        if same(made_or_none(record, record.known.fix), made(record, fix)):
            raise Malformed(
                "the fix changes nothing of what is sent", field="mapping", fix="resend it instead"
            )
        row = row_of(desk, given, record_id=record_id)
        queries.insert(conn, row)
        queries.put_in_force(
            conn, [record_id], row.id, at=row.at, by=row.made_by, sentence=sentence_of(given)
        )
        if given.resend and state not in _GOES_BY_ITSELF:
            refuse_none(again(conn, desk, [record_id], given), record_id)
        desk.note(conn, Verb.FIXED, "record", record_id, "", _told(given, row.id) | {"resent": given.resend})
        return _detail(desk, conn, record_id)

    detail = await desk.write(change, ("record", record_id))
    desk.engine.wake(detail.integration_id, detail.environment)
    return detail


async def unfix(desk: Desk, record_id: str) -> RecordDetail:
    """Let a record be sent as it was posted again; nothing is resent. The fix stays listed."""
    desk.require("records.fix")

    def change(conn: Conn) -> RecordDetail:
        state, fix_id, has_body = queries.lock(conn, record_id)
        _refuse_state(state, has_body=has_body)
        if fix_id is None:
            raise Conflict("no fix is in force on this record")
        queries.take_back(conn, record_id, fix_id, at=desk.now(), by=desk.operator.user)
        desk.note(conn, Verb.UNFIXED, "record", record_id, "", {"fix": fix_id})
        return _detail(desk, conn, record_id)

    return await desk.write(change, ("record", record_id))


async def list_of(desk: Desk, record_id: str) -> list[Fix]:
    """Return the fixes of a record, oldest first."""
    desk.require("records.fix")

    def read(conn: Conn) -> list[Fix]:
        row = record_queries.get(conn, record_id)
        return [_view(each, record_id, row.fix_id) for each in queries.of_record(conn, record_id)]

    return await desk.read(read)


async def save_mapping(desk: Desk, integration_id: str, given: MappingSave) -> Integration:
    """Keep a fix that worked for all records from now on: its steps before the mapping of an environment, where they were as
    a fix, its headers in the place of those of the same name.

    Records that have just this as their fix are taken off it: its steps would be carried out twice.
    """
    desk.require("integrations.mapping")
    if not given.mapping and not given.headers:
        raise Malformed("there is nothing to keep", field="mapping", fix="give steps, or headers")
    check_headers(given.headers, "headers")
    try:
        mapping.check(given.mapping)
    except MappingError as error:
        raise Malformed(error.what, field=error.field, fix=error.fix) from None

    def change(conn: Conn) -> IntegrationRow:
        row = integration_queries.get(conn, integration_id)
        if row.kind is not IntegrationKind.DELIVERY:
            raise Malformed(f"{row.name} delivers nothing: it has no mapping")
        place = next((each for each in row.environments if each.environment is given.environment), None)
        if place is None:
            raise NotFound(f"{row.name} has no environment {given.environment.value}")
        method = DeliveryMethod.model_validate(place.delivery)
        if method.mapping[: len(given.mapping)] != given.mapping:  # saved twice, they are there once
            method.mapping = [*given.mapping, *method.mapping]
        if len(method.mapping) > _MOST_STEPS:
            raise Malformed(f"the mapping would have more than {_MOST_STEPS} steps", field="mapping")
        if method.operation and given.headers:
            raise Malformed(
                "the app's operation decides on headers by itself",
                field="headers",
                fix="keep the steps alone",
            )
        columns = {
            "delivery": method.model_dump(mode="json", exclude_defaults=True),
            "headers": _with_headers(place.headers, given.headers),
        }
        check_headers(columns["headers"], "headers")
        integration_queries.put_environment(conn, integration_id, given.environment, columns, desk.now())
        queries.absorb(
            conn,
            integration_id,
            given.environment,
            _steps(given),
            given.headers,
            by=desk.operator.user,
            at=desk.now(),
        )
        detail = {
            "environment": given.environment.value,
            "steps": [step_words(each) for each in given.mapping],
        }
        if given.headers:
            detail["headers"] = sorted(given.headers)
        desk.note(conn, Verb.SAVED_MAPPING, "integration", integration_id, row.name, detail)
        return integration_queries.get(conn, integration_id)

    row = await desk.write(change, ("integration", integration_id))
    await desk.engine.refresh()
    return integration_view(desk, row)


def _with_headers(headers: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return an environment's headers with those of a fix, whose braces stand for themselves."""
    made = dict(headers)
    for name, value in given.items():
        put_header(made, name, value.replace("{", "{{").replace("}", "}}"))
    return made


def _refuse_state(state: RecordState, *, has_body: bool) -> None:
    if state is RecordState.SENDING:
        raise Conflict("this record is being sent now", fix="Try again once it is answered")
    if not has_body:
        raise Conflict(BODY_GONE)


def row_of(
    desk: Desk, given: FixGiven, *, record_id: str | None = None, problem_id: str | None = None
) -> FixRow:
    """Return a new fix as it is kept, made by this operator now."""
    now = desk.now()
    return FixRow(
        id=desk.ctx.ids.new(queries.PREFIX, now),
        at=now,
        made_by=desk.operator.user,
        record_id=record_id,
        problem_id=problem_id,
        body=None if given.body is None else given.body.encode(errors="replace"),
        mapping=_steps(given),
        headers=given.headers,
        note=given.note,
    )


def _steps(given: FixGiven | MappingSave) -> list[dict[str, Any]]:
    return [each.model_dump(mode="json", exclude_defaults=True) for each in given.mapping]


def sentence_of(given: FixGiven) -> str:
    """Return what a fix does, for a record's timeline: no value is in it."""
    parts = ["the body was replaced"] if given.body is not None else []
    parts += [step_words(each) for each in given.mapping]
    parts += [f"header {name}" for name in given.headers]
    note = f" ({given.note})" if given.note else ""
    return f"Fixed: {', '.join(parts)}{note}."


def _told(given: FixGiven, fix_id: str) -> dict[str, Any]:
    told: dict[str, Any] = {"fix": fix_id}
    if given.body is not None:
        told["body"] = "replaced"
    if given.mapping:
        told["mapping"] = [step_words(each) for each in given.mapping]
    if given.headers:
        told["headers"] = sorted(given.headers)
    if given.note:
        told["note"] = given.note
    return told


def _detail(desk: Desk, conn: Conn, record_id: str) -> RecordDetail:
    return record_detail(conn, record_id, SHOWN_ATTEMPTS, desk.engine.targets.get)


def _view(row: FixRow, record_id: str, in_force: str | None) -> Fix:
    return Fix(
        id=row.id,
        at=row.at,
        made_by=row.made_by,
        record_id=record_id,
        problem_id=row.problem_id,
        mapping=[MappingStep.model_validate(step) for step in row.mapping],
        headers=dict(row.headers),
        note=row.note,
        body=row.body is not None,
        in_force=row.id == in_force,
    )
