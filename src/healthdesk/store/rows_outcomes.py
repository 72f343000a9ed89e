"""Rows of records whose outcome is not known yet, and of what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from healthdesk.domain.states import Environment, RecordEventKind, RecordState
from healthdesk.domain.undecided import Decision

if TYPE_CHECKING:
    from healthdesk.domain.problems import ProblemKey


@dataclass(frozen=True, slots=True)
class UndecidedRow:
    """A record and what of it decides and is asked for. `asked` counts how often its endpoint was asked by itself since
    the last attempt.
    """

    id: str
    webhook_id: str
    integration_id: str
    environment: Environment
    state: RecordState
    attempt_id: str | None
    tries: int
    attempts: int
    last_attempt_at: datetime | None
    error_kind: str
    problem_id: str | None
    source: str
    level: str | None
    completed_at: datetime
    fix_id: str | None = None
    asked: int = 0
    sample: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a record, if it is still as `record` says. `problem` is that of the decision's failure."""

    record: UndecidedRow
    decision: Decision
    event: RecordEventKind
    problem: ProblemKey | None = None
    by: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Carried:
    """What one transaction made of outcomes: ids of the records that changed, the environments that are to be woken,
    and news as in SettleResult.
    """

    changed: tuple[str, ...] = ()
    again: tuple[tuple[str, Environment], ...] = ()
    problems_changed: tuple[str, ...] = ()
    alerts_queued: int = 0


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose problem a failure in one environment is."""

    connection_id: str
    connection_name: str
    owner: str


@dataclass(frozen=True, slots=True)
class WaitingReceipt:
    """A receipt that is still to be applied."""

    id: str
    integration_id: str
    environment: Environment
    body: bytes


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """A receipt that is on disk. `waits`: its record is just being sent, and it is applied once that is answered."""

    id: str
    duplicate: bool = False
    waits: bool = False
    carried: Carried = field(default_factory=Carried)
