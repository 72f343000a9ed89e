"""Rows of tasks, proof syncs, their runs, and what they are made from and filed under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from healthdesk.domain.instance_states import (
    InstanceKind,
    InstanceState,
    LabelKind,
    LinkState,
    RunOutcome,
    WorkStatus,
)
from healthdesk.domain.states import Trigger

PARKED = "paused:"
"""What the lease of an instance begins with that is not run because its integration is paused; its id follows."""


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """One task or proof sync of an integration. `every_s` is how often it is synced, in seconds."""

    id: str
    kind: InstanceKind
    integration_id: str
    connection_id: str | None
    app: str
    owner: str
    name: str
    template_id: str | None
    label_id: str | None
    state: InstanceState
    blocked: bool
    error_kind: str
    blame: str
    error: str
    next_action: str
    status: int | None
    problem_id: str | None
    failures: int
    every_s: float
    last_checked: datetime | None
    last_succeeded: datetime | None
    next_at: datetime | None
    next_trigger: Trigger
    triggered_by: str
    lease_owner: str
    lease_until: datetime | None
    version: int
    created_at: datetime
    created_by: str

    @property
    def parked(self) -> bool:
        """Whether it waits for its integration to be resumed."""
        return self.lease_owner.startswith(PARKED)

    @property
    def running(self) -> bool:
        """Whether a daemon runs it now."""
        return self.lease_owner != "" and not self.parked


@dataclass(frozen=True, slots=True)
class InstanceQuery:
    """A filter of instances; what is empty or None does not filter.

    `states` are those wanted; with `failing` every failed or blocked one is wanted beside them. `text` is part of a
    name, whatever its case.
    """

    kind: InstanceKind | None = None
    states: tuple[InstanceState, ...] = ()
    blocked: bool | None = None
    connection_ids: tuple[str, ...] = ()
    integration_ids: tuple[str, ...] = ()
    label_id: str | None = None
    template_id: str | None = None
    problem_id: str | None = None
    owner: str | None = None
    text: str = ""
    failing: bool = False


@dataclass(frozen=True, slots=True)
class InstanceTotals:
    """How many instances are in which state. `blocked` ones are in `failed` too, whatever their state."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    blocked: int = 0
    pending: int = 0


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task of the desk and how it is linked. `due` is an ISO date or empty; JSON columns are as schema_instances says."""

    id: str
    name: str
    description: str
    status: WorkStatus
    due: str
    assignee: str
    template_id: str | None
    version: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    link: LinkState | None
    external_id: str
    external_key: str
    external_url: str
    container: Mapping[str, str]
    fields: Mapping[str, Any]
    external: Mapping[str, Any] | None
    synced: Mapping[str, Any] | None
    creating_at: datetime | None
    creating_title: str


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A repeating task. `schedule` is that of a PingSchedule, None while it creates none by itself."""

    id: str
    name: str
    task: Mapping[str, Any]
    schedule: Mapping[str, Any] | None
    integration_id: str | None
    connection_id: str | None
    owner: str
    next_at: datetime | None
    last_at: datetime | None
    error: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label or control, its members, and how many proof syncs are filed under it."""

    id: str
    kind: LabelKind
    name: str
    description: str
    created_at: datetime
    created_by: str
    members: list[str] = field(default_factory=list)
    proof_syncs: int = 0


@dataclass(frozen=True, slots=True)
class ProofSyncRow:
    """What a proof sync collects; `fields` are the inputs of its dataset."""

    id: str
    dataset: str
    fields: Mapping[str, str]
    named: bool
    last_hash: str
    last_run_id: str | None
    rows: int | None


@dataclass(frozen=True, slots=True)
class ContentsRow:
    """What runs of a proof sync collected. `columns` are objects with `key`, `label` and `id` where it tells rows apart.

    `body` is what domain.proof packed.
    """

    instance_id: str
    content_hash: str
    columns: list[Mapping[str, Any]]
    rows: int
    body: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of an instance."""

    id: str
    instance_id: str
    outcome: RunOutcome
    trigger: Trigger
    triggered_by: str
    daemon_id: str
    started_at: datetime
    finished_at: datetime | None = None
    duration_ms: float | None = None
    status: int | None = None
    error_kind: str = ""
    blame: str = ""
    error: str = ""
    next_action: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    content_hash: str = ""
    rows: int | None = None
    cut: bool = False
