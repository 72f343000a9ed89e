"""One record and one attempt as their windows show them. Run inside a transaction of the store."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from healthdesk.api.records import Attempt, AttemptDetail, Body, LikelyCause, Record, RecordDetail
from healthdesk.domain.curl import curl
from healthdesk.domain.likely import Likely, likely_cause
from healthdesk.domain.masking import MASK, mask_headers, mask_url, values_of
from healthdesk.domain.outcome import told_of
from healthdesk.domain.scrubbing import Scrubber
from healthdesk.domain.states import Environment, RecordState
from healthdesk.engine.batch_making import request_of
from healthdesk.engine.targets import Target
from healthdesk.errors import MappingError, NotFound
from healthdesk.operations.bodies import clear_body, content_type_of, gone, masked_body
from healthdesk.operations.desk import Conn
from healthdesk.operations.explain import explain_record
from healthdesk.operations.explain_holds import explain_held
from healthdesk.operations.sending import sendable, version_of
from healthdesk.operations.timeline import event_view, timeline
from healthdesk.store import fixes, problems, record_events, sources
from healthdesk.store import records as queries
from healthdesk.store.rows import AttemptRow, BodyRow, RecordRow
from healthdesk.store.rows_fixes import FixRow

log = logging.getLogger(__name__)

TargetOf = Callable[[str, Environment], Target | None]
_THROUGH = (RecordState.DELIVERED, RecordState.AWAITING_RECEIPT)


def record_detail(
    conn: Conn, record_id: str, most_attempts: int, target_of: TargetOf, *, reveal: bool = False
) -> RecordDetail:
    """Return a record with its attempts, bodies and explanation; values masked unless `reveal`."""
    row = queries.get(conn, record_id)
    attempts = queries.attempts(conn, record_id, most_attempts)
    stored = queries.body(conn, record_id)
    target = target_of(row.integration_id, row.environment)
    last = attempts[-1] if attempts else None
    if last is not None:
        last = queries.attempt(conn, record_id, last.id)
    similar, since, cause = 0, None, ""
    if row.problem_id:
        try:
            problem = problems.get(conn, row.problem_id)
            similar, since, cause = problem.count, problem.since, problem.cause
        except NotFound:
            # Retention removed a problem that was resolved long ago.
            similar = 0
    clear = declared_harmless(conn, row)
    fixed = fixes.of_record(conn, record_id)
    values = values_in(stored, fixed)
    shown = attempt_rows(attempts, values, reveal=reveal)
    events = record_events.of(conn, record_id)
    likely = None if row.state in _THROUGH else _likely(last, stored, target)
    request, following = _bodies_sent(conn, row, stored, last, target)
    return RecordDetail(
        **Record.model_validate(row, from_attributes=True).model_dump(),
        explanation=explain_held(conn, row) or explain_record(row, last),
        similar=similar,
        similar_since=since,
        problem_cause=cause,
        idempotency_key=row.idempotency_key,
        attempts=shown,
        events=[event_view(each) for each in events],
        timeline=timeline(row, shown, events),
        cause=likely.cause.value if likely else "",
        likely=LikelyCause.model_validate(likely) if likely else None,
        fixes=[each.id for each in fixed],
        version=version_of(row, target),
        request_body=_request(request, stored, clear, reveal=reveal),
        next_body=None if following is None else _request(following, stored, clear, reveal=reveal),
        response_body=_response(last, values, reveal=reveal) if last else None,
        posted_body=_posted(stored, clear, reveal=reveal),
        curl=_curl(shown[-1], request, stored, target, reveal=reveal) if shown else "",
    )


def attempt_detail(
    conn: Conn, record_id: str, attempt_id: str, target_of: TargetOf, *, reveal: bool = False
) -> AttemptDetail:
    """Return an attempt with what was sent and what came back; values masked unless `reveal`."""
    row = queries.get(conn, record_id)
    attempt = queries.attempt(conn, record_id, attempt_id)
    stored = queries.body(conn, record_id)
    values = values_in(stored, fixes.of_record(conn, record_id))
    [shown] = attempt_rows([attempt], values, reveal=reveal)
    sent = _sent_in(attempt, stored)
    return AttemptDetail(
        **shown.model_dump(),
        request_body=_request(sent, stored, declared_harmless(conn, row), reveal=reveal),
        response_body=_response(attempt, values, reveal=reveal),
        curl=_curl(shown, sent, stored, target_of(row.integration_id, row.environment), reveal=reveal),
    )


def attempt_rows(
    rows: Sequence[AttemptRow], values: frozenset[str] | None, *, reveal: bool = False
) -> list[Attempt]:
    """Return attempts of one record; what headers and address repeat of its `values` is masked unless `reveal`."""
    shown = [Attempt.model_validate(row, from_attributes=True) for row in rows]
    if not reveal:
        scrubber = Scrubber(values) if values is not None else None
        for attempt in shown:
            attempt.url = mask_url(attempt.url, scrubber)
            attempt.request_headers = mask_headers(attempt.request_headers, scrubber)
            attempt.response_headers = mask_headers(attempt.response_headers, scrubber)
    return shown


def evidence(conn: Conn, row: AttemptRow | None) -> Attempt | None:
    """Return an attempt as it is shown away from its record, values masked."""
    if row is None:
        return None
    [shown] = attempt_rows([row], values_known(conn, row.record_id))
    return shown


def fields_of(conn: Conn, row: RecordRow) -> Sequence[Mapping[str, Any]]:
    """Return the fields that the source of a record declares."""
    try:
        return sources.get(conn, row.source).fields
    except NotFound:
        return ()


def declared_harmless(conn: Conn, row: RecordRow) -> frozenset[str]:
    """Return the fields that the source declares not sensitive."""
    fields = fields_of(conn, row)
    return frozenset(field["name"] for field in fields if field.get("sensitive", True) is False)


Sent = tuple[bytes, str]
"""A body, and its content type."""


def _sent_in(attempt: AttemptRow, stored: BodyRow | None) -> Sent | None:
    """Return what an attempt sent: what was kept with it, or else the record's data byte for byte."""
    if stored is None:
        return None
    content_type = content_type_of(attempt.request_headers) or stored.content_type
    return stored.data if attempt.request_body is None else attempt.request_body, content_type


def _bodies_sent(
    conn: Conn, row: RecordRow, stored: BodyRow | None, last: AttemptRow | None, target: Target | None
) -> tuple[Sent | None, Sent | None]:
    """Return what the last attempt sent, and what the next one will where that is something else."""
    before = None if stored is None else (stored.data, stored.content_type)
    if last is not None:
        before = _sent_in(last, stored)
    known = sendable(conn, row, stored, target)
    if known is None:
        return before, None
    try:
        made = known.made(known.known.fix)
    except MappingError:
        return before, None
    except Exception:  # a fault of ours in making it must not keep the record from being looked at
        log.exception("what record %s would send cannot be shown", row.id)
        return before, None
    following = made.body, content_type_of(made.headers)
    if last is None:
        return following, None
    return before, None if before is not None and following[0] == before[0] else following


def _likely(last: AttemptRow | None, stored: BodyRow | None, target: Target | None) -> Likely | None:
    """Return what is likely wrong, by the last attempt."""
    if last is None or not last.error_kind:
        return None
    told = told_of(
        last.response_body or b"",
        stored.data if stored is not None else None,
        content_type_of(last.response_headers),
    )
    sent = _sent_in(last, stored)
    return likely_cause(
        kind=last.error_kind,
        status=last.status,
        message=told.message,
        field=told.field,
        missing=told.missing,
        unknown=told.unknown,
        keys=None if sent is None else _keys(sent[0], target),
        connection=target.connection_name if target is not None else "",
        others=[name for name, _ in told.also],
        header=told.header,
        code=told.code,
    )


def _keys(body: bytes, target: Target | None) -> list[str] | None:
    """Return the fields of a JSON object, None of anything else: an app's item may hold them within one of its own."""
    parsed = _parsed(body)
    if not isinstance(parsed, dict):
        return None
    inner = parsed.values() if target is not None and target.proof.app is not None else ()
    return [*parsed, *(key for each in inner if isinstance(each, dict) for key in each)]


def _parsed(body: bytes) -> Any:
    """Return what a body says, None where it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _curl(
    attempt: Attempt, sent: Sent | None, stored: BodyRow | None, target: Target | None, *, reveal: bool
) -> str:
    """Return the request of an attempt as a command; a body that is masked or gone is left out of it."""
    if not attempt.url:
        return ""
    body: bytes | None = None
    why = "the body, which was removed by retention"
    if sent is not None:
        why = "the body, hidden until its values are revealed"
        body = _whole(attempt, sent[0], target) if reveal or not sent[0] else None
        if MASK.encode() in sent[0] and not (stored is not None and MASK.encode() in stored.data):
            why, body = "the body: the secrets in it are not kept", None
    certificate = target is not None and target.proof.certificate is not None
    return curl(
        attempt.method, attempt.url, attempt.request_headers, body, left_out=why, certificate=certificate
    )


def _whole(attempt: Attempt, body: bytes, target: Target | None) -> bytes:
    """Return the body of the request that carries a record alone, where what is kept of it is its own part of one."""
    if target is None or target.delivery.batch is None:
        return body
    try:
        made = request_of(target, [json.loads(body)], {})
    except (MappingError, ValueError, RecursionError):
        return body
    except Exception:  # as above: the command then carries the record's own part
        log.exception("the whole body of attempt %s cannot be made again", attempt.id)
        return body
    # Settings may have changed since: what went otherwise is told as it went.
    went = bool(attempt.batch_id) if target.proof.app is None else attempt.url.endswith(made.url)
    return made.body if went else body


def _request(sent: Sent | None, stored: BodyRow | None, clear: frozenset[str], *, reveal: bool) -> Body:
    if sent is None:
        return gone()
    if reveal:
        return clear_body(*sent)
    if stored is not None and sent[0] != stored.data:
        clear = still_harmless(clear, _parsed(stored.data), _parsed(sent[0]))
    return masked_body(*sent, clear=clear)


def still_harmless(harmless: frozenset[str], data: Any, document: Any) -> frozenset[str]:
    """Return the keys declared harmless under which a document has what the data has: a mapping may move values."""
    if not isinstance(data, dict) or not isinstance(document, dict):
        return frozenset()
    return frozenset(
        name for name in harmless if name in data and name in document and data[name] == document[name]
    )


def _posted(stored: BodyRow | None, clear: frozenset[str], *, reveal: bool) -> Body:
    if stored is None:
        return gone()
    if reveal:
        return clear_body(stored.body, stored.content_type)
    return masked_body(stored.body, stored.content_type, under="data", clear=clear)


def _response(attempt: AttemptRow, values: frozenset[str] | None, *, reveal: bool) -> Body | None:
    if attempt.response_body is None:
        return None if attempt.status is None else gone(content_type_of(attempt.response_headers))
    content_type = content_type_of(attempt.response_headers)
    cut = attempt.response_cut
    if reveal:
        return clear_body(attempt.response_body, content_type, cut=cut)
    return masked_body(
        attempt.response_body,
        content_type,
        cut=cut,
        values=values or frozenset(),
        refusal=bool(attempt.error_kind),
    )


def values_known(conn: Conn, record_id: str) -> frozenset[str] | None:
    """Return the values of a record as `values_in` does."""
    return values_in(queries.body(conn, record_id), fixes.of_record(conn, record_id))


def values_in(stored: BodyRow | None, fixed: Sequence[FixRow]) -> frozenset[str] | None:
    """Return the values of a record and of its fixes, which its endpoint may have repeated; None once they are gone."""
    if stored is None:
        return None
    bodies = [stored.data, *(each.body for each in fixed if each.body is not None)]
    steps = [step.get("value") for each in fixed for step in each.mapping]
    return values_of([_parsed(body) for body in bodies] + steps)
