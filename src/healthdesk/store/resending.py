"""Resending: records are queued again in one transaction, as the operator confirmed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, or_, select, text, update

from healthdesk.domain.ids import id_time
from healthdesk.domain.states import Environment, HoldReason, RecordState, Trigger
from healthdesk.domain.transitions import RESEND_ALL_STATES, can_resend
from healthdesk.store import ledger
from healthdesk.store.counting import count
from healthdesk.store.log_plan import Ranges, ranges
from healthdesk.store.ordering import goes_first
from healthdesk.store.rows import PlanGroup, RecordQuery, ResendPlanRow, ResentRow
from healthdesk.store.rows_records import PlanPlace
from healthdesk.store.schema import attempts, record_bodies, records
from healthdesk.store.schema_desk import problems
from healthdesk.store.schema_setup import integrations, sources
from healthdesk.store.scope import scope_of

GROUPS = 20
"""A plan names this many kinds of failure, the most frequent first."""

COUNT_LIMIT = 1_000_000
DELIVERED = (RecordState.DELIVERED, RecordState.AWAITING_RECEIPT)
BODY_GONE = "its body was removed by retention"
DELIVERED_MEANWHILE = "it was delivered meanwhile"
BEING_ASKED = "its endpoint is asked whether it has it: it is sent again by itself where it has not"
_HAS_BODY = "EXISTS (SELECT 1 FROM record_bodies b WHERE b.record_id = records.id)"


def resend(
    conn: Connection, ids: Sequence[str], *, by: str, now: datetime, new_webhook_id: bool = False
) -> ResentRow:
    """Queue these records again, in one transaction; say why for each that is not."""
    row, _ = again(conn, ids, by=by, now=now, new_webhook_id=new_webhook_id)
    return row


def again(
    conn: Connection,
    ids: Sequence[str],
    *,
    by: str,
    now: datetime,
    trigger: Trigger = Trigger.RESEND,
    new_webhook_id: bool = False,
    delivered_too: bool = True,
) -> tuple[ResentRow, list[str]]:
    """Queue these records again, in one transaction; say why for each that is not, and which are.

    Unless `delivered_too`, one that was delivered meanwhile is left out, and so is one whose endpoint is asked for it.
    """
    found = {
        row.id: row
        for row in conn.execute(
            select(
                records.c.id,
                records.c.state,
                records.c.webhook_id,
                records.c.integration_id,
                records.c.environment,
                records.c.hold_reason,
                records.c.order_key,
                records.c.next_at,
                select(record_bodies.c.record_id)
                .where(record_bodies.c.record_id == records.c.id)
                .exists()
                .label("has_body"),
            )
            .where(records.c.id.in_(ids))
            .order_by(records.c.id)
            .with_for_update(of=records)
        )
    }
    deltas = ledger.Deltas()
    skipped: dict[str, str] = {}
    queued: list[dict[str, Any]] = []
    places: set[tuple[str, Environment]] = set()
    for record_id in dict.fromkeys(ids):
        row = found.get(record_id)
        why = _why_not(row)
        if row is not None and row.order_key is not None and trigger is Trigger.RESEND:
            why = _out_of_order(conn, row, ids, why)
        if row is not None and not delivered_too and row.state in DELIVERED:
            why = DELIVERED_MEANWHILE
        if row is not None and not delivered_too and row.state is RecordState.UNKNOWN and row.next_at:
            why = BEING_ASKED
        if row is None or why:
            skipped[record_id] = why
            continue
        webhook_id = scope_of(conn).new_id("rec") if new_webhook_id else row.webhook_id
        queued.append({"the_id": record_id, "webhook_id": webhook_id})
        places.add((row.integration_id, row.environment))
        deltas.moved(row.integration_id, row.environment, row.state, RecordState.QUEUED)
    if queued:
        conn.execute(
            update(records)
            .where(records.c.id == bindparam("the_id"))
            .values(
                state=RecordState.QUEUED,
                tries=0,
                next_at=now,
                hold_reason=None,
                next_trigger=trigger,
                triggered_by=by,
            ),
            queued,
        )
        ledger.apply(conn, deltas)
    return ResentRow(len(queued), skipped, tuple(sorted(places))), [row["the_id"] for row in queued]


def _out_of_order(conn: Connection, row: Any, ids: Sequence[str], why: str) -> str:
    """Return why a record of an environment that orders cannot be resent now: the one that goes first, else `why`.

    A job sends its records in the order they arrived, and what comes too early waits.
    """
    if why and row.hold_reason is not HoldReason.ORDER:
        return why
    earlier = goes_first(conn, row.id, ids)
    return (
        why if earlier is None else f"{earlier.id} of the same key goes first, and is {earlier.state.value}"
    )


def _why_not(row: Any) -> str:
    if row is None:
        return "there is no such record"
    return can_resend(row.state) or ("" if row.has_body else BODY_GONE)


def resendable(query: RecordQuery) -> RecordQuery:
    """Narrow a filter to the states that a resend of everything touches."""
    states = tuple(
        state
        for state in RecordState
        if state in RESEND_ALL_STATES and (not query.states or state in query.states)
    )
    return replace(query, states=states)


def resend_plan(conn: Connection, query: RecordQuery) -> ResendPlanRow:
    """Say what resending everything the filter matches will do."""
    wanted = resendable(query)
    counted: dict[tuple[Any, ...], list[Any]] = {}
    by_source: Counter[str] = Counter()
    places: Counter[tuple[str, Environment]] = Counter()
    oldest = newest = None
    if wanted.states:
        found = ranges(conn, wanted)
        for condition in found.conditions:
            for row in conn.execute(text(_grouping(condition)), found.params):
                group = counted.setdefault((row.last_status, row.error_kind, row.problem_id), [0, row.error])
                group[0] += row.n
                by_source[row.source_id] += row.n
                places[row.integration_id, Environment(row.environment)] += row.n
                oldest = min(oldest or row.oldest, row.oldest)
                newest = max(newest or row.newest, row.newest)
    problem_states = _problem_states(conn, [key[2] for key in counted if key[2]])
    largest = sorted(counted.items(), key=lambda item: -item[1][0])[:GROUPS]
    return ResendPlanRow(
        total=by_source.total(),
        skipped_delivered=_skipped(conn, query, DELIVERED),
        skipped_other=_skipped(
            conn, query, tuple(s for s in RecordState if s not in DELIVERED and s not in RESEND_ALL_STATES)
        ),
        oldest=id_time(oldest) if oldest else None,
        newest=id_time(newest) if newest else None,
        groups=[
            PlanGroup(
                status=status,
                error_kind=kind,
                error=error,
                count=number,
                problem_id=problem_id,
                problem_state=problem_states.get(problem_id, ""),
            )
            for (status, kind, problem_id), (number, error) in largest
        ],
        sources=_named(conn, by_source),
        places=_places(conn, places),
    )


def _grouping(condition: str) -> str:
    return (
        "SELECT last_status, error_kind, problem_id, source_id, integration_id, environment, min(error) AS error,"  # noqa: S608 - our own text; values are parameters
        f" count(*) AS n, min(id) AS oldest, max(id) AS newest FROM records WHERE {condition} AND {_HAS_BODY}"
        " GROUP BY last_status, error_kind, problem_id, source_id, integration_id, environment"
    )


def _named(conn: Connection, by_source: Mapping[str, int]) -> dict[str, int]:
    """Return the same numbers by the sources' keys, the largest first."""
    found = conn.execute(select(sources.c.id, sources.c.key).where(sources.c.id.in_(by_source)))
    keys = {row.id: row.key for row in found}
    return {keys[each]: number for each, number in sorted(by_source.items(), key=lambda item: -item[1])}


def _places(conn: Connection, counted: Mapping[tuple[str, Environment], int]) -> list[PlanPlace]:
    found = conn.execute(
        select(integrations.c.id, integrations.c.name).where(
            integrations.c.id.in_({key[0] for key in counted})
        )
    )
    names = {row.id: row.name for row in found}
    return [
        PlanPlace(integration_id, names.get(integration_id, ""), environment, number)
        for (integration_id, environment), number in sorted(counted.items())
    ]


def _problem_states(conn: Connection, problem_ids: list[str]) -> dict[str | None, str]:
    if not problem_ids:
        return {}
    found = conn.execute(select(problems.c.id, problems.c.state).where(problems.c.id.in_(problem_ids)))
    return {row.id: row.state.value for row in found}


def _skipped(conn: Connection, query: RecordQuery, states: tuple[RecordState, ...]) -> int:
    chosen = tuple(state for state in states if not query.states or state in query.states)
    wanted = replace(query, states=chosen)
    return count(conn, wanted, COUNT_LIMIT, most=COUNT_LIMIT).total if chosen else 0


def next_ids(conn: Connection, query: RecordQuery, last: str, *, after: str, limit: int) -> list[str]:
    """Return the ids of the next records that a resend of everything touches, in order, up to `last`."""
    if not query.states:
        return []
    found = ranges(conn, query)
    params = {**found.params, "after_id": after, "last_id": last, "most": limit}
    ids = {
        each
        for statement in next_statements(found)
        for each in conn.execute(text(statement), params).scalars()
    }
    return sorted(ids)[:limit]


def tried_since(conn: Connection, ids: Sequence[str], since: datetime) -> set[str]:
    """Return those of these records whose last attempt began or ended after a time, also where it had begun before."""
    found = conn.execute(
        select(records.c.id)
        .outerjoin(
            attempts, and_(attempts.c.record_id == records.c.id, attempts.c.id == records.c.attempt_id)
        )
        .where(records.c.id.in_(ids), or_(records.c.last_attempt_at > since, attempts.c.finished_at > since))
    )
    return set(found.scalars())


def next_statements(found: Ranges) -> list[str]:
    """Return the SQL of `next_ids`, one statement for each range; a test reads their plans."""
    return [
        f"SELECT id FROM records WHERE {condition} AND id > :after_id AND id <= :last_id ORDER BY id LIMIT :most"  # noqa: S608 - our own text; values are parameters
        for condition in found.conditions
    ]
