"""Records: the log, one record and its attempts, reveal, add, and the ledger."""

from __future__ import annotations

import re

from healthdesk.api import EXACT_TOTAL_LIMIT
from healthdesk.api.common import Count, Page
from healthdesk.api.ledger import Ledger, LedgerLine, LedgerQuery, LedgerRow
from healthdesk.api.records import (
    Accepted,
    Attempt,
    AttemptDetail,
    Direction,
    OperatorRecordCreate,
    Order,
    Record,
    RecordDetail,
    RecordFilter,
    RecordPage,
)
from healthdesk.domain.activity import Verb
from healthdesk.domain.rawjson import split_record
from healthdesk.errors import Malformed, NotFound
from healthdesk.operations.accepting import KnownSource, check_source, known_source, new_record
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.lookup_fields import lookup_hashes
from healthdesk.operations.paging import cursor, known_problem
from healthdesk.operations.posted import data_of, posted_body
from healthdesk.operations.record_views import attempt_detail, attempt_rows, record_detail, values_known
from healthdesk.store import integrations as integration_queries
from healthdesk.store import ledger as ledger_queries
from healthdesk.store import records as queries
from healthdesk.store import sources as source_queries
from healthdesk.store.log_plan import order_of
from healthdesk.store.log_query import job_exists
from healthdesk.store.period_ledger import of_period
from healthdesk.store.rows import RecordQuery

_MICROSECONDS = re.compile(r"-?[0-9]{1,18}", re.ASCII)
SHOWN_ATTEMPTS = 100
MOST_ATTEMPTS = 10_000


def query_of(chosen: RecordFilter, lookups: tuple[tuple[bytes, ...], ...] = ()) -> RecordQuery:
    """Return a filter in the store's words; `lookups` are the hashes of its lookup values, as `known_query` finds them."""
    return RecordQuery(
        integration_id=chosen.integration_id,
        environment=chosen.environment,
        source=chosen.source,
        states=tuple(dict.fromkeys(chosen.states)),
        problem_id=chosen.problem_id,
        job_id=chosen.job_id,
        levels=tuple(dict.fromkeys(chosen.levels)),
        statuses=tuple(dict.fromkeys(chosen.statuses)),
        error_kinds=tuple(dict.fromkeys(kind.value for kind in chosen.error_kinds)),
        hold_reasons=tuple(dict.fromkeys(chosen.hold_reasons)),
        sample=chosen.sample,
        text=chosen.text,
        lookups=lookups,
        **{name: getattr(chosen, name) for name in DATES},
    )


DATES = tuple(
    f"{date}_{end}"
    for date in ("arrived", "completed", "first_attempt", "last_attempt")
    for end in ("from", "to")
)


async def known_query(desk: Desk, chosen: RecordFilter) -> RecordQuery:
    """Return a filter in the store's words. Malformed for a source, problem, job or lookup field that is not there: no
    rows would be no answer.
    """
    if chosen.source is not None and await _source(desk, chosen.source) is None:
        raise Malformed(
            f"there is no source {chosen.source}", field="source", fix="`healthdesk sources list` names them"
        )
    for name in DATES:
        _zoned(chosen, name)
    await known_problem(desk, chosen.problem_id)
    if chosen.job_id is not None and not await desk.read(job_exists, chosen.job_id):
        raise Malformed(
            f"there is no job {chosen.job_id}", field="job_id", fix="`healthdesk jobs list` names them"
        )
    return query_of(chosen, await lookup_hashes(desk, chosen))


async def list_all(
    desk: Desk,
    chosen: RecordFilter,
    after: str | None,
    limit: int,
    direction: Direction,
    order: Order | None = None,
) -> RecordPage:
    """Return a page of the log, in this order or that of the filter's dates."""
    desk.require("records.list")
    query = await known_query(desk, chosen)
    order = order or order_of(query)
    rows = await desk.read(
        queries.page,
        query,
        after=_log_cursor(order, after),
        limit=limit,
        newest_first=direction == "newest",
        order=order,
    )
    return RecordPage(
        items=[Record.model_validate(row, from_attributes=True) for row in rows.items],
        next=rows.next,
        order=rows.order,
        searched_to=rows.searched_to,
    )


def _log_cursor(order: Order, after: str | None) -> str | None:
    """Return a cursor of the log in this order: an id, after its date in microseconds where it is sorted by one."""
    if after is None or order == "arrived":
        return cursor("rec", after)
    at, point, record_id = after.partition(".")
    if not point or not _MICROSECONDS.fullmatch(at):
        raise Malformed(
            f"{after} is no place in a list by {order.replace('_', ' ')}",
            field="after",
            fix="give `next` of its last page",
        )
    cursor("rec", record_id)
    return after


async def count(desk: Desk, chosen: RecordFilter, *, exact: bool) -> Count:
    """Return how many records match, exact to a limit unless asked for."""
    desk.require("records.count")
    query = await known_query(desk, chosen)
    row = await desk.read(queries.count, query, None if exact else EXACT_TOTAL_LIMIT)
    return Count.model_validate(row, from_attributes=True)


async def show(desk: Desk, record_id: str) -> RecordDetail:
    """Return a record with everything its window shows, values masked."""
    desk.require("records.show")
    return await desk.ctx.store.read(
        lambda conn: record_detail(conn, record_id, SHOWN_ATTEMPTS, desk.engine.targets.get)
    )


async def reveal(desk: Desk, record_id: str) -> RecordDetail:
    """Return a record with its values in clear; who looked is in the activity log before they see it."""
    desk.require("records.reveal")

    def change(conn: Conn) -> RecordDetail:
        detail = record_detail(conn, record_id, SHOWN_ATTEMPTS, desk.engine.targets.get, reveal=True)
        desk.note(conn, Verb.REVEALED, "record", record_id)
        return detail

    return await desk.write(change)


async def attempts(desk: Desk, record_id: str, after: str | None, limit: int) -> Page[Attempt]:
    """Return a record's attempts, oldest first."""
    desk.require("records.attempts")
    after = cursor("att", after)
    await desk.read(queries.get, record_id)
    rows = await desk.read(queries.attempts, record_id, MOST_ATTEMPTS)
    rows = [row for row in rows if after is None or row.id > after]
    page = rows[:limit]
    values = await desk.read(values_known, record_id)
    return Page[Attempt](items=attempt_rows(page, values), next=page[-1].id if len(rows) > limit else None)


async def attempt(desk: Desk, record_id: str, attempt_id: str) -> AttemptDetail:
    """Return one attempt with its bodies, values masked."""
    desk.require("records.attempts")
    return await desk.ctx.store.read(
        lambda conn: attempt_detail(conn, record_id, attempt_id, desk.engine.targets.get)
    )


async def reveal_attempt(desk: Desk, record_id: str, attempt_id: str) -> AttemptDetail:
    """Return one attempt with its values in clear; who looked is in the activity log before they see it."""
    desk.require("records.reveal")

    def change(conn: Conn) -> AttemptDetail:
        detail = attempt_detail(conn, record_id, attempt_id, desk.engine.targets.get, reveal=True)
        desk.note(conn, Verb.REVEALED, "record", record_id, "", {"attempt": attempt_id})
        return detail

    return await desk.write(change)


async def add(desk: Desk, new: OperatorRecordCreate, raw: bytes) -> Accepted:
    """Add a record as an upstream system would have posted it; `data` is taken byte for byte out of `raw`."""
    desk.require("records.add")
    if new.completed_at.tzinfo is None:
        raise Malformed(
            "completed_at has no zone", field="completed_at", fix="write it as 2025-11-22T14:02:00Z"
        )
    if new.idempotency_key is not None and not (
        new.idempotency_key.isascii() and new.idempotency_key.isprintable()
    ):
        raise Malformed("the key is not printable ASCII", field="idempotency_key")
    body = posted_body(new, data_of(raw))
    parsed = split_record(body)
    integration = await desk.read(integration_queries.get, new.integration_id)
    if new.environment not in {each.environment for each in integration.environments}:
        raise Malformed(f"{integration.name} has no environment {new.environment.value}", field="environment")
    source = await _source(desk, parsed.source)
    source = check_source(source, parsed, integration.id)
    now = desk.now()
    accepted = await desk.ctx.store.accept(
        new_record(
            desk.ctx.ids.new("rec", now),
            now,
            parsed,
            body,
            integration_id=integration.id,
            environment=new.environment,
            source_id=source.id,
            hold=desk.engine.hold_state(integration.id, new.environment),
            idempotency_key=new.idempotency_key,
            order_key=desk.engine.order_key(integration.id, new.environment, parsed.data),
            lookups=source.lookups(parsed.data),
        )
    )
    if not accepted.duplicate:
        detail = {"integration": integration.name, "environment": new.environment.value, "source": source.key}
        await desk.write(
            lambda conn: desk.note(conn, Verb.ADDED, "record", accepted.id, "", detail),
            ("record", accepted.id),
        )
        desk.ctx.metrics.records_accepted.inc()
        desk.engine.wake(integration.id, new.environment)
    return Accepted(id=accepted.id, duplicate=accepted.duplicate)


async def _source(desk: Desk, key: str) -> KnownSource | None:
    try:
        row = await desk.read(source_queries.get, key)
    except NotFound:
        return None
    return await known_source(desk.ctx, row) if row.key == key else None


async def ledger(desk: Desk, chosen: LedgerQuery) -> Ledger:
    """Return the totals of every environment, or of the records that arrived in a period, and whether they balance."""
    desk.require("ledger.show")
    for name in ("arrived_from", "arrived_to"):
        _zoned(chosen, name)
    if chosen.arrived_from is None and chosen.arrived_to is None:
        found = await desk.read(ledger_queries.totals)
        rows = [
            LedgerRow.model_validate(row, from_attributes=True)
            for row in found
            if chosen.integration_id in {None, row.integration_id}
            and chosen.environment in {None, row.environment}
        ]
        return Ledger(rows=rows, balanced=all(row.balanced for row in rows))
    period = await desk.read(of_period, RecordQuery(**chosen.model_dump()))
    rows = [
        LedgerRow.model_validate(row, from_attributes=True).model_copy(
            update={"samples": period.samples.get((row.integration_id, row.environment), 0)}
        )
        for row in period.rows
    ]
    return Ledger(
        rows=rows,
        balanced=all(row.balanced for row in rows),
        arrived_from=chosen.arrived_from,
        arrived_to=chosen.arrived_to,
        lines=[LedgerLine.model_validate(line, from_attributes=True) for line in period.lines],
    )


def _zoned(chosen: RecordFilter | LedgerQuery, name: str) -> None:
    at = getattr(chosen, name)
    if at is not None and at.tzinfo is None:
        raise Malformed(f"{name} has no zone", field=name, fix="write it as 2025-11-22T14:02:00Z")
