"""`healthdesk templates`: repeating tasks."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.command import FAILED, Command, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import BAD, Cell
from healthdesk.cli.tables import Column
from healthdesk.cli.tasks import print_task

if TYPE_CHECKING:
    from healthdesk.api.tasks import Template


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print templates."""
    page = await desk.collect(
        lambda after, limit: desk.client.templates_list(after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    columns = (
        Column("Id"),
        Column("Name", flex=True),
        Column("Repeats", flex=True, spare=1),
        Column("Integration", spare=2),
        Column("Tasks", right=True),
        Column(desk.out.titled("Next")),
    )

    def row(item: Template) -> list[Cell | str]:
        following = desk.out.short_time(item.next_at) if item.next_at else "–"
        return [
            item.id,
            item.name,
            item.schedule_word,
            item.integration_name,
            f"{item.tasks:,}",
            Cell(f"✗ {following}", BAD) if item.error else following,
        ]

    desk.out.page(page, columns, row, empty="No templates. `healthdesk templates add` adds one.")


def print_template(desk: Desk, item: Template) -> None:
    """Print one template."""
    out = desk.out
    if out.as_json:
        out.model(item)
        return
    task = item.task
    out.facts(
        [
            ("Id", item.id),
            ("Name", item.name),
            ("Repeats", item.schedule_word),
            ("Next task", out.time(item.next_at) if item.next_at else ""),
            ("Last task", out.time(item.last_at) if item.last_at else ""),
            ("Error", Cell(item.error, BAD) if item.error else ""),
            ("Integration", item.integration_name),
            ("Owner", item.owner),
            ("Tasks", f"{item.tasks:,}"),
            ("Created", f"{out.time(item.created_at)} by {item.created_by}"),
        ]
    )
    out.heading("Each task")
    out.facts(
        [
            ("Name", task.name),
            ("Description", task.description),
            ("Assignee", task.assignee),
            ("Due", "" if task.due_in_days is None else f"{task.due_in_days} days after it is created"),
            ("Further", "; ".join(f"{name}={value}" for name, value in task.fields.items())),
        ]
    )


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", metavar="TEMPLATE", help="id or name")


async def show(desk: Desk, args: argparse.Namespace) -> None:
    """Print one template."""
    print_template(desk, await desk.client.template(await desk.template_id(args.template)))


def _said_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task-name", metavar="TEXT", help="what each task is called; {date} is its day")
    parser.add_argument("--description", help="what is to be done")
    parser.add_argument("--assignee", metavar="USER", help="whose each task is")
    parser.add_argument("--due-in", type=options.whole(0, 3660), metavar="DAYS", help="days until it is due")
    parser.add_argument(
        "--value", action="append", metavar="FIELD=VALUE", help="a further field of the issue, repeatable"
    )
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--every", type=options.duration, metavar="TIME", help="a task every so often, as 7d")
    when.add_argument("--cron", metavar="EXPRESSION", help="by a cron expression, as '0 9 1 * *'")
    parser.add_argument("--zone", help="the time zone of --cron (UTC)")
    parser.add_argument("--integration", metavar="INTEGRATION", help="create issues through this one")
    parser.add_argument("--connection", metavar="CONNECTION", help="which of the owner's own")


async def _said(desk: Desk, args: argparse.Namespace) -> dict[str, Any]:
    from healthdesk.api.tasks import Schedule

    fields: dict[str, Any] = {} if args.name is None else {"name": args.name}
    if args.every is not None or args.cron is not None:
        fields["schedule"] = Schedule(every_s=args.every, cron=args.cron or "", zone=args.zone or "UTC")
    elif args.zone is not None:
        raise UsageError("--zone goes with --cron")
    if args.integration is not None:
        fields["integration_id"] = await desk.integration_id(args.integration)
    if args.connection is not None:
        fields["connection_id"] = await desk.connection_id(args.connection)
    return fields


def _task(args: argparse.Namespace) -> dict[str, Any]:
    given = {
        "name": args.task_name,
        "description": args.description,
        "assignee": args.assignee,
        "due_in_days": args.due_in,
        "fields": None if args.value is None else options.pairs(args.value, "--value", "="),
    }
    return {name: value for name, value in given.items() if value is not None}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="what it is called")
    _said_arguments(parser)


async def add(desk: Desk, args: argparse.Namespace) -> None:
    """Add a template; without --every or --cron it creates tasks by hand only."""
    from healthdesk.api.tasks import TemplateCreate, TemplateTask

    task = TemplateTask(**{"name": args.name, **_task(args)})
    item = await desk.client.template_create(TemplateCreate(task=task, **await _said(desk, args)))
    print_template(desk, item)


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--name", help="what it is called")
    _said_arguments(parser)
    parser.add_argument("--by-hand", action="store_true", help="create tasks by hand only from now on")


async def edit(desk: Desk, args: argparse.Namespace) -> None:
    """Change a template; tasks that exist stay as they are."""
    from healthdesk.api.tasks import TemplateEdit

    template_id = await desk.template_id(args.template)
    fields = await _said(desk, args)
    if args.by_hand:
        fields["without_schedule"] = True
    changes = _task(args)
    if changes:
        now = await desk.client.template(template_id)
        fields["task"] = now.task.model_copy(update=changes)
    if not fields:
        raise UsageError("nothing to change", f"see `{args.prog} --help`")
    print_template(desk, await desk.client.template_edit(template_id, TemplateEdit(**fields)))


async def create(desk: Desk, args: argparse.Namespace) -> None:
    """Create a task from a template now."""
    template_id = await desk.template_id(args.template)
    print_task(desk, await desk.client.template_create_task(template_id))


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    options.yes(parser)


async def remove(desk: Desk, args: argparse.Namespace) -> int | None:
    """Remove a template; tasks that were made from it stay."""
    desk.ask.require_yes(args.yes)
    item = await desk.client.template(await desk.template_id(args.template))
    question = f"Remove {item.name}? No tasks are created from it any more; {item.tasks:,} stay."
    if not args.yes and not desk.ask.confirm(desk.out.safe(question)):
        desk.out.note("Nothing was changed.")
        return FAILED
    await desk.client.template_remove(item.id)
    desk.out.done(item, f"Removed {item.name}.")
    return None


COMMANDS = (
    Command("list", "list repeating tasks", run=list_, arguments=options.paging),
    Command("show", "show one and when its next task is created", run=show, arguments=_one),
    Command("add", "add a repeating task", run=add, arguments=_add_arguments),
    Command("edit", "change a repeating task", run=edit, arguments=_edit_arguments),
    Command("create", "create a task from it now", run=create, arguments=_one),
    Command("remove", "remove a repeating task; its tasks stay", run=remove, arguments=_remove_arguments),
)
