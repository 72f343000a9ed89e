"""What a fix would send of a record, beside what is sent now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_plus

from healthdesk.api.fixes import FixGiven, FixPreview, Moved
from healthdesk.domain import differing, mapping
from healthdesk.domain.delivery import Fix
from healthdesk.domain.fields import FieldSpec, check_data
from healthdesk.domain.masking import mask_headers, mask_url, redact_headers, redact_url, values_of
from healthdesk.domain.moves import Move, carried_out, moves
from healthdesk.domain.outcome import told_of
from healthdesk.domain.scrubbing import MASK, Scrubber
from healthdesk.engine.batch_making import part_of
from healthdesk.engine.making import Made, content_of
from healthdesk.errors import Conflict, Malformed, MappingError
from healthdesk.operations.bodies import content_type_of
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.record_views import declared_harmless, fields_of, still_harmless
from healthdesk.operations.sending import Sendable, sendable, version_of
from healthdesk.store import records as queries
from healthdesk.store.rows import AttemptRow

BODY_GONE = "its body was removed by retention"
_SHOWN_WARNINGS = 20


def engine_fix(given: FixGiven) -> Fix:
    """Return a fix as the engine reads it, checked but for its headers. Raises Malformed for what can never be sent."""
    if given.body is not None and given.mapping:
        raise Malformed(
            "a fix replaces the body or maps it, not both", field="mapping", fix="leave one of them out"
        )
    try:
        mapping.check(given.mapping)
    except MappingError as error:
        raise Malformed(error.what, field=error.field, fix=error.fix) from None
    if given.body is None:
        return Fix(None, "", tuple(given.mapping), given.headers)
    try:
        json.loads(given.body, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"the body is no JSON: {where}", field="body", fix="correct it there") from None
    except (ValueError, RecursionError):
        raise Malformed("the body is no JSON that can be sent", field="body") from None
    return Fix(given.body.encode(errors="replace"), "", (), given.headers)


def _no_constant(_text: str) -> None:
    raise ValueError("no JSON")


def known(desk: Desk, conn: Conn, record_id: str) -> Sendable:
    """Return a record as it is sent. Raises NotFound, or Conflict where nothing of it can be sent any more."""
    row = queries.get(conn, record_id)
    stored = queries.body(conn, record_id)
    target = desk.engine.targets.get(row.integration_id, row.environment)
    found = sendable(conn, row, stored, target)
    if found is None:
        raise Conflict(BODY_GONE if stored is None else "its environment was removed")
    return found


def made_or_none(record: Sendable, fix: Fix | None) -> Made | None:
    """Return the request with a fix, None where none can be made: that may be why it is to be fixed."""
    try:
        return record.made(fix)
    except MappingError:
        return None


def made(record: Sendable, fix: Fix) -> Made:
    """Return the request with a fix. Raises Malformed where none can be made with it."""
    try:
        return record.made(fix)
    except MappingError as error:
        raise Malformed(error.what, field=error.field, fix=error.fix) from None


def same(one: Made | None, two: Made) -> bool:
    """Tell whether two requests are the same."""
    if one is None or (one.method, one.url, one.headers) != (two.method, two.url, two.headers):
        return False
    return one.body == two.body or _same_json(one.body, two.body)


def _same_json(one: bytes, two: bytes) -> bool:
    """Tell whether two bodies say the same: a mapping that changes nothing may write it in another way."""
    try:
        return not mapping.changes(json.loads(one), json.loads(two))
    except (ValueError, RecursionError):
        return False


def preview(conn: Conn, record: Sendable, fix: Fix, *, reveal: bool) -> FixPreview:
    """Return what a fix would send of a record, values masked unless `reveal`. Raises Malformed."""
    before, after = made_or_none(record, record.known.fix), made(record, fix)
    old, new = _document(record, record.known.fix, before), _document(record, fix, after)
    data = _data_now(record)
    given = differing.constants(fix.mapping) if fix.body is None else {}
    renames = {each.path: each.to for each in fix.mapping if each.to}
    moved = moves(old, new, renames=renames, but=given)
    headers = redact_headers(after.headers, record.target.secret_headers)
    url = redact_url(after.url)
    if reveal:
        shown = _clear(before, old), _clear(after, new), differing.pretty(data)
    else:
        harmless = declared_harmless(conn, record.row)
        shown = _hidden(data, old, new, moved, harmless, given)
        scrubber = Scrubber(values_of(data) | values_of(new))
        headers, url = mask_headers(headers, scrubber), mask_url(url, scrubber)
    return FixPreview(
        before=shown[0],
        after=shown[1],
        data=shown[2],
        difference=differing.difference(shown[0], shown[1], moved),
        moved=[Moved(path=each.path, to=each.to) for each in moved],
        headers=headers,
        url=url,
        changed=not same(before, after),
        masked=not reveal,
        warnings=warnings(conn, record, fix, new),
        version=version_of(record.row, record.target),
        record_id=record.row.id,
        changes=int(not same(before, after)),
    )


def _data_now(record: Sendable) -> Any:
    try:
        return record.data(record.known.fix)
    except MappingError:
        return record.data(None)


def _document(record: Sendable, fix: Fix | None, request: Made | None) -> Any:
    """Return what is sent as a document: its JSON, or what a form or XML is made of."""
    if request is None:
        return record.data(None)
    if not request.body:
        return None
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        return content_of(record.target, record.claimed, record.known.facts, fix).mapped


def _clear(request: Made | None, document: Any) -> str:
    """Return a body for people, in lines that can be compared."""
    if request is None or not request.body:
        return "" if request is not None else differing.pretty(document)
    content_type = content_type_of(request.headers)
    if "json" in content_type or request.body == part_of(document):
        return differing.pretty(document)
    text = request.body.decode(errors="replace")
    if "x-www-form-urlencoded" in content_type:
        return "\n".join(unquote_plus(pair) for pair in text.split("&"))
    return text.replace("><", ">\n<")


def _hidden(
    data: Any, old: Any, new: Any, moved: Sequence[Move], harmless: frozenset[str], given: dict[str, Any]
) -> tuple[str, str, str]:
    """Return what is sent before and after, and the data, with values masked."""
    there = carried_out(moved, old)
    return (
        differing.pretty(differing.masked(old, old, clear=still_harmless(harmless, data, old))),
        differing.pretty(
            differing.masked(new, there, clear=still_harmless(harmless, data, new), given=given)
        ),
        differing.pretty(differing.masked(data, data, clear=harmless)),
    )


def warnings(conn: Conn, record: Sendable, fix: Fix, document: Any) -> list[str]:
    """Return what may still be wrong with what a fix makes: no value of the record is in it."""
    row = record.row
    fields = [
        FieldSpec(f["name"], f.get("type", "any"), f.get("required", False)) for f in fields_of(conn, row)
    ]
    told = [f"The source declares {each}." for each in check_data(record.data(fix), fields)]
    attempts = queries.attempts(conn, row.id, 1)
    if attempts:
        last = queries.attempt(conn, row.id, attempts[-1].id)
        wanted = _wanted(last, record.stored.data)
        # an app's item may hold the fields within one of its own
        mapped = content_of(record.target, record.claimed, record.known.facts, fix).mapped if wanted else None
        sent = [each for each in (document, mapped) if isinstance(each, dict)]
        told += [
            f"The endpoint asked for {field}, and it is still not in what would be sent."
            for field in (wanted if isinstance(document, dict) else ())
            if not any(differing.has(each, field) for each in sent)
        ]
    return told[:_SHOWN_WARNINGS]


def _wanted(attempt: AttemptRow, data: bytes) -> list[str]:
    """Return the fields that the endpoint says it misses."""
    told = told_of(attempt.response_body or b"", data, content_type_of(attempt.response_headers))
    names = [told.field, *(name for name, _ in told.also)] if told.missing else []
    return [name for name in names if name and MASK not in name]
