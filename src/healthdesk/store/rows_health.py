"""Rows of the health of connections: transitions, evidence, ends of credentials."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from healthdesk.domain.states import ConnectionState
from healthdesk.store.rows_connections import ConnectionRow, HeartbeatRow


@dataclass(frozen=True, slots=True)
class TransitionRow:
    """A change of a connection's state; `kind` and `sentence` are those of the failure behind it, or empty."""

    id: str
    connection_id: str
    at: datetime
    from_state: ConnectionState
    to_state: ConnectionState
    kind: str = ""
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class CheckEvidenceRow:
    """The last good check of a connection, the first bad one after it, and the newest one that was judged."""

    last_good: HeartbeatRow | None = None
    first_bad: HeartbeatRow | None = None
    latest: HeartbeatRow | None = None


@dataclass(frozen=True, slots=True)
class ExpiryRow:
    """A connection whose credential has an end, and its open problem of that."""

    connection: ConnectionRow
    problem_id: str | None = None
