"""Results of attempts and the next claims, in one transaction: the pipeline's only write."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from healthdesk.domain.exchange import Exchange
from healthdesk.domain.states import AttemptOutcome, RecordState
from healthdesk.store import ledger
from healthdesk.store.bulk import Row, with_arrays, with_values
from healthdesk.store.claim import claim
from healthdesk.store.columns import dump_texts, load_rows, to_micros
from healthdesk.store.folding import Folding
from healthdesk.store.rows import EnvWant, Settlement, SettleResult
from healthdesk.store.schema import attempts
from healthdesk.store.scope import driver, on_sqlite

CURRENT_SQLITE = """
    SELECT json_group_array(json_array(id, attempt_id, problem_id))
    FROM records WHERE id IN (SELECT value FROM json_each(?)) AND state = 'sending'
"""
CURRENT_POSTGRES = """
    SELECT id, attempt_id, problem_id FROM records
    WHERE id = ANY($1::text[]) AND state = 'sending' ORDER BY id FOR UPDATE
"""

_ATTEMPT = (
    ("record_id", "text"),
    ("id", "text"),
    ("outcome", "text"),
    ("finished_at", "bigint"),
    ("duration_ms", "float8"),
    ("status", "integer"),
    ("error_kind", "text"),
    ("blame", "text"),
    ("error", "text"),
    ("next_action", "text"),
    ("retry_after_s", "float8"),
    ("connect_ms", "float8"),
    ("tls_ms", "float8"),
    ("first_byte_ms", "float8"),
    ("batch_id", "text"),
)
_RECORD = (
    ("id", "text"),
    ("state", "text"),
    ("hold_reason", "text"),
    ("tries", "integer"),
    ("next_at", "bigint"),
    ("last_status", "integer"),
    ("last_duration_ms", "float8"),
    ("error_kind", "text"),
    ("error", "text"),
    ("problem_id", "text"),
)
_EXCHANGE = (
    ("attempt_id", "text"),
    ("method", "text"),
    ("url", "text"),
    ("request_headers", "text"),
    ("response_headers", "text"),
    ("response_cut", "boolean"),
    ("response_body", "bytea"),
    ("request_body", "bytea"),
)
_GIVEN_BACK = (("id", "text"), ("state", "text"), ("tries", "integer"), ("next_at", "bigint"))

_SETTLE_ATTEMPT = """
    UPDATE attempts SET outcome = v.outcome, finished_at = v.finished_at, duration_ms = v.duration_ms,
        status = v.status, error_kind = v.error_kind, blame = v.blame, error = v.error,
        next_action = v.next_action, retry_after_s = v.retry_after_s, connect_ms = v.connect_ms,
        tls_ms = v.tls_ms, first_byte_ms = v.first_byte_ms, batch_id = v.batch_id
    FROM v WHERE attempts.record_id = v.record_id AND attempts.id = v.id
"""
_SETTLE_RECORD = """
    UPDATE records SET state = v.state, hold_reason = v.hold_reason, tries = v.tries, next_at = v.next_at,
        next_trigger = 'retry', triggered_by = '', last_status = v.last_status,
        last_duration_ms = v.last_duration_ms, error_kind = v.error_kind, error = v.error,
        problem_id = v.problem_id
    FROM v WHERE records.id = v.id
"""
_GIVE_BACK = """
    UPDATE records SET state = v.state, tries = v.tries, next_at = v.next_at FROM v WHERE records.id = v.id
"""

Columns = Sequence[tuple[str, str]]


def _sqlite_v(columns: Columns) -> str:
    return f"WITH v({', '.join(name for name, _ in columns)}) AS (VALUES {{values}}) "


def _postgres_v(columns: Columns) -> str:
    arrays = ", ".join(f"${n}::{kind}[]" for n, (_, kind) in enumerate(columns, 1))
    names = ", ".join(name for name, _ in columns)
    return f"WITH v AS (SELECT * FROM unnest({arrays}) AS t({names})) "  # noqa: S608 - our own columns


_EXCHANGE_NAMES = ", ".join(name for name, _ in _EXCHANGE)
SQLITE = {
    "attempt": _sqlite_v(_ATTEMPT) + _SETTLE_ATTEMPT,
    "record": _sqlite_v(_RECORD) + _SETTLE_RECORD,
    "given_back": _sqlite_v(_GIVEN_BACK) + _GIVE_BACK,
    "exchange": f"INSERT INTO attempt_exchanges ({_EXCHANGE_NAMES}) VALUES {{values}}",  # noqa: S608 - as above
}
POSTGRES = {
    "attempt": _postgres_v(_ATTEMPT) + _SETTLE_ATTEMPT,
    "record": _postgres_v(_RECORD) + _SETTLE_RECORD,
    "given_back": _postgres_v(_GIVEN_BACK) + _GIVE_BACK,
    "exchange": _postgres_v(_EXCHANGE) + f"INSERT INTO attempt_exchanges ({_EXCHANGE_NAMES}) SELECT * FROM v",  # noqa: S608 - as above
}


@dataclass(frozen=True, slots=True)
class Current:
    """A record as it is before its attempt is settled."""

    attempt_id: str
    problem_id: str | None


def settle_and_claim(
    conn: Connection, settlements: Sequence[Settlement], wants: Sequence[EnvWant], now: datetime
) -> SettleResult:
    """Store results, fold failures into problems, queue alerts, count, and claim what may be sent next.

    A result counts only while its record is still in that attempt: after a lease ran out another daemon may
    have taken it, and then the attempt already says interrupted. What came back is kept with it all the same.
    """
    deltas = ledger.Deltas()
    folding = Folding(conn, now)
    late: list[Settlement] = []
    if settlements:
        current = _current(conn, [settlement.record_id for settlement in settlements])
        valid = []
        for settlement in settlements:
            record = current.pop(settlement.record_id, None)
            if record is None or record.attempt_id != settlement.attempt_id:
                late.append(settlement)
            else:
                valid.append((settlement, record))
        _settle(conn, valid, folding, deltas)
        _keep(conn, late)
    claimed = claim(conn, wants, now, deltas)
    changes = folding.finish()
    ledger.apply(conn, deltas)
    return SettleResult(
        claimed=claimed,
        late=[settlement.attempt_id for settlement in late],
        problems_changed=changes.problems_changed,
        alerts_queued=changes.alerts_queued,
    )


def _keep(conn: Connection, late: Sequence[Settlement]) -> None:
    """Keep what came back in attempts that were taken up as interrupted meanwhile, once each."""
    for settlement in late:
        exchange = settlement.exchange
        if exchange is None:
            continue
        found = conn.execute(
            update(attempts)
            .where(
                attempts.c.record_id == settlement.record_id,
                attempts.c.id == settlement.attempt_id,
                attempts.c.outcome == AttemptOutcome.INTERRUPTED,
                attempts.c.duration_ms.is_(None),
            )
            .values(
                status=exchange.status,
                duration_ms=exchange.duration_ms,
                connect_ms=exchange.connect_ms,
                tls_ms=exchange.tls_ms,
                first_byte_ms=exchange.first_byte_ms,
            )
        )
        if found.rowcount:
            _write(conn, "exchange", [_exchange_row(settlement.attempt_id, exchange)])


def _current(conn: Connection, record_ids: list[str]) -> dict[str, Current]:
    rows: Sequence[Any]
    if on_sqlite(conn):
        rows = load_rows(driver(conn).execute(CURRENT_SQLITE, (json.dumps(record_ids),)).fetchone()[0])
    else:
        rows = conn.exec_driver_sql(CURRENT_POSTGRES, (record_ids,)).all()
    return {row[0]: Current(row[1], row[2]) for row in rows}


def _settle(
    conn: Connection,
    valid: Sequence[tuple[Settlement, Current]],
    folding: Folding,
    deltas: ledger.Deltas,
) -> None:
    for settlement, record in valid:
        if settlement.outcome is not AttemptOutcome.INTERRUPTED:
            folding.note(settlement, record.problem_id)
    problem_ids = folding.fold()
    rows: dict[str, list[Row]] = {"attempt": [], "record": [], "given_back": [], "exchange": []}
    for settlement, record in valid:
        rows["attempt"].append(_attempt_row(settlement))
        if settlement.exchange is not None:
            rows["exchange"].append(_exchange_row(settlement.attempt_id, settlement.exchange))
        next_at = to_micros(settlement.next_at)
        if settlement.outcome is AttemptOutcome.INTERRUPTED:
            rows["given_back"].append(
                (settlement.record_id, settlement.state._value_, settlement.tries, next_at)
            )
        else:
            problem_id = problem_ids.get(settlement.record_id, record.problem_id)
            rows["record"].append(_record_row(settlement, next_at, problem_id))
    moves = Counter((each.integration_id, each.environment, each.state) for each, _ in valid)
    for (integration_id, environment, state), count in moves.items():
        deltas.moved(integration_id, environment, RecordState.SENDING, state, count)
    for kind, values in rows.items():
        if values:
            _write(conn, kind, values)


def _write(conn: Connection, kind: str, rows: Sequence[Row]) -> None:
    """Run one of the statements above for these rows."""
    if on_sqlite(conn):
        with_values(conn, SQLITE[kind], rows)
    else:
        with_arrays(conn, POSTGRES[kind], rows)


def _attempt_row(settlement: Settlement) -> Row:
    exchange, failure = settlement.exchange, settlement.failure
    return (
        settlement.record_id,
        settlement.attempt_id,
        settlement.outcome._value_,
        to_micros(settlement.finished_at),
        exchange.duration_ms if exchange else None,
        exchange.status if exchange else None,
        failure.kind.value if failure else "",
        failure.blame.value if failure else "",
        failure.sentence if failure else "",
        failure.next_action if failure else "",
        failure.retry_after_s if failure else None,
        exchange.connect_ms if exchange else None,
        exchange.tls_ms if exchange else None,
        exchange.first_byte_ms if exchange else None,
        exchange.batch_id if exchange else None,
    )


def _record_row(settlement: Settlement, next_at: int | None, problem_id: str | None) -> Row:
    exchange, failure = settlement.exchange, settlement.failure
    return (
        settlement.record_id,
        settlement.state._value_,
        settlement.hold_reason._value_ if settlement.hold_reason else None,
        settlement.tries,
        next_at,
        exchange.status if exchange else None,
        exchange.duration_ms if exchange else None,
        failure.kind.value if failure else "",
        failure.sentence if failure else "",
        problem_id,
    )


def _exchange_row(attempt_id: str, exchange: Exchange) -> Row:
    return (
        attempt_id,
        exchange.method,
        exchange.url,
        dump_texts(exchange.request_headers),
        dump_texts(exchange.response_headers),
        exchange.response_cut,
        exchange.response_body,
        exchange.request_body,
    )
