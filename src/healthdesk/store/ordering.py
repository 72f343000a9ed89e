"""Records of one order key go one after the other: a later one is held until those before it are out of its way.

Out of the way is what was delivered, and what was given up: a failed record whose problem was closed, and where the
environment goes on after failures every record that is not tried again by itself. Nothing here runs for environments
that do not order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, bindparam, select, text, update

from healthdesk.domain.states import Environment, HoldReason, RecordEventKind, RecordState
from healthdesk.store import ledger, record_events
from healthdesk.store.columns import to_micros
from healthdesk.store.rows import EnvWant
from healthdesk.store.schema import records
from healthdesk.store.schema_setup import environments
from healthdesk.store.scope import on_sqlite

WAIT, GO_ON = "wait", "go_on"
STEP = 200

_IN_THE_WAY = {
    WAIT: "NOT (e.state = 'failed' AND e.problem_id IS NULL)",
    GO_ON: "e.state <> 'failed' AND NOT (e.state = 'unknown' AND e.next_at IS NULL)",
}
_EARLIER = (
    "e.integration_id = r.integration_id AND e.environment = r.environment AND e.order_key = r.order_key"
    " AND e.order_key IS NOT NULL AND e.state <> 'delivered' AND e.id < r.id AND "
)
BLOCKED = {
    after: f"r.order_key IS NOT NULL AND EXISTS (SELECT 1 FROM records e WHERE {_EARLIER}{way})"  # noqa: S608 - our own text
    for after, way in _IN_THE_WAY.items()
}
"""By what follows a failure, the condition that a record `r` waits for another of its key."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The record of the same key that goes first."""

    id: str
    state: RecordState


def make_way(conn: Connection, want: EnvWant, now: datetime, deltas: ledger.Deltas) -> None:
    """Before a claim: let go what the records settled just now held up, and hold what is due too early."""
    if want.settled:
        _release_after(conn, want, now, deltas)
    _hold_blocked(conn, want, now, deltas)


def _hold_blocked(conn: Connection, want: EnvWant, now: datetime, deltas: ledger.Deltas) -> None:
    hint, lock = ("INDEXED BY ix_records_due", "") if on_sqlite(conn) else ("", "FOR UPDATE OF r SKIP LOCKED")
    found = conn.execute(
        text(
            f"SELECT r.id, r.state, (SELECT e.id FROM records e WHERE {_EARLIER}{_IN_THE_WAY[want.order]}"  # noqa: S608 - our own text; values are parameters
            f" ORDER BY e.id LIMIT 1) AS earlier FROM records r {hint}"
            " WHERE r.integration_id = :integration AND r.environment = :environment"
            " AND r.state IN ('queued', 'retrying') AND r.next_at <= :now"
            f" AND {BLOCKED[want.order]} ORDER BY r.next_at, r.id LIMIT {STEP} {lock}"
        ),
        {"integration": want.integration_id, "environment": want.environment.value, "now": to_micros(now)},
    ).all()
    if not found:
        return
    conn.execute(
        update(records)
        .where(records.c.id.in_([row.id for row in found]))
        .values(state=RecordState.HELD, hold_reason=HoldReason.ORDER, next_at=None)
    )
    waits = [
        (row.id, f"It waits for {row.earlier}, an earlier one of its key.", {"for": row.earlier})
        for row in found
    ]
    record_events.add_all(conn, RecordEventKind.ORDER, now, waits)
    for state, count in Counter(row.state for row in found).items():
        deltas.moved(want.integration_id, want.environment, RecordState(state), RecordState.HELD, count)


def _release_after(conn: Connection, want: EnvWant, now: datetime, deltas: ledger.Deltas) -> None:
    keys = conn.scalars(
        select(records.c.order_key)
        .where(records.c.id.in_(want.settled), records.c.order_key.is_not(None))
        .distinct()
    ).all()
    _release_heads(conn, want.integration_id, want.environment, want.order, keys, now, deltas)


def after_decided(
    conn: Connection,
    integration_id: str,
    environment: Environment,
    keys: Collection[str],
    now: datetime,
    deltas: ledger.Deltas,
) -> int:
    """Queue what waited for records of these keys whose outcome was decided without an attempt; return how many."""
    delivery = conn.execute(
        select(environments.c.delivery).where(
            environments.c.integration_id == integration_id, environments.c.environment == environment
        )
    ).scalar_one()
    if not delivery.get("order"):
        return 0
    order = delivery["order"].get("after_failed", WAIT)
    return _release_heads(conn, integration_id, environment, order, keys, now, deltas)


def _release_heads(
    conn: Connection,
    integration_id: str,
    environment: Environment,
    order: str,
    keys: Collection[str],
    now: datetime,
    deltas: ledger.Deltas,
) -> int:
    place = (integration_id, environment)
    heads = [head for key in sorted(keys) if (head := _head(conn, *place, order, key)) is not None]
    free = [row.id for row in heads if row.state == "held" and row.hold_reason == "order"]
    released = _release(conn, free, now)
    if released:
        deltas.moved(*place, RecordState.HELD, RecordState.QUEUED, released)
    return released


def _head(conn: Connection, integration_id: str, environment: Environment, order: str, key: str) -> Any:
    """Return the first record of a key that is not out of the way."""
    return conn.execute(
        text(
            "SELECT e.id, e.state, e.hold_reason FROM records e"  # noqa: S608 - as above
            " WHERE e.integration_id = :integration AND e.environment = :environment AND e.order_key = :key"
            " AND e.order_key IS NOT NULL AND e.state <> 'delivered'"
            f" AND {_IN_THE_WAY[order]} ORDER BY e.id LIMIT 1"
        ),
        {"integration": integration_id, "environment": environment.value, "key": key},
    ).one_or_none()


def _release(conn: Connection, ids: Sequence[str], now: datetime) -> int:
    """Queue records that wait for none any more; return how many still did."""
    if not ids:
        return 0
    released = conn.execute(
        update(records)
        .where(
            records.c.id.in_(ids),
            records.c.state == RecordState.HELD,
            records.c.hold_reason == HoldReason.ORDER,
        )
        .values(state=RecordState.QUEUED, hold_reason=None, next_at=now)
    )
    return released.rowcount


def free_heads(
    conn: Connection, integration_id: str, environment: Environment, order: str, *, after: str, limit: int
) -> tuple[list[str], str | None]:
    """Return which of the next `limit` records that wait for another wait for none any more, and where to go on.

    What an operator or another daemon took out of their way is found so.
    """
    window = conn.execute(
        text(
            f"SELECT r.id, {BLOCKED[order]} AS blocked FROM records r"  # noqa: S608 - as above
            " WHERE r.integration_id = :integration AND r.environment = :environment"
            " AND r.state = 'held' AND r.hold_reason = 'order' AND r.id > :after ORDER BY r.id LIMIT :limit"
        ),
        {"integration": integration_id, "environment": environment.value, "after": after, "limit": limit},
    ).all()
    free = [row.id for row in window if not row.blocked]
    return free, window[-1].id if len(window) == limit else None


def release(
    conn: Connection, integration_id: str, environment: Environment, ids: Sequence[str], now: datetime
) -> int:
    """Queue records that were found to wait for none any more; return how many.

    One that has to wait again by now is held by the next claim.
    """
    released = _release(conn, ids, now)
    if released:
        deltas = ledger.Deltas()
        deltas.moved(integration_id, environment, RecordState.HELD, RecordState.QUEUED, released)
        ledger.apply(conn, deltas)
    return released


def goes_first(conn: Connection, record_id: str, beside: Sequence[str] = ()) -> Earlier | None:
    """Return the record that has to go before this one, None where it waits for none or its environment does not order.

    Those in `beside` are no hindrance: they are sent as well.
    """
    row = conn.execute(
        select(records.c.order_key, environments.c.delivery)
        .join(
            environments,
            (environments.c.integration_id == records.c.integration_id)
            & (environments.c.environment == records.c.environment),
        )
        .where(records.c.id == record_id)
    ).one_or_none()
    if row is None or row.order_key is None or not row.delivery.get("order"):
        return None
    way = _IN_THE_WAY[row.delivery["order"].get("after_failed", WAIT)]
    first = conn.execute(
        text(
            f"SELECT e.id, e.state FROM records r, records e WHERE r.id = :id AND {_EARLIER}{way}"  # noqa: S608 - as above
            " AND e.id NOT IN :beside ORDER BY e.id LIMIT 1"
        ).bindparams(bindparam("beside", type_=Text, expanding=True)),
        {"id": record_id, "beside": list(beside)},
    ).first()
    return None if first is None else Earlier(first.id, RecordState(first.state))
