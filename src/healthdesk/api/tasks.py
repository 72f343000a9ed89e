"""Tasks and templates of the desk."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from healthdesk.api.common import Input, Output
from healthdesk.api.instances import Instance, Issue
from healthdesk.domain.instance_states import WorkStatus

TaskName = Annotated[str, Field(min_length=1, max_length=255)]
Description = Annotated[str, Field(max_length=32_000)]
Due = Annotated[str, Field(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]
Person = Annotated[str, Field(max_length=200)]


class TaskFilter(Input):
    """Which tasks; what is left out does not narrow. `text` is looked for in names and keys of issues."""

    status: WorkStatus | None = None
    template_id: str | None = None
    integration_id: str | None = None
    assignee: str | None = None
    text: str | None = Field(default=None, min_length=1, max_length=200)


class TaskCreate(Input):
    """A new task. With `integration_id` an external issue is created under the operator's own connection.

    `connection_id` names that where there is more than one; `fields` are further ones that the project wants.
    """

    name: TaskName
    description: Description = ""
    status: WorkStatus = WorkStatus.NOT_STARTED
    due: Due = ""
    assignee: Person = ""
    template_id: str | None = None
    integration_id: str | None = None
    connection_id: str | None = None
    fields: dict[str, Any] = {}


class TaskEdit(Input):
    """Changes to a task; what is absent stays. With `integration_id` an issue is created for a task that had none.

    `version` is that of the task that was read: a task that changed meanwhile is refused with 409.
    """

    name: TaskName | None = None
    description: Description | None = None
    status: WorkStatus | None = None
    due: Due | None = None
    assignee: Person | None = None
    integration_id: str | None = None
    connection_id: str | None = None
    fields: dict[str, Any] | None = None
    version: int | None = None


class Task(Output):
    """A task; `instance` is there with an integration, `issue` as it was read last."""

    id: str
    name: str
    description: str = ""
    status: WorkStatus
    status_word: str = ""
    due: str = ""
    assignee: str = ""
    template_id: str | None = None
    template_name: str = ""
    version: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    instance: Instance | None = None
    issue: Issue | None = None
    refused: dict[str, str] = {}
    """What you may not do with the task itself (`edit`, `remove`, `integrate`), each with the reason and whom to ask; what
    cannot be done with its issue is in `instance.refused`."""


class TemplateTask(Input):
    """What each task of a template begins with. `{date}` in the name is the day it is created, `due_in_days` counts from then."""

    name: TaskName
    description: Description = ""
    assignee: Person = ""
    due_in_days: int | None = Field(default=None, ge=0, le=3660)
    fields: dict[str, Any] = {}


class Schedule(Input):
    """When: every so many seconds, or a cron expression of five fields in a time zone of the IANA database."""

    every_s: float | None = Field(default=None, ge=60, le=366 * 86400)
    cron: str = Field(default="", max_length=200)
    zone: str = Field(default="UTC", max_length=100)


class TemplateCreate(Input):
    """A repeating task. Without a schedule it creates tasks only by hand."""

    name: TaskName
    task: TemplateTask
    schedule: Schedule | None = None
    integration_id: str | None = None
    connection_id: str | None = None


class TemplateEdit(Input):
    """Changes to a template; what is absent stays, and tasks that exist stay as they are."""

    name: TaskName | None = None
    task: TemplateTask | None = None
    schedule: Schedule | None = None
    without_schedule: bool = False
    integration_id: str | None = None
    connection_id: str | None = None


class Template(Output):
    """A repeating task."""

    id: str
    name: str
    task: TemplateTask
    schedule: Schedule | None = None
    schedule_word: str = ""
    integration_id: str | None = None
    integration_name: str = ""
    connection_id: str | None = None
    owner: str
    next_at: datetime | None = None
    last_at: datetime | None = None
    error: str = ""
    """Why the last task could not be created, or empty."""
    tasks: int = 0
    created_at: datetime
    created_by: str
