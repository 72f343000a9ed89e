"""One record and one attempt as their windows show them. Run inside a transaction of the store."""

from __future__ import annotations

import json
from collections.abc import Sequence

from healthdesk.api.flow import RecordEvent
from healthdesk.api.records import Attempt, AttemptDetail, Body, Record, RecordDetail
from healthdesk.domain.masking import mask_headers, values_of
from healthdesk.domain.scrubbing import Scrubber
from healthdesk.errors import NotFound
from healthdesk.operations.bodies import clear_body, content_type_of, gone, masked_body
from healthdesk.operations.desk import Conn
from healthdesk.operations.explain import explain_record
from healthdesk.operations.explain_holds import explain_held
from healthdesk.store import problems, record_events, sources
from healthdesk.store import records as queries
from healthdesk.store.rows import AttemptRow, BodyRow, RecordRow


def record_detail(conn: Conn, record_id: str, most_attempts: int, *, reveal: bool = False) -> RecordDetail:
    """Return a record with its attempts, bodies and explanation; values masked unless `reveal`."""
    row = queries.get(conn, record_id)
    attempts = queries.attempts(conn, record_id, most_attempts)
    stored = queries.body(conn, record_id)
    last = attempts[-1] if attempts else None
    if last is not None:
        last = queries.attempt(conn, record_id, last.id)
    similar, since = 0, None
    if row.problem_id:
        try:
            problem = problems.get(conn, row.problem_id)
            similar, since = problem.count, problem.since
        except NotFound:
            # Retention removed a problem that was resolved long ago.
            similar = 0
    clear = _declared_harmless(conn, row)
    return RecordDetail(
        **Record.model_validate(row, from_attributes=True).model_dump(),
        explanation=explain_held(conn, row) or explain_record(row, last),
        similar=similar,
        similar_since=since,
        idempotency_key=row.idempotency_key,
        attempts=attempt_rows(attempts, stored, reveal=reveal),
        events=[
            RecordEvent.model_validate(each, from_attributes=True)
            for each in record_events.of(conn, record_id)
        ],
        request_body=_request(stored, clear, reveal=reveal),
        response_body=_response(last, stored, reveal=reveal) if last else None,
        posted_body=_posted(stored, clear, reveal=reveal),
    )


def attempt_detail(conn: Conn, record_id: str, attempt_id: str, *, reveal: bool = False) -> AttemptDetail:
    """Return an attempt with what was sent and what came back; values masked unless `reveal`."""
    row = queries.get(conn, record_id)
    attempt = queries.attempt(conn, record_id, attempt_id)
    stored = queries.body(conn, record_id)
    [shown] = attempt_rows([attempt], stored, reveal=reveal)
    return AttemptDetail(
        **shown.model_dump(),
        request_body=_request(stored, _declared_harmless(conn, row), reveal=reveal),
        response_body=_response(attempt, stored, reveal=reveal),
    )


def attempt_rows(
    rows: Sequence[AttemptRow], stored: BodyRow | None, *, reveal: bool = False
) -> list[Attempt]:
    """Return attempts of one record; what headers of an answer repeat of it is masked unless `reveal`."""
    shown = [Attempt.model_validate(row, from_attributes=True) for row in rows]
    if not reveal:
        scrubber = Scrubber(_values(stored)) if stored is not None else None
        for attempt in shown:
            attempt.response_headers = mask_headers(attempt.response_headers, scrubber)
    return shown


def evidence(conn: Conn, row: AttemptRow | None) -> Attempt | None:
    """Return an attempt as it is shown away from its record, values masked."""
    if row is None:
        return None
    [shown] = attempt_rows([row], queries.body(conn, row.record_id))
    return shown


def _declared_harmless(conn: Conn, row: RecordRow) -> frozenset[str]:
    """Return the fields that the source declares not sensitive."""
    try:
        fields = sources.get(conn, row.source).fields
    except NotFound:
        return frozenset()
    return frozenset(field["name"] for field in fields if field.get("sensitive", True) is False)


def _request(stored: BodyRow | None, clear: frozenset[str], *, reveal: bool) -> Body:
    if stored is None:
        return gone()
    if reveal:
        return clear_body(stored.data, stored.content_type)
    return masked_body(stored.data, stored.content_type, clear=clear)


def _posted(stored: BodyRow | None, clear: frozenset[str], *, reveal: bool) -> Body:
    if stored is None:
        return gone()
    if reveal:
        return clear_body(stored.body, stored.content_type)
    return masked_body(stored.body, stored.content_type, under="data", clear=clear)


def _response(attempt: AttemptRow, stored: BodyRow | None, *, reveal: bool) -> Body | None:
    if attempt.response_body is None:
        return None if attempt.status is None else gone(content_type_of(attempt.response_headers))
    content_type = content_type_of(attempt.response_headers)
    cut = attempt.response_cut
    if reveal:
        return clear_body(attempt.response_body, content_type, cut=cut)
    return masked_body(attempt.response_body, content_type, cut=cut, values=_values(stored))


def _values(stored: BodyRow | None) -> frozenset[str]:
    """Return the values of a record, which its endpoint may have repeated."""
    if stored is None:
        return frozenset()
    try:
        return values_of(json.loads(stored.data))
    except (ValueError, RecursionError):
        return frozenset()
