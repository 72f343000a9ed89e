"""Accepting records: the hot statement of the public side, a batch at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from healthdesk.errors import IdempotencyConflict
from healthdesk.store import ledger, lookups
from healthdesk.store.bulk import Place, by_place, with_arrays, with_values
from healthdesk.store.columns import to_micros
from healthdesk.store.rows import AcceptedRecord, NewRecord
from healthdesk.store.scope import driver, on_sqlite

Answer = AcceptedRecord | IdempotencyConflict
Earlier = dict[tuple[Place, str], tuple[str, bytes]]

RECORD_COLUMNS = (
    "id, webhook_id, integration_id, environment, source_id, level, completed_at, state, hold_reason, "
    "sample, next_at, idempotency_key, body_hash, order_key"
)
BODY_COLUMNS = "record_id, data_start, data_end, content_type, body"

INSERT_RECORDS_SQLITE = f"INSERT INTO records ({RECORD_COLUMNS}) VALUES {{values}}"  # noqa: S608 - our own columns
INSERT_BODIES_SQLITE = f"INSERT INTO record_bodies ({BODY_COLUMNS}) VALUES {{values}}"  # noqa: S608 - as above

INSERT_RECORDS_POSTGRES = f"""
    INSERT INTO records ({RECORD_COLUMNS})
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                         $8::text[], $9::text[], $10::boolean[], $11::bigint[], $12::text[], $13::bytea[],
                         $14::text[])
    ON CONFLICT (integration_id, environment, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id
"""  # noqa: S608 - as above
INSERT_BODIES_POSTGRES = f"""
    INSERT INTO record_bodies ({BODY_COLUMNS})
    SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::text[], $5::bytea[])
"""  # noqa: S608 - as above

FIND_EARLIER_SQLITE = """
    SELECT idempotency_key, id, body_hash FROM records
    WHERE integration_id = ? AND environment = ?
      AND idempotency_key IN (SELECT value FROM json_each(?))
"""
FIND_EARLIER_POSTGRES = """
    SELECT idempotency_key, id, body_hash FROM records
    WHERE integration_id = $1 AND environment = $2 AND idempotency_key = ANY($3::text[])
"""


def accept_many(conn: Connection, records: Sequence[NewRecord]) -> list[Answer]:
    """Store records and answer each: accepted, the one accepted before under its key, or a conflict."""
    if not any(record.idempotency_key for record in records):
        _insert(conn, records)
        return [AcceptedRecord(record.id, duplicate=False) for record in records]
    earlier = _find_earlier(conn, records)
    answers: list[Answer | None] = [None] * len(records)
    fresh: list[int] = []
    for index, record in enumerate(records):
        if record.idempotency_key is not None:
            slot = (_place(record), record.idempotency_key)
            known = earlier.get(slot)
            if known is not None:
                answers[index] = _repeat(record, known)
                continue
            earlier[slot] = (record.id, record.body_hash)
        fresh.append(index)
    inserted = _insert(conn, [records[index] for index in fresh])
    lost = [index for index in fresh if records[index].id not in inserted]
    if lost:  # another daemon was faster: its transaction is committed, since ours waited for it
        earlier = _find_earlier(conn, [records[index] for index in lost])
    for index in fresh:
        record = records[index]
        if record.id in inserted:
            answers[index] = AcceptedRecord(record.id)
        else:
            answers[index] = _repeat(record, earlier[_place(record), record.idempotency_key or ""])
    # A repeat within the batch answers with the first one's id, whichever daemon stored that.
    return [_follow(answer, answers, records) for answer in answers if answer is not None]


def _follow(answer: Answer, answers: Sequence[Answer | None], records: Sequence[NewRecord]) -> Answer:
    if isinstance(answer, AcceptedRecord) and answer.duplicate:
        for record, other in zip(records, answers, strict=True):
            if record.id == answer.id and other is not None and other is not answer:
                if isinstance(other, AcceptedRecord):
                    return AcceptedRecord(other.id, duplicate=True)
                return other
    return answer


def _place(record: NewRecord) -> Place:
    return (record.integration_id, record.environment)


def _repeat(record: NewRecord, known: tuple[str, bytes]) -> Answer:
    record_id, body_hash = known
    if body_hash == record.body_hash:
        return AcceptedRecord(record_id, duplicate=True)
    return IdempotencyConflict(
        f"this Idempotency-Key was used for {record_id} with another body",
        fix="Use a new key for a new record; repeat the key only with the same bytes.",
    )


def _find_earlier(conn: Connection, records: Sequence[NewRecord]) -> Earlier:
    found: Earlier = {}
    keyed = [
        (_place(record), record.idempotency_key) for record in records if record.idempotency_key is not None
    ]
    for place, keys in by_place(keyed):
        for key, record_id, body_hash in _look_up(conn, place, keys):
            found[place, key] = (record_id, bytes(body_hash))
    return found


def _look_up(conn: Connection, place: Place, keys: list[str]) -> Sequence[Any]:
    integration_id, environment = place
    if on_sqlite(conn):
        found: Sequence[Any] = (
            driver(conn)
            .execute(FIND_EARLIER_SQLITE, (integration_id, environment.value, json.dumps(keys)))
            .fetchall()
        )
        return found
    return conn.exec_driver_sql(FIND_EARLIER_POSTGRES, (integration_id, environment.value, keys)).all()


def _insert(conn: Connection, records: Sequence[NewRecord]) -> frozenset[str]:
    """Insert records and bodies, count them in the ledger, and return the ids that went in."""
    if not records:
        return frozenset()
    rows = [
        (
            record.id,
            record.id,
            record.integration_id,
            record.environment._value_,  # `.value` is a call in Python, felt at this rate
            record.source_id,
            record.level,
            to_micros(record.completed_at),
            record.state._value_,
            record.hold_reason._value_ if record.hold_reason else None,
            record.sample,
            None if record.hold_reason else to_micros(record.now),
            record.idempotency_key,
            record.body_hash,
            record.order_key,
        )
        for record in records
    ]
    if on_sqlite(conn):
        with_values(conn, INSERT_RECORDS_SQLITE, rows)
        inserted = frozenset(record.id for record in records)
        with_values(conn, INSERT_BODIES_SQLITE, [_body(record) for record in records])
    else:
        inserted = frozenset(with_arrays(conn, INSERT_RECORDS_POSTGRES, rows).scalars())
        bodies = [_body(record) for record in records if record.id in inserted]
        if bodies:
            with_arrays(conn, INSERT_BODIES_POSTGRES, bodies)
    deltas = ledger.Deltas()
    stored = [record for record in records if record.id in inserted]
    looked_up = [(record.id, record.lookups) for record in stored if record.lookups]
    if looked_up:
        lookups.add(conn, looked_up)
    for (integration_id, environment, state), run in groupby(stored, _total):
        deltas.accepted(integration_id, environment, state, sum(1 for _ in run))
    ledger.apply(conn, deltas)
    return inserted


_total = attrgetter("integration_id", "environment", "state")


def _body(record: NewRecord) -> tuple[Any, ...]:
    return (record.id, record.data_start, record.data_end, record.content_type, record.body)
