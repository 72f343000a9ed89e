"""Instances: tasks and proof syncs of integrations, with their status, and what can be done with them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from healthdesk.api.common import Explanation, Input, Output
from healthdesk.domain.instance_states import InstanceKind, InstanceState, LinkState, RunOutcome
from healthdesk.domain.states import Trigger


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


class FieldChange(Output):
    """What a sync did to one field: `taken` says whose value both sides have now, `lost` the other in a conflict."""

    field: str
    label: str = ""
    before: str = ""
    after: str = ""
    taken: Literal["ours", "theirs"] = "theirs"
    lost: str = ""


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
