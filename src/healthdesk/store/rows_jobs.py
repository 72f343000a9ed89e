"""Rows of jobs and of what became of their records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from healthdesk.domain.job_states import JobItemState, JobKind, JobStage, JobState
from healthdesk.domain.job_watch import Wait, Watch
from healthdesk.domain.states import Environment, HoldReason
from healthdesk.store.rows_log import RecordQuery


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to make. `query` is what its records are found by; a job over given records has none.

    `known` are the causes of failure that its records have now, as `domain.job_watch.cause_of` says them.
    """

    id: str
    kind: JobKind
    title: str
    now: datetime
    by: str
    integration_id: str | None = None
    environment: Environment | None = None
    filter: Mapping[str, Any] = field(default_factory=dict)
    query: RecordQuery | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    known: Sequence[str] = ()
    careful: bool = False
    rate_per_s: float | None = None
    fix_id: str | None = None


Place = tuple[str, Environment]
"""An environment of an integration."""


@dataclass(frozen=True, slots=True)
class Places:
    """Environments that do not send whatever is due now: those on hold, with what holds them, and those that order."""

    held: Mapping[Place, HoldReason] = field(default_factory=dict)
    ordered: frozenset[Place] = frozenset()

    def of(self, job: JobRow) -> Places:
        """Return those that records of a job may be of."""
        held = {place: reason for place, reason in self.held.items() if job.may_touch(place)}
        return Places(held, frozenset(filter(job.may_touch, self.ordered)))


@dataclass(frozen=True, slots=True)
class Search:
    """Where a job looks for records to send: of each environment of which any may be left, and of those that are gone
    (None), which come before none of these. Empty before the first look, and once none of what was found is left.
    """

    starts: Mapping[Place | None, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job; `counts` by the state of its records add up to `total`."""

    id: str
    kind: JobKind
    state: JobState
    stage: JobStage
    title: str
    integration_id: str | None
    integration_name: str
    environment: Environment | None
    total: int
    counts: Mapping[JobItemState, int]
    reason: str
    careful: bool
    rate_per_s: float | None
    filter: Mapping[str, Any] | None
    plan: Mapping[str, Any] | None
    fix_id: str | None
    created_at: datetime
    created_by: str
    changed_by: str
    started_at: datetime | None
    finished_at: datetime | None
    watch: Watch = field(default_factory=Watch)

    @property
    def waits(self) -> Sequence[Wait]:
        """Return what holds all that is left of it; nothing while anything can go on."""
        return self.watch.waits

    @property
    def place(self) -> Place | None:
        """Return the one environment that all its records are of, where its filter names it."""
        if self.integration_id is None or self.environment is None:
            return None
        return self.integration_id, self.environment

    def may_touch(self, place: Place) -> bool:
        """Tell whether it may have records of this environment."""
        return self.integration_id in {None, place[0]} and self.environment in {None, place[1]}

    def count(self, state: JobItemState) -> int:
        """Return how many of its records are in this state."""
        return self.counts.get(state, 0)


@dataclass(frozen=True, slots=True)
class JobItemRow:
    """What became of one record of a job."""

    record_id: str
    state: JobItemState
    attempt_id: str | None
    status: int | None
    error_kind: str
    detail: str
    finished_at: datetime | None
    source: str
    """The key of the record's source; it, its name and the level are empty where the record is no longer kept."""
    source_name: str
    level: str | None

    @property
    def id(self) -> str:
        """Return the cursor of its page."""
        return self.record_id


@dataclass(frozen=True, slots=True)
class ItemResult:
    """A record of a job whose attempt is settled: `state` is how it ended, `cause` is empty unless it failed."""

    record_id: str
    state: JobItemState
    attempt_id: str | None
    status: int | None
    error_kind: str
    detail: str
    cause: str


@dataclass(frozen=True, slots=True)
class Stepped:
    """What one step of a job did. `environments` are to be woken; `stopped` says that it just stopped by itself. The
    next step goes on with `search`. Before it queued any, `lined_up` could leave and had not left, `held` were on hold,
    and `let_go` were no more.
    """

    job: JobRow
    changed: bool
    environments: tuple[Place, ...] = ()
    search: Search = field(default_factory=Search)
    queued: int = 0
    lined_up: int = 0
    held: int = 0
    let_go: int = 0
    stopped: bool = False
    ended: Mapping[JobItemState, int] = field(default_factory=dict)
