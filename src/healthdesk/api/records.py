"""Records, their attempts, and the log's filter."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from healthdesk.api.common import Explanation, Input, Output, Page
from healthdesk.api.flow import RecordEvent
from healthdesk.domain.states import (
    AttemptOutcome,
    Environment,
    ErrorKind,
    HoldReason,
    RecordState,
    Trigger,
)


class RecordCreate(Input):
    """What an upstream system posts to `/v1/records/{integration_id}`; `data` is kept byte for byte."""

    source: str = Field(min_length=1, max_length=64)
    level: str | None = Field(default=None, max_length=64)
    completed_at: datetime
    data: Any


class OperatorRecordCreate(RecordCreate):
    """A record added by an operator, who names what the bearer key names otherwise."""

    integration_id: str
    environment: Environment
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=255)


class Accepted(Output):
    """Answer 202: the record is on disk. `duplicate` is True when this is the answer given before."""

    id: str
    duplicate: bool = False


class RecordFilter(Input):
    """The log's filter; every part narrows. Ranges are [from, to); `arrived` is when the desk took it in.

    `text` is looked for in errors, whatever the case; one that begins with `rec_` is the beginning of an id or
    webhook-id. `lookup` gives values of fields that sources declare as lookup fields, matched exactly.
    """

    integration_id: str | None = None
    environment: Environment | None = None
    source: str | None = None
    """Source key."""
    states: list[RecordState] = []
    problem_id: str | None = None
    arrived_from: datetime | None = None
    arrived_to: datetime | None = None
    levels: list[str] = []
    completed_from: datetime | None = None
    completed_to: datetime | None = None
    first_attempt_from: datetime | None = None
    first_attempt_to: datetime | None = None
    last_attempt_from: datetime | None = None
    last_attempt_to: datetime | None = None
    statuses: list[int] = []
    """HTTP statuses of the last attempt."""
    error_kinds: list[ErrorKind] = []
    hold_reasons: list[HoldReason] = []
    sample: bool | None = None
    text: str = Field(default="", max_length=200)
    lookup: dict[str, str] = {}
    job_id: str | None = None


class Record(Output):
    """A row of the log."""

    id: str
    webhook_id: str
    integration_id: str
    integration_name: str = ""
    environment: Environment
    source: str
    source_name: str = ""
    level: str | None = None
    completed_at: datetime
    arrived_at: datetime
    state: RecordState
    hold_reason: HoldReason | None = None
    tries: int
    """Since it was posted or, if it was, resent."""
    attempts_total: int = 0
    first_attempt_at: datetime | None = None
    last_attempt_at: datetime | None = None
    next_attempt_at: datetime | None = None
    last_status: int | None = None
    last_duration_ms: float | None = None
    error_kind: str = ""
    error: str = ""
    """One plain sentence, values of the record left out."""
    problem_id: str | None = None
    sample: bool = False
    fix_id: str | None = None
    """Set when something else than what was posted is sent."""

    @property
    def tried(self) -> int:
        """How often it was tried in all."""
        return max(self.tries, self.attempts_total)

    @property
    def tried_words(self) -> str:
        """Return `4`, or `1 since the resend, 4 in all`."""
        return (
            str(self.tried)
            if self.tries == self.tried
            else f"{self.tries} since the resend, {self.tried} in all"
        )


Order = Literal["arrived", "completed", "first_attempt", "last_attempt"]


class RecordPage(Page[Record]):
    """A page of the log, in the order of `order`: of the first date that the filter bounds, else of arrival.

    No page costs more than a bounded search. One that found too little in it is short and has `next` all the same;
    `searched_to` then says how far it came, in that order.
    """

    order: Order = "arrived"
    searched_to: datetime | None = None


class Attempt(Output):
    """One try to deliver a record."""

    id: str
    record_id: str
    number: int
    trigger: Trigger
    triggered_by: str = ""
    outcome: AttemptOutcome
    started_at: datetime
    finished_at: datetime | None = None
    duration_ms: float | None = None
    status: int | None = None
    error_kind: str = ""
    blame: str = ""
    error: str = ""
    webhook_id: str
    method: str = ""
    url: str = ""
    request_headers: dict[str, str] = {}
    response_headers: dict[str, str] = {}
    response_cut: bool = False
    retry_after_s: float | None = None
    connect_ms: float | None = None
    """Of a connection made for it; None where an open one was used again. `tls_ms` is after it."""
    tls_ms: float | None = None
    first_byte_ms: float | None = None
    """From the beginning to the first byte of the answer."""
    fix_id: str | None = None
    batch_id: str | None = None
    """Attempts with one batch id were one request."""


class Body(Output):
    """A stored body for people. `masked` values read `••••`; `text` is None once retention removed it.

    `base64` is set instead of `text` when the bytes are not UTF-8.
    """

    content_type: str = ""
    size: int = 0
    text: str | None = None
    base64: str | None = None
    masked: bool = True
    cut: bool = False


class LikelyCause(Output):
    """What is likely wrong with a record, a guess from what its last attempt brought.

    `cause` is `credential`, `missing_field`, `endpoint`, `format` or `downstream`. `field` is named where the answer names
    it. `key` is the TUI key that helps, or empty.
    """

    cause: str
    sentence: str
    next_action: str
    field: str = ""
    key: str = ""


class Moment(Output):
    """One entry of a record's timeline: `arrived`, an `attempt`, an event's kind, or what comes next (`next`)."""

    at: datetime
    what: str
    sentence: str
    by: str = ""
    attempt: Attempt | None = None


class RecordDetail(Record):
    """A record with everything its window shows; bodies are masked until revealed."""

    explanation: Explanation | None = None
    similar: int = 0
    """How many records fail the same way, this one included."""
    similar_since: datetime | None = None
    problem_cause: str = ""
    """What its problem says is wrong."""
    idempotency_key: str | None = None
    attempts: list[Attempt] = []
    """The newest 100, oldest first."""
    events: list[RecordEvent] = []
    """What happened to it beside its attempts, the newest 100, oldest first."""
    timeline: list[Moment] = []
    """Its attempts and events in one order, from its arrival to what comes next."""
    cause: str = ""
    """What is likely wrong: `credential`, `missing_field`, `endpoint`, `format`, `downstream`, or empty."""
    likely: LikelyCause | None = None
    """The same with a sentence, the next step and the field."""
    fixes: list[str] = []
    """Ids of its fixes, oldest first."""
    version: str = ""
    """Changes whenever what is sent of it changes."""
    request_body: Body | None = None
    """What the last attempt sent; before the first one, what it will send."""
    next_body: Body | None = None
    """What the next attempt sends, where a fix or a mapping changed that since the last one."""
    response_body: Body | None = None
    """Of the last attempt."""
    posted_body: Body | None = None
    """What was posted, whole."""
    curl: str = ""
    """The last attempt as a curl command: secrets are variables, and so is a masked body."""


class AttemptDetail(Attempt):
    """An attempt with its bodies."""

    request_body: Body | None = None
    response_body: Body | None = None
    curl: str = ""
    """The request as a curl command: secrets are variables, and so is a masked body."""


Direction = Literal["newest", "oldest"]
