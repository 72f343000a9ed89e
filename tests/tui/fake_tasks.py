"""FakeTasks: tasks with their issues, templates and labels, for a desk that has them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from healthdesk.api.apps import AppField
from healthdesk.api.common import Explanation, Page
from healthdesk.api.connections import Connection
from healthdesk.api.instances import (
    AttachReview,
    FieldChange,
    FoundIssues,
    Instance,
    Issue,
    Reconnected,
    Run,
)
from healthdesk.api.integrations import Choices, Integration, ProofSettings, StatusChoice, TaskSettings
from healthdesk.api.labels import Label
from healthdesk.api.tasks import Schedule, Task, Template, TemplateTask
from healthdesk.domain.instance_states import (
    FieldDirection,
    InstanceKind,
    InstanceState,
    LabelKind,
    LinkState,
    RunOutcome,
    WorkStatus,
)
from healthdesk.domain.states import ConnectionState, IntegrationKind, Trigger
from healthdesk.errors import ApiRefused
from tests.tui.fake_client import FakeDesk
from tests.tui.fake_health import NOW
from tests.tui.fake_log import HOSTILE

WORKFLOW = "Jira Cloud refused the change of status to Done: the workflow wants a Resolution, and all sub-tasks closed."
LINKED, FAILED, UNLINKED, PLAIN, EVIL, LOST = "tsk_1", "tsk_2", "tsk_3", "tsk_4", "tsk_5", "tsk_6"
URL = "https://acme.atlassian.example/browse/OPS-"


def an_instance(number: int, **more: Any) -> Instance:
    fields: dict[str, Any] = {
        "id": f"tsk_{number}", "kind": InstanceKind.TASK, "name": f"Task {number}", "integration_id": "int_jira",
        "integration_name": "Security tasks", "app": "jira-cloud", "app_name": "Jira Cloud", "connection_id": "con_mine",
        "connection_name": "Jira Cloud · acme", "owner": "alice", "state": InstanceState.SUCCEEDED, "state_word": "Succeeded",
        "link": LinkState.LINKED, "external_key": f"OPS-{number}", "external_url": f"{URL}{number}", "every_s": 3600,
        "last_checked": NOW - timedelta(hours=2), "last_succeeded": NOW - timedelta(hours=2), "next_at": NOW + timedelta(minutes=40),
        "refused": {"create_issue": "it has an issue", "attach": "unlink it first", "reconnect": "its connection was not disconnected"},
    }  # fmt: skip
    return Instance(**(fields | more))


def a_task(number: int, **more: Any) -> Task:
    fields: dict[str, Any] = {
        "id": f"tsk_{number}", "name": f"Task {number}", "status": WorkStatus.NOT_STARTED, "status_word": "",
        "version": 3, "created_at": NOW - timedelta(days=20), "created_by": "alice", "updated_at": NOW - timedelta(hours=3), "updated_by": "bob",
    }  # fmt: skip
    task = Task(**(fields | more))
    if task.instance is not None:  # it has the name of its task
        task.instance = task.instance.model_copy(update={"name": task.name})
    return task


def an_issue(number: int, **more: Any) -> Issue:
    fields: dict[str, Any] = {
        "id": f"100{number}", "key": f"OPS-{number}", "url": f"{URL}{number}", "title": f"Issue {number}",
        "status": "3", "status_name": "In Review", "assignee": "Alice Adams", "container": {"project": "OPS"},
    }  # fmt: skip
    return Issue(**(fields | more))


def some_tasks() -> list[Task]:
    """Return one of each kind: linked, failed, unlinked, without integration, of a hostile name, disconnected."""
    return [
        a_task(1, name="Review vendor list", description="Ask each vendor for its report.\nFile them under Vendors.", status=WorkStatus.IN_PROGRESS, due="2026-11-30", assignee="alice", template_id="tpl_1", template_name="Quarterly keys", instance=an_instance(1), issue=an_issue(1, title="Review vendor list")),
        a_task(2, name="Rotate root keys", status=WorkStatus.DONE, due="2026-11-20", assignee="alice", template_id="tpl_1", template_name="Quarterly keys",
               instance=an_instance(2, state=InstanceState.SYNC_FAILED, state_word="Sync failed", error=WORKFLOW, error_kind="refused", blame="configuration", next_action="Close the sub-tasks of OPS-2, then Sync now.", status=400,
                                    explanation=Explanation(sentence="The connection works (Connected); the workflow of OPS-2 does not let it be Done.", next_action="Close the sub-tasks of OPS-2, then Sync now.", key="s")), issue=an_issue(2)),
        a_task(3, name="Archive logs", instance=an_instance(3, state_word="Unlinked", link=LinkState.UNLINKED, refused={"sync": "it is unlinked", "unlink": "it is unlinked already", "open": ""})),
        a_task(4, name="Call the auditor", assignee="carol", created_by="bob"),
        a_task(5, name=HOSTILE, description=HOSTILE, instance=an_instance(5, external_key="[/bar]\x1b[31m", state=InstanceState.CREATION_FAILED, state_word="Creation failed", error="[/red] Field 'Team' is required.\x1b[2J")),
        a_task(6, name="Renew certificates", instance=an_instance(6, connection_id=None, connection_name="", state=InstanceState.SYNC_FAILED, state_word="Sync failed", error="Its connection was disconnected.", next_at=None, refused={})),
    ]  # fmt: skip


CONFLICT = FieldChange(
    field="status", before="in_progress", after="done", taken="theirs", lost="not_started", label="Status"
)


def some_runs(instance_id: str) -> list[Run]:
    def run(number: int, **more: Any) -> Run:
        fields: dict[str, Any] = {
            "id": f"run_{number}", "instance_id": instance_id, "outcome": RunOutcome.UNCHANGED, "trigger": Trigger.SCHEDULE,
            "started_at": NOW - timedelta(hours=number), "finished_at": NOW - timedelta(hours=number), "duration_ms": 212.0 + number,
        }  # fmt: skip
        return Run(**(fields | more))

    return [
        run(5, outcome=RunOutcome.FAILED, trigger=Trigger.OPERATOR, triggered_by="bob", status=400, error=WORKFLOW, error_kind="refused", blame="configuration", next_action="Close the sub-tasks."),
        run(4, outcome=RunOutcome.CONFLICT, trigger=Trigger.CALLBACK, changes=[CONFLICT, FieldChange(field="name", before="Rotate keys", after="Rotate root keys", taken="theirs")]),
        run(3),
        run(2, outcome=RunOutcome.PUSHED, trigger=Trigger.EDIT, triggered_by="alice", changes=[FieldChange(field="due", before="", after="2026-11-20", taken="ours")]),
        run(1, outcome=RunOutcome.CREATED, trigger=Trigger.FIRST),
    ]  # fmt: skip


def a_template(**more: Any) -> Template:
    fields: dict[str, Any] = {
        "id": "tpl_1", "name": "Quarterly keys", "task": TemplateTask(name="Rotate keys {date}", description="Every key.", assignee="alice", due_in_days=14),
        "schedule": Schedule(cron="0 9 1 */3 *", zone="Europe/Berlin"), "schedule_word": "0 9 1 */3 * Europe/Berlin", "integration_id": "int_jira",
        "integration_name": "Security tasks", "owner": "alice", "next_at": NOW + timedelta(days=40), "last_at": NOW - timedelta(days=52), "tasks": 2,
        "created_at": NOW - timedelta(days=200), "created_by": "alice",
    }  # fmt: skip
    return Template(**(fields | more))


def a_label(number: int, **more: Any) -> Label:
    fields: dict[str, Any] = {
        "id": f"lbl_{number}", "kind": LabelKind.CONTROL, "name": f"AC-{number} Access reviews", "members": ["alice", "bob"],
        "proof_syncs": 2, "created_at": NOW - timedelta(days=9), "created_by": "alice",
    }  # fmt: skip
    return Label(**(fields | more))


SETTINGS = TaskSettings(
    container={"project": "OPS", "issue_type": "Task"},
    directions={"assignee": FieldDirection.OFF},
    statuses={WorkStatus.NOT_STARTED: "1", WorkStatus.IN_PROGRESS: "3", WorkStatus.DONE: "5"},
    their_statuses={
        "1": WorkStatus.NOT_STARTED,
        "3": WorkStatus.IN_PROGRESS,
        "4": WorkStatus.IN_PROGRESS,
        "5": WorkStatus.DONE,
    },
)


def own_connection(connection_id: str, **more: Any) -> Connection:
    fields: dict[str, Any] = {
        "id": connection_id, "app": "jira-cloud", "app_name": "Jira Cloud", "name": f"Jira Cloud · {connection_id}", "account": "ops@acme.io",
        "base_url": "https://acme.atlassian.example", "auth": "token", "owner": "alice", "state": ConnectionState.CONNECTED, "state_word": "Connected",
        "state_since": NOW, "created_at": NOW, "created_by": "alice", "my_grant": "owner",
    }  # fmt: skip
    return Connection(**(fields | more))


def an_integration(**more: Any) -> Integration:
    fields: dict[str, Any] = {
        "id": "int_jira", "kind": IntegrationKind.TASKS, "name": "Security tasks", "app": "jira-cloud", "app_name": "Jira Cloud",
        "connection_id": "con_admin", "connection_name": "Jira Cloud · acme", "admin": "bob", "tasks": SETTINGS, "created_at": NOW, "created_by": "bob",
    }  # fmt: skip
    return Integration(**(fields | more))


class TasksDesk(FakeDesk):
    """A desk with the calls about tasks, templates, labels and integrations of tasks."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tasks = some_tasks()
        self.templates = [a_template(), a_template(id="tpl_2", name="Weekly access review", schedule=Schedule(every_s=604800), schedule_word="every 7 days", error="Jira Cloud refused the token (401).")]  # fmt: skip
        self.labels = [a_label(1), a_label(2, kind=LabelKind.LABEL, name="Vendors", members=["carol"], proof_syncs=0)]  # fmt: skip
        self.found = [an_issue(7, title="Archive old logs"), an_issue(8, attached_to="Rotate root keys"), an_issue(9, key="[/bar]", title=HOSTILE)]  # fmt: skip
        self.own = [own_connection("con_mine"), own_connection("con_second", name="Jira Cloud · second")]
        self.integrations = [
            an_integration(),
            an_integration(id="int_proof", kind=IntegrationKind.PROOF, name="Access proof", app="github", app_name="GitHub", connection_id=None, connection_name="", tasks=None, proof=ProofSettings()),
        ]  # fmt: skip
        self.choices = Choices(
            noun="issue",
            container=[
                AppField(key="project", label="Project"),
                AppField(key="issue_type", label="Issue type"),
            ],
            statuses=[
                StatusChoice(id="1", name="To Do"),
                StatusChoice(id="3", name="In Progress"),
                StatusChoice(id="4", name="In Review"),
                StatusChoice(id="5", name="Done", done=True),
            ],
            suggested=SETTINGS,
        )
        self.no_runs = False

    def task_of(self, task_id: str) -> Task:
        for task in self.tasks:
            if task.id == task_id:
                return task
        raise ApiRefused(f"there is no task {task_id}", status=404, slug="not-found")

    # Tasks

    async def tasks_list(self, *, after: str | None = None, limit: int = 50, **chosen: Any) -> Page[Task]:
        self.note("tasks_list", {name: value for name, value in chosen.items() if value is not None})
        text = (chosen.get("text") or "").lower()
        rows = [
            task
            for task in self.tasks
            if chosen.get("template_id") in (None, task.template_id)
            and chosen.get("status") in (None, task.status)
            and chosen.get("assignee") in (None, task.assignee)
            and text in task.name.lower()
        ]
        return Page[Task](items=rows)

    async def task(self, task_id: str) -> Task:
        self.note("task", task_id)
        return self.task_of(task_id)

    async def task_create(self, new: Any) -> Task:
        self.note("task_create", new)
        task = a_task(9, name=new.name, instance=an_instance(9) if new.integration_id else None)
        self.tasks.append(task)
        return task

    async def task_edit(self, task_id: str, changes: Any) -> Task:
        self.note("task_edit", (task_id, changes))
        return self.task_of(task_id)

    async def task_remove(self, task_id: str) -> None:
        self.note("task_remove", task_id)
        self.tasks = [task for task in self.tasks if task.id != task_id]

    # Instances

    def _instance(self, instance_id: str) -> Instance:
        found = self.task_of(instance_id).instance
        assert found is not None
        return found

    async def instance_runs(
        self, instance_id: str, *, after: str | None = None, limit: int = 50
    ) -> Page[Run]:
        self.note("instance_runs", instance_id)
        return Page[Run](items=[] if self.no_runs else some_runs(instance_id))

    async def instance_sync(self, instance_id: str) -> Instance:
        self.note("instance_sync", instance_id)
        return self._instance(instance_id)

    async def instance_unlink(self, instance_id: str) -> Instance:
        self.note("instance_unlink", instance_id)
        return self._instance(instance_id)

    async def instance_create_issue(self, instance_id: str) -> Instance:
        self.note("instance_create_issue", instance_id)
        return self._instance(instance_id).model_copy(update={"state_word": "Succeeded"})

    async def instance_find(self, instance_id: str, wanted: Any) -> FoundIssues:
        self.note("instance_find", (instance_id, wanted))
        return FoundIssues(issues=self.found, cut=len(self.found) > 2)

    async def instance_review(self, instance_id: str, issue: Any) -> AttachReview:
        self.note("instance_review", (instance_id, issue))
        found = next(each for each in self.found if each.id == issue.id)
        changes = [
            FieldChange(field="name", before=self.task_of(instance_id).name, after=found.title),
            FieldChange(field="description", before="Keep them seven years.\n" * 4, after="[/bar] Keep them ten years.\n" * 3),
            FieldChange(field="status", before="Not started", after="In progress"),
            FieldChange(field="due", before="2026-11-30", after=""),
            FieldChange(field="assignee", before="alice", after="alice"),
        ]  # fmt: skip
        warning = (
            f"{self.task_of(instance_id).name} will be overwritten by {found.key}: the third-party task wins."
        )
        return AttachReview(issue=found, changes=changes, warning=warning, digest="d1g3st")

    async def instance_attach(self, instance_id: str, issue: Any) -> Instance:
        self.note("instance_attach", (instance_id, issue))
        return an_instance(3, name=self.task_of(instance_id).name)

    async def instance_reconnect(self, instance_id: str, choice: Any) -> Reconnected:
        self.note("instance_reconnect", (instance_id, choice))
        return Reconnected(instances=11, sentence="11 tasks of alice work again; they are synced now.")

    # Templates, labels, integrations, connections

    async def templates_list(self, *, after: str | None = None, limit: int = 50) -> Page[Template]:
        self.note("templates_list")
        return Page[Template](items=self.templates)

    async def template(self, template_id: str) -> Template:
        self.note("template", template_id)
        return next(each for each in self.templates if each.id == template_id)

    async def template_create(self, new: Any) -> Template:
        self.note("template_create", new)
        self.templates.append(a_template(id="tpl_9", name=new.name))
        return self.templates[-1]

    async def template_edit(self, template_id: str, changes: Any) -> Template:
        self.note("template_edit", (template_id, changes))
        return self.templates[0]

    async def template_remove(self, template_id: str) -> None:
        self.note("template_remove", template_id)

    async def template_create_task(self, template_id: str) -> Task:
        self.note("template_create_task", template_id)
        return self.tasks[0]

    async def labels_list(self, *, after: str | None = None, limit: int = 50, **chosen: Any) -> Page[Label]:
        self.note("labels_list", chosen)
        return Page[Label](items=[each for each in self.labels if chosen.get("kind") in (None, each.kind)])

    async def label(self, label_id: str) -> Label:
        self.note("label", label_id)
        return next(each for each in self.labels if each.id == label_id)

    async def label_create(self, new: Any) -> Label:
        self.note("label_create", new)
        self.labels.append(a_label(9, name=new.name))
        return self.labels[-1]

    async def label_edit(self, label_id: str, changes: Any) -> Label:
        self.note("label_edit", (label_id, changes))
        return self.labels[0]

    async def label_remove(self, label_id: str) -> None:
        self.note("label_remove", label_id)

    async def connections_list(self, *, after: str | None = None, limit: int = 50) -> Page[Connection]:
        self.note("connections_list")
        return Page[Connection](items=self.own)

    async def integrations_list(self, *, after: str | None = None, limit: int = 50) -> Page[Integration]:
        self.note("integrations_list")
        return Page[Integration](items=[*self.integrations, super()._integration()])

    async def integration(self, integration_id: str) -> Integration:
        self.note("integration", integration_id)
        return next((each for each in self.integrations if each.id == integration_id), super()._integration())

    async def integration_choices(self, connection_id: str, container: Any = None) -> Choices:
        self.note("integration_choices", (connection_id, container))
        return self.choices

    async def integration_create(self, new: Any) -> Integration:
        self.note("integration_create", new)
        return self.integrations[0]

    async def integration_edit(self, integration_id: str, changes: Any) -> Integration:
        self.note("integration_edit", (integration_id, changes))
        return self.integrations[0]

    async def integration_remove(self, integration_id: str, *, unlink: bool = False) -> None:
        self.note("integration_remove", (integration_id, unlink))
