"""What folding keeps of a problem while a transaction lasts, and how a problem's row becomes facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import RowMapping

from healthdesk.domain.problems import ProblemFacts, ProblemKey
from healthdesk.domain.states import RecordState
from healthdesk.store.rows import Settlement

HOLDS_UP = frozenset({RecordState.RETRYING, RecordState.FAILED, RecordState.UNKNOWN, RecordState.HELD})


@dataclass(frozen=True, slots=True)
class Noted:
    """A record or instance that failed for `key`, or holds nothing up (None), and the problem it was in before."""

    id: str
    key: ProblemKey | None
    before: str | None
    tries: int
    attempt_id: str = ""


def note_of(settlement: Settlement, before: str | None) -> Noted:
    """Return what became of a record that was in a problem before, or was not (None)."""
    key = settlement.problem if settlement.state in HOLDS_UP else None
    return Noted(settlement.record_id, key, before, settlement.tries, settlement.attempt_id)


@dataclass(slots=True)
class Gathered:
    """Failures of one cause in this transaction."""

    key: ProblemKey
    joining: list[tuple[str, str]] = field(default_factory=list)
    """(record, attempt) of records that were not in the problem before, or (instance, "")."""
    tries: int = 0
    connection_failing: bool | None = None
    reminds: bool = False


def facts_of(row: Mapping[str, Any] | RowMapping) -> ProblemFacts:
    """Return what the decisions need of a problem's row."""
    return ProblemFacts(
        state=row["state"],
        count=row["count"],
        first_failed_at=row["since"],
        announced=row["announced"],
        opened_before=row["episode"] > 0,
        muted_until=row["muted_until"],
        connection_failing=row["connection_failing"],
    )


def wording(key: ProblemKey) -> dict[str, Any]:
    """Return the columns of what a problem says."""
    return {
        "kind": key.kind,
        "blame": key.blame,
        "status": key.status,
        "cause": key.cause,
        "safe_cause": key.safe_cause,
        "next_action": key.next_action,
        "owner": key.owner,
    }
