"""Rows of the log: its filter, its pages, and a record with its bodies, attempts and events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from healthdesk.domain.states import (
    AttemptOutcome,
    Environment,
    HoldReason,
    RecordEventKind,
    RecordState,
    Trigger,
)


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """The log's filter in the store's words; the fields are those of the wire's RecordFilter.

    `lookups` has the keyed hashes of each looked-up value, one for each source that it can be of.
    """

    integration_id: str | None = None
    environment: Environment | None = None
    source: str | None = None
    states: tuple[RecordState, ...] = ()
    problem_id: str | None = None
    arrived_from: datetime | None = None
    arrived_to: datetime | None = None
    levels: tuple[str, ...] = ()
    completed_from: datetime | None = None
    completed_to: datetime | None = None
    first_attempt_from: datetime | None = None
    first_attempt_to: datetime | None = None
    last_attempt_from: datetime | None = None
    last_attempt_to: datetime | None = None
    statuses: tuple[int, ...] = ()
    error_kinds: tuple[str, ...] = ()
    hold_reasons: tuple[HoldReason, ...] = ()
    sample: bool | None = None
    text: str = ""
    lookups: tuple[tuple[bytes, ...], ...] = ()
    job_id: str | None = None


Order = Literal["arrived", "completed", "first_attempt", "last_attempt"]
"""What a page of the log is sorted by."""


@dataclass(frozen=True, slots=True)
class LogRows:
    """A page of the log. `next` is the cursor of the next, None at the end.

    `searched_to` is how far a page came that ended its search before it was full; `order` what the page is sorted by.
    """

    items: list[RecordRow]
    next: str | None = None
    order: Order = "arrived"
    searched_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A row of the log."""

    id: str
    webhook_id: str
    integration_id: str
    integration_name: str
    environment: Environment
    source: str
    source_name: str
    level: str | None
    completed_at: datetime
    arrived_at: datetime
    state: RecordState
    hold_reason: HoldReason | None
    tries: int
    attempts: int
    """All attempts ever; `tries` are those of this round."""
    first_attempt_at: datetime | None
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    last_status: int | None
    last_duration_ms: float | None
    error_kind: str
    error: str
    problem_id: str | None
    sample: bool
    idempotency_key: str | None = None
    fix_id: str | None = None

    @property
    def attempts_total(self) -> int:
        """Return all attempts ever, under the name they are shown by."""
        return self.attempts


@dataclass(frozen=True, slots=True)
class BodyRow:
    """A record's posted body; `body[data_start:data_end]` is what the endpoint receives."""

    record_id: str
    body: bytes
    data_start: int
    data_end: int
    content_type: str

    @property
    def data(self) -> bytes:
        """Return the bytes of `data`, as posted."""
        return self.body[self.data_start : self.data_end]


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try to deliver a record, without bodies. `triggered_by` is the operator of a resend."""

    id: str
    record_id: str
    number: int
    trigger: Trigger
    triggered_by: str
    outcome: AttemptOutcome
    started_at: datetime
    finished_at: datetime | None
    duration_ms: float | None
    status: int | None
    error_kind: str
    blame: str
    error: str
    next_action: str
    webhook_id: str
    method: str = ""
    url: str = ""
    request_headers: Mapping[str, str] = field(default_factory=dict)
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_cut: bool = False
    retry_after_s: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float | None = None
    fix_id: str | None = None
    batch_id: str | None = None
    response_body: bytes | None = None
    """Filled by `records.attempt` only, as is `request_body`."""
    request_body: bytes | None = None
    """What was sent, where that is not the record's data byte for byte."""


@dataclass(frozen=True, slots=True)
class RecordEventRow:
    """What happened to a record beside its attempts. `by` is the operator, where it was one."""

    id: str
    record_id: str
    at: datetime
    kind: RecordEventKind
    by: str
    sentence: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CountRow:
    """How many rows match, or at least how many where `exact` is False."""

    total: int
    exact: bool = True
