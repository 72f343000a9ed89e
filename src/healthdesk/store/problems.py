"""Problems: failures with one cause, folded together."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from healthdesk.domain.problems import ProblemKey
from healthdesk.domain.states import ProblemState
from healthdesk.store.rows import EvidenceRow, PageRows, ProblemChanges, ProblemRow


def page(
    conn: Connection,
    *,
    states: tuple[ProblemState, ...] = (),
    integration_id: str | None = None,
    connection_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
) -> PageRows[ProblemRow]:
    """Return problems; without `states` all but the forming ones."""
    raise NotImplementedError


def get(conn: Connection, problem_id: str) -> ProblemRow:
    """Return a problem, or raise NotFound."""
    raise NotImplementedError


def evidence(conn: Connection, problem_id: str) -> EvidenceRow:
    """Return last good beside first bad."""
    raise NotImplementedError


def acknowledge(conn: Connection, problem_id: str, *, by: str, now: datetime, note: str = "") -> ProblemRow:
    """Take a problem; raise Conflict unless it is open or acknowledged."""
    raise NotImplementedError


def mute(conn: Connection, problem_id: str, *, by: str, until: datetime | None, note: str = "") -> ProblemRow:
    """Silence a problem until then; None unmutes. Raise Conflict when it is resolved."""
    raise NotImplementedError


def resolve(conn: Connection, problem_id: str, *, by: str, now: datetime, note: str = "") -> ProblemRow:
    """Close a problem by hand; its records leave it. Raise Conflict when it is resolved already."""
    raise NotImplementedError


def tick(conn: Connection, now: datetime, limit: int = 100) -> ProblemChanges:
    """Open forming problems that have been failing for long enough."""
    raise NotImplementedError


def note_connection_failure(
    conn: Connection, key: ProblemKey, now: datetime, *, attempts: int = 1
) -> ProblemChanges:
    """Count a failed check under the connection's problem."""
    raise NotImplementedError


def clear_connection(conn: Connection, connection_id: str, now: datetime) -> ProblemChanges:
    """Resolve what only the connection's checks hold open, once it is healthy again."""
    raise NotImplementedError
