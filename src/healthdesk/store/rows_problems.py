"""Rows of problems, alerts, activity and the desk itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from healthdesk.domain.states import AlertEvent, AlertState, Environment, ProblemState
from healthdesk.store.rows_connections import HeartbeatRow
from healthdesk.store.rows_instances import RunRow
from healthdesk.store.rows_log import AttemptRow


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """A problem: failures with one cause. `count` is how many of its `unit` that failed it holds up now: records,
    tasks or proof syncs. `held` is how many more records wait behind it, untried, as their connection fails, and
    `blocked` how many instances of each kind; `repaired` how many of each did when it ended.

    `where` names the integration or connection. `safe_cause` may leave the desk, `cause` may not.
    """

    id: str
    fingerprint: str
    state: ProblemState
    cause: str
    safe_cause: str
    kind: str
    blame: str
    next_action: str
    where: str
    integration_id: str | None
    connection_id: str | None
    environment: Environment | None
    owner: str
    count: int
    total: int
    retrying: int
    since: datetime
    last_at: datetime
    status: int | None = None
    opened_at: datetime | None = None
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    muted_until: datetime | None = None
    muted_by: str = ""
    resolved_at: datetime | None = None
    resolved_by: str = ""
    note: str = ""
    sample_record_id: str | None = None
    sample_instance_id: str | None = None
    unit: str = "record"
    held: int = 0
    blocked: Mapping[str, int] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict)
    episode: int = 0
    """How many times it opened."""


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """Last good beside first bad of a problem: of records, of the connection's checks, or of its sample instance."""

    last_good: AttemptRow | None = None
    first_bad: AttemptRow | None = None
    last_good_check: HeartbeatRow | None = None
    first_bad_check: HeartbeatRow | None = None
    last_good_run: RunRow | None = None
    first_bad_run: RunRow | None = None


@dataclass(frozen=True, slots=True)
class ProblemChanges:
    """Ids of problems that a write changed, and how many alerts it queued."""

    problems_changed: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    alerts_queued: int = 0


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """An alert target; `url` is the masked form, the whole one is in `ChannelSecret`."""

    id: str
    name: str
    url: str
    kind: str
    created_at: datetime
    created_by: str
    last_sent_at: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RuleRow:
    """Which problems go to which channels."""

    id: str
    name: str
    integration_id: str | None
    connection_id: str | None
    environments: list[Environment]
    channel_ids: list[str]
    recoveries: bool
    enabled: bool
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class AlertRow:
    """A message of the outbox. Title and body are empty until it was rendered for sending."""

    id: str
    problem_id: str | None
    channel_id: str
    channel_name: str
    event: AlertEvent
    state: AlertState
    title: str
    body: str
    tries: int
    created_at: datetime
    sent_at: datetime | None
    next_attempt_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class ClaimedAlert:
    """An alert to send now, with its channel's encrypted URL and the problem as it is."""

    id: str
    channel_id: str
    channel_name: str
    url_enc: str
    event: AlertEvent
    tries: int
    """Sends made, with this one."""
    created_at: datetime
    problem: ProblemRow | None
    title: str = ""
    """Given for what tells of no problem, such as a test."""
    body: str = ""
    integration_name: str = ""
    connection_name: str = ""


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """Who did what."""

    id: str
    at: datetime
    user: str
    verb: str
    object_kind: str
    object_id: str
    object_name: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DaemonRow:
    """A daemon that shares this database."""

    id: str
    started_at: datetime
    lease_until: datetime
    stopped_at: datetime | None = None
