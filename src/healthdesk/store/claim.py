"""Claiming due records: the intent of every attempt is committed before its request leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from healthdesk.domain.states import RecordState, Trigger
from healthdesk.store.bulk import Row, with_arrays, with_values
from healthdesk.store.columns import load_rows, to_micros
from healthdesk.store.ledger import Deltas
from healthdesk.store.ordering import BLOCKED, make_way
from healthdesk.store.rows import ClaimedRecord, EnvWant
from healthdesk.store.scope import driver, on_sqlite, scope_of

SMALL_BYTES = 65_536
"""Data up to this size comes with the claim itself, in one piece for all; larger ones are read one by one."""

# One row of JSON rather than one a record: each row fetched would be a step (see `bulk`).
DUE_SQLITE = f"""
    SELECT json_group_array(json_array(id, webhook_id, state, attempts, tries, next_trigger, triggered_by,
                                       content_type, sample, fix_id, size, data))
    FROM (
        SELECT r.id, r.webhook_id, r.state, r.attempts, r.tries, r.next_trigger, r.triggered_by, b.content_type,
               r.sample, r.fix_id, b.data_end - b.data_start AS size,
               CASE WHEN b.data_end - b.data_start <= {SMALL_BYTES}
                   THEN hex(substr(b.body, b.data_start + 1, b.data_end - b.data_start)) END AS data
        FROM records r INDEXED BY ix_records_due
        JOIN record_bodies b ON b.record_id = r.id
        WHERE r.integration_id = ? AND r.environment = ? AND r.state IN ('queued', 'retrying') AND r.next_at <= ?
        ORDER BY r.next_at, r.id LIMIT ?
    )
"""  # noqa: S608 - our own number
DUE_POSTGRES = f"""
    SELECT r.id, r.webhook_id, r.state, r.attempts, r.tries, r.next_trigger, r.triggered_by, b.content_type,
           r.sample, r.fix_id, b.data_end - b.data_start AS size,
           CASE WHEN b.data_end - b.data_start <= {SMALL_BYTES}
               THEN substring(b.body FROM b.data_start + 1 FOR b.data_end - b.data_start) END AS data
    FROM records r
    JOIN record_bodies b ON b.record_id = r.id
    WHERE r.integration_id = $1 AND r.environment = $2 AND r.state IN ('queued', 'retrying') AND r.next_at <= $3
    ORDER BY r.next_at, r.id LIMIT $4
    FOR UPDATE OF r SKIP LOCKED
"""  # noqa: S608 - as above
_DUE = "AND r.next_at <= "
ORDERED_SQLITE = {
    order: DUE_SQLITE.replace(_DUE, f"AND NOT ({blocked}) {_DUE}") for order, blocked in BLOCKED.items()
}
ORDERED_POSTGRES = {
    order: DUE_POSTGRES.replace(_DUE, f"AND NOT ({blocked}) {_DUE}") for order, blocked in BLOCKED.items()
}
"""For environments that order: of each key the first alone."""

LARGE_SQLITE = (
    "SELECT substr(body, data_start + 1, data_end - data_start) FROM record_bodies WHERE record_id = ?"
)
LARGE_POSTGRES = """
    SELECT substring(body FROM data_start + 1 FOR data_end - data_start) FROM record_bodies WHERE record_id = $1
"""
_TRIGGERS = {trigger.value: trigger for trigger in Trigger}

_ATTEMPT_COLUMNS = (
    "record_id, id, number, trigger, triggered_by, outcome, daemon_id, webhook_id, started_at, fix_id"
)
INSERT_ATTEMPTS_SQLITE = f"INSERT INTO attempts ({_ATTEMPT_COLUMNS}) VALUES {{values}}"  # noqa: S608 - our own columns
INSERT_ATTEMPTS_POSTGRES = f"""
    INSERT INTO attempts ({_ATTEMPT_COLUMNS})
    SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[],
                         $8::text[], $9::bigint[], $10::text[])
"""  # noqa: S608 - as above
_TAKE = """
    UPDATE records SET state = 'sending', attempt_id = v.attempt_id, next_at = NULL, hold_reason = NULL,
        attempts = records.attempts + 1, tries = records.tries + 1,
        first_attempt_at = coalesce(records.first_attempt_at, v.now), last_attempt_at = v.now
    FROM v WHERE records.id = v.id
"""
TAKE_SQLITE = "WITH v(id, attempt_id, now) AS (VALUES {values}) " + _TAKE
TAKE_POSTGRES = f"""
    WITH v AS (SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) AS t(id, attempt_id, now)) {_TAKE}
"""  # noqa: S608 - as above


def claim(conn: Connection, wants: Sequence[EnvWant], now: datetime, deltas: Deltas) -> list[ClaimedRecord]:
    """Take what is due, oldest due first; on PostgreSQL what another daemon is taking is passed over."""
    claimed: list[ClaimedRecord] = []
    new_id = scope_of(conn).new_id
    for want in sorted(wants, key=lambda want: (want.integration_id, want.environment)):
        if want.free > 0:
            if want.order:
                make_way(conn, want, now, deltas)
            due = _fitting(conn, want, _due(conn, want, now))
            claimed += [_claimed(row, want, new_id("att")) for row in due]
            for state, count in Counter(row[2] for row in due).items():
                old = RecordState(state)
                deltas.moved(want.integration_id, want.environment, old, RecordState.SENDING, count)
    if claimed:
        _take(conn, claimed, now)
    return claimed


def _due(conn: Connection, want: EnvWant, now: datetime) -> Sequence[Any]:
    values = (want.integration_id, want.environment.value, to_micros(now), want.free)
    if on_sqlite(conn):
        statement = ORDERED_SQLITE[want.order] if want.order else DUE_SQLITE
        found: Sequence[Any] = load_rows(driver(conn).execute(statement, values).fetchone()[0])
        return found
    statement = ORDERED_POSTGRES[want.order] if want.order else DUE_POSTGRES
    return conn.exec_driver_sql(statement, values).all()


def _fitting(conn: Connection, want: EnvWant, due: Sequence[Any]) -> list[Any]:
    """Return what of the due rows may be held in memory, oldest first, with the bodies of the large ones."""
    room = want.room_bytes
    fitting: list[Any] = []
    for row in due:
        *facts, size, data = row
        if data is None:
            if size > room and (fitting or not want.at_least_one):
                break
            room -= size
            data = _large(conn, row[0])
        fitting.append((*facts, data))
    return fitting


def _large(conn: Connection, record_id: str) -> bytes:
    if on_sqlite(conn):
        return bytes(driver(conn).execute(LARGE_SQLITE, (record_id,)).fetchone()[0])
    return bytes(conn.exec_driver_sql(LARGE_POSTGRES, (record_id,)).scalar_one())


def _claimed(row: Any, want: EnvWant, attempt_id: str) -> ClaimedRecord:
    record_id, webhook_id, _, attempts, tries, trigger, triggered_by, content_type, sample, fix_id, data = row
    return ClaimedRecord(
        id=record_id,
        webhook_id=webhook_id,
        integration_id=want.integration_id,
        environment=want.environment,
        attempt_id=attempt_id,
        number=attempts + 1,
        tries=tries + 1,
        trigger=_TRIGGERS[trigger],
        triggered_by=triggered_by,
        data=bytes.fromhex(data) if isinstance(data, str) else bytes(data),
        content_type=content_type,
        sample=bool(sample),
        fix_id=fix_id,
    )


def _take(conn: Connection, claimed: Sequence[ClaimedRecord], now: datetime) -> None:
    at, daemon_id = to_micros(now), scope_of(conn).daemon_id
    attempts: list[Row] = [
        (
            record.id,
            record.attempt_id,
            record.number,
            record.trigger._value_,
            record.triggered_by,
            "sending",
            daemon_id,
            record.webhook_id,
            at,
            record.fix_id,
        )
        for record in claimed
    ]
    taken: list[Row] = [(record.id, record.attempt_id, at) for record in claimed]
    if on_sqlite(conn):
        with_values(conn, INSERT_ATTEMPTS_SQLITE, attempts)
        with_values(conn, TAKE_SQLITE, taken)
    else:
        with_arrays(conn, INSERT_ATTEMPTS_POSTGRES, attempts)
        with_arrays(conn, TAKE_POSTGRES, taken)
