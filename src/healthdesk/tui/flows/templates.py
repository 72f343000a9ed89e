"""Adding, changing and removing repeating tasks, and creating a task of one by hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from healthdesk.api.integrations import Integration
from healthdesk.api.tasks import Schedule, Template, TemplateCreate, TemplateEdit, TemplateTask
from healthdesk.domain.durations import format_span, parse_duration
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.tasks import (
    choose_task_integration,
    own_connection_id,
    shown_text,
)
from healthdesk.tui.format import Span, Tone, line
from healthdesk.tui.messages import RowAdded
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.instance_words import told
from healthdesk.tui.view.words import plural

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

BY_HAND, EVERY, CRON = "hand", "every", "cron"
KINDS = ((BY_HAND, "by hand only"), (EVERY, "every so often"), (CRON, "by a cron expression"))
MOST_DAYS = 3660


def template_fields(template: Template | None, zone: str) -> list[Field]:
    """Return the fields of a repeating task, as they are; `zone` is the one that times are entered in at first."""
    task = template.task if template else None
    schedule = template.schedule if template else None
    kind = BY_HAND if schedule is None else CRON if schedule.cron else EVERY
    return [
        Field("name", "Name", template.name if template else "", required=True),
        Field("repeats", "Repeats", kind if template else EVERY, options=KINDS),
        Field("every", "  every", format_span(schedule.every_s) if schedule and schedule.every_s else "", "7d, 12h", required=True, when=("repeats", (EVERY,)), path="schedule.every_s"),
        Field("cron", "  cron", schedule.cron if schedule else "", "0 9 1 * *: minute hour day month weekday", required=True, when=("repeats", (CRON,)), path="schedule.cron"),
        Field("zone", "  time zone", schedule.zone if schedule else zone, "Europe/Berlin", when=("repeats", (CRON,)), path="schedule.zone"),
        Field("task_name", "Name of each task", task.name if task else "", "Rotate keys {date}", required=True, help=lambda _: ("{date} is the day on which it is created.",), path="task.name"),
        Field("description", "Description", shown_text(task.description) if task else "", long=True, path="task.description"),
        Field("assignee", "Assignee", task.assignee if task else "", "a user of this desk", path="task.assignee"),
        Field("due_in_days", "Due in days", _days(task), "counted from the day it is created", path="task.due_in_days"),
    ]  # fmt: skip


def _days(task: TemplateTask | None) -> str:
    return str(task.due_in_days) if task is not None and task.due_in_days is not None else ""


def check_template(values: Values) -> dict[str, str]:
    """Return what is wrong with the values of a repeating task."""
    wrong = {}
    days = values.get("due_in_days", "").strip()
    if days and not (days.isascii() and days.isdigit() and int(days) <= MOST_DAYS):
        wrong["due_in_days"] = f"is a number of days, at most {MOST_DAYS}"
    if every := values.get("every", "").strip():
        try:
            parse_duration(every)
        except ValueError:
            wrong["every"] = "is a time like 12h or 7d"
    return wrong


def schedule_of(values: Values) -> Schedule | None:
    """Return the schedule that was entered, None for one by hand."""
    if values["repeats"] == EVERY:
        return Schedule(every_s=parse_duration(values["every"].strip()))
    if values["repeats"] == CRON:
        return Schedule(cron=values["cron"].strip(), zone=values["zone"].strip() or "UTC")
    return None


def task_of(values: Values, before: TemplateTask | None = None) -> TemplateTask:
    """Return what each task begins with; further fields stay as they were."""
    days = values["due_in_days"].strip()
    kept = before is not None and values["description"] == shown_text(before.description)
    return TemplateTask(
        name=values["task_name"],
        description=before.description if before is not None and kept else values["description"],
        assignee=values["assignee"],
        due_in_days=int(days) if days else None,
        fields=before.fields if before is not None else {},
    )


async def add_template(screen: DeskScreen, region: str = "") -> str:
    """Ask for a new repeating task: first the integration its tasks get, then the rest."""
    chosen = await choose_task_integration(screen, "New template · integration of its tasks", without=True)
    if chosen is None:
        return ""
    known: dict[str, Any] = {}
    if isinstance(chosen, Integration):
        going_on, connection_id = await own_connection_id(screen, chosen, "New template · connection")
        if not going_on:
            return ""
        known = {"integration_id": chosen.id, "connection_id": connection_id}

    async def send(values: Values) -> Template:
        new = TemplateCreate(name=values["name"], task=task_of(values), schedule=schedule_of(values), **known)
        return await screen.client.template_create(new)

    form = partial(
        Form,
        f"New template · {chosen.name}" if isinstance(chosen, Integration) else "New template",
        template_fields(None, "UTC"),
        button="Add",
        check=check_template,
    )
    added = await ask_until_taken(screen, form, send)
    if added is None:
        return ""
    if region:
        screen.post_message(RowAdded(region, added.id))
    return f"{added.name} is added."


async def edit_template(screen: DeskScreen, template_id: str) -> str:
    """Ask for changes of a repeating task; tasks that exist stay as they are."""
    template = await screen.client.template(template_id)
    form = partial(
        Form, f"Edit template · {template.name}", template_fields(template, "UTC"), check=check_template
    )

    async def send(values: Values) -> str:
        changes = template_changes(values, template)
        if not changes.model_fields_set:
            return "Nothing was changed."
        return f"{(await screen.client.template_edit(template_id, changes)).name} is saved."

    return await ask_until_taken(screen, form, send) or ""


def template_changes(values: Values, before: Template) -> TemplateEdit:
    """Return what was changed of a repeating task, and nothing else."""
    known: dict[str, Any] = {}
    if (name := values["name"].strip()) != before.name:
        known["name"] = name
    if (task := task_of(values, before.task)) != before.task:
        known["task"] = task
    schedule = schedule_of(values)
    if schedule is None and before.schedule is not None:
        known["without_schedule"] = True
    elif schedule is not None and schedule != before.schedule:
        known["schedule"] = schedule
    return TemplateEdit(**known)


async def integration_of_template(screen: DeskScreen, template: Template) -> str:
    """Choose the integration that tasks created from now on get."""
    chosen = await choose_task_integration(screen, f"Integration of tasks of {template.name}", without=False)
    if not isinstance(chosen, Integration):
        return ""
    going_on, connection_id = await own_connection_id(screen, chosen, f"Connection · {template.name}")
    if not going_on:
        return ""
    known: dict[str, Any] = {"integration_id": chosen.id}
    if connection_id is not None:
        known["connection_id"] = connection_id
    await screen.client.template_edit(template.id, TemplateEdit(**known))
    return f"Tasks of {template.name} are created with {chosen.name} from now on."


async def remove_template(screen: DeskScreen, template: Template) -> str:
    """Remove a repeating task; the tasks made from it stay."""
    lines = [
        line(template.name),
        (),
        line(Span("No further tasks are created from it.", Tone.BAD)),
        line(f"{plural(template.tasks, 'task')} made from it {'stays' if template.tasks == 1 else 'stay'}."),
    ]
    question = Question("Remove the template", lines, (("remove", "Remove"),), ascii_only=screen.ascii_only)
    if await screen.ask(question) is None:
        return ""
    await screen.client.template_remove(template.id)
    return f"{template.name} is removed."


async def create_from(screen: DeskScreen, template: Template) -> str:
    """Create a task from a template now, whatever its schedule says."""
    lines = [line(f"A task is created from {template.name} now; its schedule goes on as it is.")]
    question = Question("Create a task", lines, (("create", "Create"),), ascii_only=screen.ascii_only)
    if await screen.ask(question) is None:
        return ""
    task = await screen.client.template_create_task(template.id)
    return told(task.instance) if task.instance is not None else f"{task.name} is created."
