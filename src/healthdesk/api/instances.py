"""Instances: tasks and proof syncs of integrations, with their status, and what can be done with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from healthdesk.api.common import Explanation, Input, Name, Output
from healthdesk.domain.states import (
    InstanceKind,
    InstanceState,
    LinkState,
    RunOutcome,
    Trigger,
)


class InstanceTotals(Output):
    """How many instances there are. `failed` counts failed or blocked ones; `blocked` those whose connection fails."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    blocked: int = 0
    pending: int = 0
    exact: bool = True


InstanceStateWord = Literal[
    "pending", "succeeded", "creation_failed", "sync_failed", "failed", "failed_or_blocked"
]
"""What lists of instances are narrowed to. `failed_or_blocked` is what instance health counts as failed."""


class InstanceFilter(Input):
    """Which instances; what is left out or empty does not narrow. `text` is looked for in names, whatever its case.

    `problem_id` are those that a problem holds up: that failed for its cause, or are blocked by its connection.
    """

    kind: InstanceKind | None = None
    state: list[InstanceStateWord] = []
    blocked: bool | None = None
    connection_id: list[str] = []
    integration_id: list[str] = []
    label_id: str | None = None
    template_id: str | None = None
    problem_id: str | None = None
    owner: str | None = None
    text: str | None = Field(default=None, min_length=1, max_length=200)


class Instance(Output):
    """A task or proof sync of an integration, as the tables of the connection window show it."""

    id: str
    kind: InstanceKind
    name: str
    integration_id: str
    integration_name: str = ""
    app: str = ""
    app_name: str = ""
    connection_id: str | None = None
    """None once its connection was disconnected: it waits to be reconnected."""
    connection_name: str = ""
    owner: str = ""
    template_id: str | None = None
    template_name: str = ""
    label_id: str | None = None
    label_name: str = ""
    state: InstanceState
    state_word: str
    """Succeeded, Creation failed, Sync failed, Failed, Not run yet, Unlinked."""
    blocked: bool = False
    running: bool = False
    error_kind: str = ""
    error: str = ""
    """The whole message."""
    blame: str = ""
    next_action: str = ""
    status: int | None = None
    problem_id: str | None = None
    link: LinkState | None = None
    external_key: str = ""
    external_url: str = ""
    every_s: float = 0
    last_checked: datetime | None = None
    last_succeeded: datetime | None = None
    next_at: datetime | None = None
    explanation: Explanation | None = None
    refused: dict[str, str] = {}
    """Actions that do not apply now or that you may not do, each with the reason: sync, unlink, attach, create_issue,
    reconnect, open, view, change_connection, settings, delete."""


class Run(Output):
    """One run of an instance: what it did, or why it failed."""

    id: str
    instance_id: str
    outcome: RunOutcome
    outcome_word: str = ""
    trigger: Trigger
    triggered_by: str = ""
    started_at: datetime
    finished_at: datetime | None = None
    duration_ms: float | None = None
    status: int | None = None
    error_kind: str = ""
    blame: str = ""
    error: str = ""
    next_action: str = ""
    changes: list[FieldChange] = []
    content_hash: str = ""
    rows: int | None = None
    cut: bool = False


class FieldChange(Output):
    """What a sync did to one field: `taken` says whose value both sides have now, `lost` the other in a conflict."""

    field: str
    label: str = ""
    before: str = ""
    after: str = ""
    taken: Literal["ours", "theirs"] = "theirs"
    lost: str = ""


class InstanceSync(Input):
    """Sync now. Answers when it is done, at the latest after `wait_s` seconds; then it goes on by itself."""

    wait_s: float = Field(default=60, ge=0, le=300)


class FindIssue(Input):
    """Find an issue to attach: a key, a URL, or words of its title. `connection_id` where the task has none yet."""

    text: str = Field(min_length=1, max_length=500)
    integration_id: str | None = None
    connection_id: str | None = None


class Issue(Output):
    """An issue at the app. `id` and `container` are what `attach` wants back."""

    id: str
    key: str = ""
    url: str = ""
    title: str = ""
    description: str = ""
    status: str = ""
    status_name: str = ""
    done: bool = False
    due: str = ""
    assignee: str = ""
    updated_at: str = ""
    container: dict[str, str] = {}
    attached_to: str = ""
    """The task that is linked with it already, by name; it cannot be attached twice."""


class FoundIssues(Output):
    """The issues that match, best first; `cut` says that there are more."""

    issues: list[Issue]
    cut: bool = False


class IssueRef(Input):
    """Which issue: what `find` answered. `integration_id` and `connection_id` where the task has none yet."""

    id: str = Field(min_length=1, max_length=2000)
    key: str = Field(default="", max_length=2000)
    container: dict[str, str] = {}
    integration_id: str | None = None
    connection_id: str | None = None


class Attach(IssueRef):
    """Attach an issue, overwriting the task with it. `reviewed` is the digest of the review that was confirmed: a task or
    issue that changed since is refused, so that nothing is overwritten unseen.
    """

    reviewed: str


class AttachReview(Output):
    """Review and confirm: what of the task is overwritten by the issue, field by field."""

    issue: Issue
    changes: list[FieldChange]
    warning: str
    digest: str


class Reconnect(Input):
    """Reconnect a task whose connection was disconnected, and with it all others of the same user and app."""

    connection_id: str


class Reconnected(Output):
    """How many instances work again."""

    instances: int
    sentence: str


class ProofSyncCreate(Input):
    """A new proof sync. `name` is made from the dataset where it is left out; `every_s` is the integration's then."""

    integration_id: str
    connection_id: str | None = None
    dataset: str
    fields: dict[str, str] = {}
    label_id: str
    name: Name | None = None
    every_s: float | None = Field(default=None, ge=300, le=366 * 86400)
    unchecked: bool = False
    """Save without asking the app first."""


class ProofSyncSettings(Input):
    """Changes to a proof sync, put to the app before they are saved; what is absent stays. An empty name is the generated one."""

    fields: dict[str, str] | None = None
    dataset: str | None = None
    label_id: str | None = None
    name: str | None = Field(default=None, max_length=100)
    every_s: float | None = Field(default=None, ge=300, le=366 * 86400)
    unchecked: bool = False


class ChangeConnection(Input):
    """Let a proof sync collect with another connection of the same app."""

    connection_id: str
    unchecked: bool = False


class ProofSync(Instance):
    """A proof sync whole."""

    dataset: str
    dataset_name: str = ""
    fields: dict[str, str] = {}
    named: bool = False
    generated_name: str = ""
    rows: int | None = None
    content_hash: str = ""
    last_run_id: str | None = None


class Contents(Output):
    """A page of what a run collected. `after` of the next page is `next`, a row number."""

    run_id: str
    columns: list[ColumnView]
    rows: list[list[str]]
    total: int
    next: str | None = None
    collected_at: datetime
    content_hash: str


class ColumnView(Output):
    """A column of a dataset."""

    key: str
    label: str


class Difference(Output):
    """What a run collected that the one before did not, and the other way round, by the dataset's id column.

    Rows are those of `columns`; `columns_added` and `columns_removed` are the keys of those that only one run has. With
    `cut` the lists hold the first 500 of each kind, and `totals` counts all `added`, `removed` and `changed`.
    """

    run_id: str
    before_run_id: str | None = None
    columns: list[ColumnView]
    columns_added: list[str] = []
    columns_removed: list[str] = []
    added: list[list[str]] = []
    removed: list[list[str]] = []
    changed: list[RowChange] = []
    totals: dict[str, int] = {}
    unchanged: int = 0
    cut: bool = False


class RowChange(Output):
    """A row that differs, whole: by the keys of its columns, what it said before and what it says."""

    id: str
    before: dict[str, str]
    after: dict[str, str]


class InstanceView(Output):
    """What View leads to: the proof, for members of the label or control it is filed under; for others, where to ask."""

    member: bool
    proof: ProofSync | None = None
    labels: list[dict[str, Any]] = []
    """For those who are no members: every label and control with `id`, `kind`, `name` and `members`, its own first."""


Run.model_rebuild()
Contents.model_rebuild()
Difference.model_rebuild()
