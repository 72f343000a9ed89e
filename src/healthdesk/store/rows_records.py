"""Rows of records on their way: accepted, claimed, settled, resent, and counted in the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from healthdesk.domain.delivery import Fix
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.domain.states import (
    AttemptOutcome,
    Environment,
    HoldReason,
    RecordState,
    Trigger,
)
from healthdesk.domain.templating import Facts

if TYPE_CHECKING:
    from healthdesk.domain.problems import ProblemKey


@dataclass(slots=True)  # not frozen: that would cost a microsecond in four of what accepting costs
class NewRecord:
    """A record to accept. `data_start:data_end` is the span of `data` in `body`, kept byte for byte."""

    id: str
    integration_id: str
    environment: Environment
    source_id: str
    level: str | None
    completed_at: datetime
    body: bytes
    data_start: int
    data_end: int
    body_hash: bytes
    content_type: str
    now: datetime
    state: RecordState = RecordState.QUEUED
    hold_reason: HoldReason | None = None
    idempotency_key: str | None = None
    sample: bool = False
    order_key: str | None = None
    lookups: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """Why something was not stored."""

    error: Exception


class AcceptedRecord(NamedTuple):
    """The answer to an accepted record; `duplicate` means that `id` was accepted before."""

    id: str
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class EnvWant:
    """How many records of one environment the engine can send now.

    Records over 64 KiB are claimed as far as they fit into `room_bytes`, the first of them even if it does not
    when `at_least_one` says so. `order` says what becomes of later records of a key after a failure (`wait`, `go_on`) where
    the environment orders, `settled` which of its records this transaction settles. `begins` says that its attempts
    begin later than they are claimed, each with a commit of its own.
    """

    integration_id: str
    environment: Environment
    free: int
    room_bytes: int = 67_108_864
    at_least_one: bool = True
    order: str = ""
    settled: tuple[str, ...] = ()
    begins: bool = False


@dataclass(slots=True)
class ClaimedRecord:
    """A record to send now; its intent (the attempt) is committed.

    `number` counts all attempts of the record, `tries` those of this round, both with this one. `facts` and `fix` are
    read afterwards, where the record's environment names them or `fix_id` is set. One that has not `begun` must not
    be sent before that is committed, too.
    """

    id: str
    webhook_id: str
    integration_id: str
    environment: Environment
    attempt_id: str
    number: int
    tries: int
    trigger: Trigger
    triggered_by: str
    data: bytes
    content_type: str
    sample: bool
    fix_id: str | None = None
    facts: Facts | None = None
    fix: Fix | None = None
    begun: bool = True


@dataclass(slots=True)
class Settlement:
    """What became of one attempt, and where its record goes from here.

    `problem` is the cause to fold it under; None on success, and keeps the record out of problems.
    """

    attempt_id: str
    record_id: str
    integration_id: str
    environment: Environment
    outcome: AttemptOutcome
    state: RecordState
    next_at: datetime | None
    finished_at: datetime
    exchange: Exchange | None
    failure: Failure | None
    problem: ProblemKey | None
    tries: int
    hold_reason: HoldReason | None = None


@dataclass(frozen=True, slots=True)
class SettleResult:
    """What one transaction of settling and claiming did.

    `late` are attempts that were settled or taken over before; their results were left out.
    `problems_changed` are ids, for events; `alerts_queued` says whether to wake the outbox.
    """

    claimed: list[ClaimedRecord] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    problems_changed: tuple[str, ...] = ()
    alerts_queued: int = 0


@dataclass(frozen=True, slots=True)
class PlanGroup:
    """Records of a resend plan that failed the same way."""

    status: int | None
    error_kind: str
    error: str
    count: int
    problem_id: str | None = None
    problem_state: str = ""


@dataclass(frozen=True, slots=True)
class PlanPlace:
    """How many records of a resend plan are of one environment."""

    integration_id: str
    name: str
    environment: Environment
    count: int


@dataclass(frozen=True, slots=True)
class ResendPlanRow:
    """What a resend of a filter will do. `sources` are keys, and how many are of each."""

    total: int
    skipped_delivered: int = 0
    skipped_other: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    groups: list[PlanGroup] = field(default_factory=list)
    sources: dict[str, int] = field(default_factory=dict)
    places: list[PlanPlace] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ResentRow:
    """What a resend did. `skipped` says why per id; `environments` are to be woken.

    `delivered` counts what its endpoint took already, `asked` what it was being asked for, sent again or not.
    """

    resent: int
    skipped: dict[str, str] = field(default_factory=dict)
    environments: tuple[tuple[str, Environment], ...] = ()
    delivered: int = 0
    asked: int = 0


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """Totals of one environment. It balances when `accepted` is the sum of `states` plus `removed`."""

    integration_id: str
    integration_name: str
    environment: Environment
    accepted: int
    removed: int
    states: dict[str, int]

    @property
    def balanced(self) -> bool:
        """Return whether every accepted record is in a state or was removed by retention."""
        return self.accepted == sum(self.states.values()) + self.removed
