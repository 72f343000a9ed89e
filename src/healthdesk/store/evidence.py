"""The evidence of a problem: last good beside first bad."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from healthdesk.domain.instance_states import RunOutcome
from healthdesk.domain.standing import STANDING_KINDS
from healthdesk.domain.states import AttemptOutcome, ErrorKind, RecordState
from healthdesk.errors import NotFound
from healthdesk.store import records as record_queries
from healthdesk.store.past_checks import heartbeat_row
from healthdesk.store.rows import AttemptRow, EvidenceRow, HeartbeatRow
from healthdesk.store.rows_instances import RunRow
from healthdesk.store.runs import run_row
from healthdesk.store.schema import attempts, records
from healthdesk.store.schema_connections import heartbeats
from healthdesk.store.schema_desk import problems
from healthdesk.store.schema_instances import instance_runs
from healthdesk.store.scope import missing

NOT_WELL = (RunOutcome.RUNNING, RunOutcome.FAILED, RunOutcome.INTERRUPTED)


def evidence(conn: Connection, problem_id: str) -> EvidenceRow:
    """Return the last that went well before a problem, and the first that did not."""
    row = conn.execute(select(problems).where(problems.c.id == problem_id)).one_or_none()
    if row is None:
        raise missing("problem", problem_id)
    last_good_check, first_bad_check = _checks(conn, row)
    last_good_run, first_bad_run = _runs(conn, row)
    return EvidenceRow(
        last_good=_last_good(conn, row),
        first_bad=_attempt(conn, row.first_bad_record_id, row.first_bad_attempt_id),
        last_good_check=last_good_check,
        first_bad_check=first_bad_check,
        last_good_run=last_good_run,
        first_bad_run=first_bad_run,
    )


def _attempt(conn: Connection, record_id: str | None, attempt_id: str | None) -> AttemptRow | None:
    if record_id is None or attempt_id is None:
        return None
    try:
        return record_queries.attempt(conn, record_id, attempt_id)
    except NotFound:  # retention removed it
        return None


def _last_good(conn: Connection, problem: Any) -> AttemptRow | None:
    """Return the delivery of the newest record that arrived before the first bad one and was delivered."""
    if problem.first_bad_record_id is None:
        return None
    place = conn.execute(
        select(records.c.integration_id, records.c.environment).where(
            records.c.id == problem.first_bad_record_id
        )
    ).one_or_none()
    if place is None:
        return None
    record_id = conn.execute(
        select(records.c.id)
        .where(
            records.c.integration_id == place.integration_id,
            records.c.environment == place.environment,
            records.c.state == RecordState.DELIVERED,
            records.c.id < problem.first_bad_record_id,
        )
        .order_by(records.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    attempt_id = conn.execute(
        select(attempts.c.id)
        .where(attempts.c.record_id == record_id, attempts.c.outcome == AttemptOutcome.DELIVERED)
        .order_by(attempts.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return _attempt(conn, record_id, attempt_id)


def _checks(conn: Connection, problem: Any) -> tuple[HeartbeatRow | None, HeartbeatRow | None]:
    """Return the last healthy check before the connection failed, and the first failed one after it."""
    if problem.connection_id is None or problem.integration_id is not None:
        return None, None
    if problem.kind in STANDING_KINDS:
        return None, None  # no check failed for it
    of_connection = heartbeats.c.connection_id == problem.connection_id
    good = conn.execute(
        select(heartbeats)
        .where(of_connection, heartbeats.c.ok, heartbeats.c.at <= problem.since)
        .order_by(heartbeats.c.id.desc())
        .limit(1)
    ).one_or_none()
    bad = conn.execute(
        select(heartbeats)
        .where(
            of_connection,
            heartbeats.c.ok.is_(False),
            heartbeats.c.kind != ErrorKind.OFFLINE.value,
            heartbeats.c.id > (good.id if good else ""),
        )
        .order_by(heartbeats.c.id)
        .limit(1)
    ).one_or_none()
    return heartbeat_row(good) if good else None, heartbeat_row(bad) if bad else None


def _runs(conn: Connection, problem: Any) -> tuple[RunRow | None, RunRow | None]:
    """Return the last good run of a problem's sample instance before it failed, and its first failed one since then.

    A scheduled run that found a task unchanged is not stored, so the last good one that is may be an older one.
    """
    if problem.sample_instance_id is None:
        return None, None
    of_sample = instance_runs.c.instance_id == problem.sample_instance_id
    good = (
        select(instance_runs)
        .where(
            of_sample, instance_runs.c.outcome.not_in(NOT_WELL), instance_runs.c.finished_at <= problem.since
        )
        .order_by(instance_runs.c.id.desc())
    )
    last_good = conn.execute(good.limit(1)).one_or_none()
    bad = (
        select(instance_runs)
        .where(
            of_sample,
            instance_runs.c.outcome == RunOutcome.FAILED,
            instance_runs.c.id > (last_good.id if last_good else ""),
        )
        .order_by(instance_runs.c.id)
    )
    first_bad = conn.execute(bad.limit(1)).one_or_none()
    return (run_row(last_good) if last_good else None, run_row(first_bad) if first_bad else None)
