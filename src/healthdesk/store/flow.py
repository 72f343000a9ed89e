"""How records move other than by being sent: held, released, recovered, resent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from healthdesk.domain.states import Environment, HoldReason
from healthdesk.store.rows import RecordQuery, ResendPlanRow, ResentRow


def hold_some(
    conn: Connection, integration_id: str, environment: Environment, reason: HoldReason, limit: int
) -> int:
    """Hold up to `limit` queued and retrying records of an environment; return how many."""
    raise NotImplementedError


def release_some(
    conn: Connection, integration_id: str, environment: Environment, now: datetime, limit: int
) -> int:
    """Queue up to `limit` held records of an environment, due now; return how many."""
    raise NotImplementedError


def recover_interrupted(
    conn: Connection, now: datetime, *, daemon_id: str, others_are_dead: bool, limit: int
) -> int:
    """Take up attempts that dead daemons left: those of every daemon but `daemon_id` whose lease ran out, or of all others. The attempt says interrupted, its record is queued again or unknown, as the integration wants."""
    raise NotImplementedError


def resend(
    conn: Connection, ids: Sequence[str], *, by: str, now: datetime, new_webhook_id: bool = False
) -> ResentRow:
    """Queue these records again, in one transaction; say why for each that is not."""
    raise NotImplementedError


def resend_plan(conn: Connection, query: RecordQuery) -> ResendPlanRow:
    """Say what resending everything the filter matches will do."""
    raise NotImplementedError


def resend_all(
    conn: Connection, query: RecordQuery, *, by: str, now: datetime, expect: int | None = None
) -> ResentRow:
    """Queue every failed, unknown or retrying record the filter matches, in one transaction. Raise Conflict when their number is not `expect`."""
    raise NotImplementedError


def due_environments(conn: Connection, now: datetime) -> list[tuple[str, Environment]]:
    """Return the environments that have records due."""
    raise NotImplementedError


def next_due(conn: Connection, integration_id: str, environment: Environment) -> datetime | None:
    """Return when the next record of an environment is due."""
    raise NotImplementedError
