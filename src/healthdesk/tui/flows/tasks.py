"""Adding, changing and removing tasks; choosing an integration for one that has none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from healthdesk.api.apps import AppField
from healthdesk.api.integrations import Integration
from healthdesk.api.tasks import Task, TaskCreate, TaskEdit
from healthdesk.domain.instance_states import WorkStatus
from healthdesk.domain.states import IntegrationKind
from healthdesk.errors import ApiRefused, HealthdeskError
from healthdesk.tui.flows.asked_fields import asked_fields, asked_values
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.attaching import attach_issue
from healthdesk.tui.flows.own_connections import choose_among, usable_connections
from healthdesk.tui.format import Line, Span, Tone, block, clean, dim, line
from healthdesk.tui.messages import RowAdded
from healthdesk.tui.screens.chooser import Chooser, Option
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.instance_words import WORK, told
from healthdesk.tui.whole import whole
from healthdesk.tui.widgets.columns import Column

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

NONE = "none"
EXTRA = "extra"
STATUSES = tuple((status.value, word.text) for status, word in WORK.items())
INTEGRATION_COLUMNS = [
    Column("Integration", 20, flex=2),
    Column("App", 14, flex=1),
    Column("Admin connection", 16, flex=1),
]
WITHOUT = Option(
    NONE,
    (Span("No integration"), Span("–", Tone.DIM), Span("–", Tone.DIM)),
    (line(dim("A task of this desk only; an integration can be chosen later.")),),
)


async def integrations_of(screen: DeskScreen, *kinds: IntegrationKind) -> list[Integration]:
    """Return the integrations of some kinds, by name."""
    found: list[Integration] = await whole(screen.client.integrations_list)
    return sorted((each for each in found if each.kind in kinds), key=lambda each: each.name.lower())


async def choose_task_integration(
    screen: DeskScreen, title: str, *, without: bool
) -> Integration | str | None:
    """Return the task integration that was chosen, NONE where none is wanted, or None when it was left."""
    found = await integrations_of(screen, IntegrationKind.TASKS)
    if not found:
        if without:
            return NONE
        raise HealthdeskError(
            "There is no task integration yet.", fix="`i` in Connections, then `n` adds one."
        )
    options = [_integration_option(each) for each in found]
    chooser = Chooser(
        title,
        INTEGRATION_COLUMNS,
        [*options, WITHOUT] if without else options,
        ascii_only=screen.ascii_only,
    )
    answer: str | None = await screen.ask(chooser)
    return NONE if answer == NONE else next((each for each in found if each.id == answer), None)


def _integration_option(integration: Integration) -> Option:
    where = ", ".join(
        f"{key} {value}" for key, value in (integration.tasks.container if integration.tasks else {}).items()
    )
    admin = integration.connection_name or "disconnected"
    cells = (
        Span(integration.name),
        Span(integration.app_name, Tone.DIM),
        Span(f"{admin} · {integration.admin}", Tone.DIM),
    )
    told_lines: tuple[Line, ...] = (line(dim(f"Issues are created in {where}." if where else "")),)
    return Option(integration.id, cells, told_lines, f"{integration.name} {integration.app_name}")


async def own_connection_id(
    screen: DeskScreen, integration: Integration, title: str
) -> tuple[bool, str | None]:
    """Return whether to go on, and the connection where there is a choice; the daemon finds a single one itself."""
    found = await usable_connections(screen, integration.app)
    if len(found) <= 1:
        return True, None
    chosen = await choose_among(screen, title, found)
    return chosen is not None, chosen.id if chosen else None


# Forms


def task_fields(task: Task | None = None) -> list[Field]:
    """Return the fields of a task, as they are."""
    return [
        Field("name", "Name", task.name if task else "", required=True),
        Field("description", "Description", shown_text(task.description) if task else "", long=True),
        Field(
            "status", "Status", task.status.value if task else WorkStatus.NOT_STARTED.value, options=STATUSES
        ),
        Field("due", "Due date", task.due if task else "", "2027-01-31"),
        Field("assignee", "Assignee", task.assignee if task else "", "a user of this desk"),
    ]


def shown_text(text: str) -> str:
    """Return a text of others as it can be edited: its lines, each without what a terminal must not be told."""
    return "\n".join(clean(part) for part in block(text))


def check_task(values: Values) -> dict[str, str]:
    """Return what is wrong with the values of a task."""
    due = values.get("due", "").strip()
    try:
        date.fromisoformat(due or "2027-01-31")
    except ValueError:
        return {"due": "is a day, written 2027-01-31"}
    return {}


def extra_fields(extras: list[AppField]) -> list[Field]:
    """Return the further fields that a creation wants."""
    return asked_fields(extras, EXTRA, "fields")


async def extras_of(
    screen: DeskScreen, integration: Integration, connection_id: str | None
) -> list[AppField]:
    """Return the further fields that a creation wants and the integration does not fill in; none where the app does not say."""
    settings = integration.tasks
    asked = connection_id or integration.connection_id
    if settings is None or asked is None:
        return []
    try:
        choices = await screen.client.integration_choices(asked, settings.container)
    except ApiRefused:
        return []  # what is missing is said by the creation itself
    return [each for each in choices.fields if each.key not in settings.values]


def task_changes(values: Values, before: Task) -> TaskEdit:
    """Return what was changed of a task, and nothing else."""
    known: dict[str, Any] = {}
    if (name := values["name"].strip()) != before.name:
        known["name"] = name
    if values["description"] != shown_text(before.description):
        known["description"] = values["description"]
    if values["status"] != before.status.value:
        known["status"] = WorkStatus(values["status"])
    for field in ("due", "assignee"):
        if (value := values[field].strip()) != getattr(before, field):
            known[field] = value
    if known:
        known["version"] = before.version
    return TaskEdit(**known)


async def add_task(screen: DeskScreen, region: str = "") -> str:
    """Ask for a new task: first its integration where there are any, then its fields and what the app wants."""
    while True:
        chosen = await choose_task_integration(screen, "New task · integration", without=True)
        if chosen is None:
            return ""
        integration = chosen if isinstance(chosen, Integration) else None
        connection_id: str | None = None
        extras: list[AppField] = []
        if integration is not None:
            going_on, connection_id = await own_connection_id(screen, integration, "New task · connection")
            if not going_on:
                continue
            extras = await extras_of(screen, integration, connection_id)
        added = await _add(screen, integration, connection_id, extras)
        if added is not None:
            if region:
                screen.post_message(RowAdded(region, added.id))
            return told(added.instance) if added.instance is not None else f"{added.name} is added."
        if integration is None:
            return ""


async def _add(
    screen: DeskScreen, integration: Integration | None, connection_id: str | None, extras: list[AppField]
) -> Task | None:
    async def send(values: Values) -> Task:
        new = TaskCreate(
            name=values["name"],
            description=values["description"],
            status=WorkStatus(values["status"]),
            due=values["due"].strip(),
            assignee=values["assignee"],
            integration_id=integration.id if integration else None,
            connection_id=connection_id,
            fields=dict(asked_values(values, EXTRA)),
        )
        return await screen.client.task_create(new)

    form = partial(
        Form,
        f"New task · {integration.name}" if integration else "New task",
        [*task_fields(), *extra_fields(extras)],
        button="Add",
        doing=f"Adding… its issue is created in {integration.app_name}." if integration else "Adding…",
        check=check_task,
    )
    return await ask_until_taken(screen, form, send)


async def edit_task(screen: DeskScreen, task_id: str) -> str:
    """Ask for changes of a task; what is synced goes to its issue."""
    task = await screen.client.task(task_id)
    form = partial(Form, f"Edit task · {task.name}", task_fields(task), check=check_task)

    async def send(values: Mapping[str, str]) -> str:
        changes = task_changes(values, task)
        if not changes.model_fields_set:
            return "Nothing was changed."
        changed = await screen.client.task_edit(task_id, changes)
        return told(changed.instance) if changed.instance is not None else f"{changed.name} is saved."

    return await ask_until_taken(screen, form, send) or ""


async def remove_task(screen: DeskScreen, task: Task) -> str:
    """Remove a task after naming it; its issue stays."""
    lines = [line(task.name), (), line(Span("The task and the history of its runs are deleted.", Tone.BAD))]
    if task.instance is not None and task.instance.external_key:
        lines.append(line(f"{task.instance.external_key} in {task.instance.app_name} stays as it is."))
    question = Question("Remove the task", lines, (("remove", "Remove"),), ascii_only=screen.ascii_only)
    if await screen.ask(question) is None:
        return ""
    await screen.client.task_remove(task.id)
    return f"{task.name} is removed."


async def choose_integration(screen: DeskScreen, task: Task) -> str:
    """Give a task an integration: a new issue is created, or one that exists attached."""
    chosen = await choose_task_integration(screen, f"Integration of {task.name}", without=False)
    if not isinstance(chosen, Integration):
        return ""
    going_on, connection_id = await own_connection_id(screen, chosen, f"Connection · {task.name}")
    if not going_on:
        return ""
    lines = [line(f"{task.name} and an issue in {chosen.app_name} are synced from now on ({chosen.name}).")]
    question = Question(
        f"Integrate {task.name}",
        lines,
        (("attach", "Attach an existing issue"), ("create", "Create a new issue")),
        ascii_only=screen.ascii_only,
    )
    answer = await screen.ask(question)
    if answer == "attach":
        return await attach_issue(
            screen, task.id, task.name, chosen.app_name, integration_id=chosen.id, connection_id=connection_id
        )
    return await _create_in(screen, task, chosen, connection_id) if answer == "create" else ""


async def _create_in(
    screen: DeskScreen, task: Task, integration: Integration, connection_id: str | None
) -> str:
    extras = extra_fields(await extras_of(screen, integration, connection_id))

    async def send(values: Values) -> str:
        known: dict[str, Any] = {"integration_id": integration.id, "version": task.version}
        if connection_id is not None:
            known["connection_id"] = connection_id
        if given := asked_values(values, EXTRA):
            known["fields"] = dict(given)
        changes = TaskEdit(**known)
        changed = await screen.client.task_edit(task.id, changes)
        return told(changed.instance) if changed.instance is not None else f"{changed.name} is saved."

    form = partial(
        Form,
        f"Create a new issue · {integration.name}",
        extras,
        button="Create",
        doing=f"Creating the issue in {integration.app_name}…",
        at_once=not extras,
    )
    return await ask_until_taken(screen, form, send) or ""
