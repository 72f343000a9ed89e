"""`healthdesk tasks`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import marks, options
from healthdesk.cli.command import FAILED, Command, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column
from healthdesk.domain.instance_states import LinkState, WorkStatus

if TYPE_CHECKING:
    from healthdesk.api.tasks import Task


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", choices=options.words(WorkStatus), help="only those")
    parser.add_argument("--integration", metavar="INTEGRATION", help="only those of this one, by id or name")
    parser.add_argument("--template", metavar="TEMPLATE", help="only those made from this one, by id or name")
    parser.add_argument("--assignee", metavar="USER", help="only those of this person")
    parser.add_argument("--text", help="what the name or the issue's key contains")
    options.paging(parser)


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print tasks, newest first."""
    status = None if args.status is None else WorkStatus(args.status)
    integration_id = None if args.integration is None else await desk.integration_id(args.integration)
    template_id = None if args.template is None else await desk.template_id(args.template)
    page = await desk.collect(
        lambda after, limit: desk.client.tasks_list(
            status=status,
            template_id=template_id,
            integration_id=integration_id,
            assignee=args.assignee,
            text=args.text,
            after=after,
            limit=limit,
        ),
        limit=args.limit,
        after=args.after,
    )
    columns = (
        Column("Id"),
        Column("Name", flex=True),
        Column("Status"),
        Column("Due"),
        Column("Assignee", spare=1),
        Column("Issue", spare=2),
        Column("Sync"),
    )

    def row(item: Task) -> list[Cell | str]:
        return [item.id, item.name, item.status_word, item.due, item.assignee, _key(item), _sync(item)]

    desk.out.page(page, columns, row, empty="No tasks. `healthdesk tasks add` adds one.")


def _key(item: Task) -> str:
    return item.instance.external_key if item.instance is not None else ""


def _sync(item: Task) -> Cell | str:
    if item.instance is None:
        return "–"
    return marks.instance(item.instance.state, item.instance.state_word, blocked=item.instance.blocked)


def print_task(desk: Desk, item: Task) -> None:
    """Print one task."""
    out = desk.out
    if out.as_json:
        out.model(item)
        return
    synced = item.instance
    out.facts(
        [
            ("Id", item.id),
            ("Name", item.name),
            ("Status", item.status_word),
            ("Due", item.due),
            ("Assignee", item.assignee),
            ("Template", item.template_name),
            ("Created", f"{out.time(item.created_at)} by {item.created_by}"),
            ("Changed", f"{out.time(item.updated_at)} by {item.updated_by}"),
            ("Version", str(item.version)),
            ("Sync", _sync(item) if synced else "of this desk only"),
            ("Error", synced.error if synced else ""),
            ("Integration", synced.integration_name if synced else ""),
            ("Connection", (synced.connection_name or "disconnected") if synced else ""),
            ("Issue", " ".join(filter(None, (synced.external_key, synced.external_url))) if synced else ""),
        ]
    )
    if item.description:
        out.heading("Description")
        for line in item.description.splitlines():
            out.line(line)


async def show(desk: Desk, args: argparse.Namespace) -> None:
    """Print one task."""
    print_task(desk, await desk.client.task(await desk.task_id(args.task)))


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="id or name")


def _said_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--description", help="what is to be done")
    parser.add_argument("--status", choices=options.words(WorkStatus), help="not_started")
    parser.add_argument("--due", metavar="DATE", help="when it is due, as 2027-01-31; empty for none")
    parser.add_argument("--assignee", metavar="USER", help="whose it is; empty for nobody's")
    parser.add_argument(
        "--integration", metavar="INTEGRATION", help="create an issue through this one, by id or name"
    )
    parser.add_argument(
        "--connection", metavar="CONNECTION", help="which of your own, where there is more than one"
    )
    parser.add_argument(
        "--value", action="append", metavar="FIELD=VALUE", help="a further field of the issue, repeatable"
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="what it is called")
    _said_arguments(parser)


async def _said(desk: Desk, args: argparse.Namespace) -> dict[str, Any]:
    fields: dict[str, Any] = {
        name: value
        for name in ("name", "description", "status", "due", "assignee")
        if (value := getattr(args, name)) is not None
    }
    if args.integration is not None:
        fields["integration_id"] = await desk.integration_id(args.integration)
    if args.connection is not None:
        fields["connection_id"] = await desk.connection_id(args.connection)
    if args.value is not None:
        fields["fields"] = options.pairs(args.value, "--value", "=")
    return fields


async def add(desk: Desk, args: argparse.Namespace) -> None:
    """Add a task."""
    from healthdesk.api.tasks import TaskCreate

    item = await desk.client.task_create(TaskCreate(**await _said(desk, args)))
    print_task(desk, item)
    if item.instance is not None and not desk.out.as_json:
        desk.out.note(
            f"its issue is created now: `healthdesk instances show {item.id}` says what became of it"
        )


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--name", help="what it is called")
    _said_arguments(parser)
    parser.add_argument(
        "--version", type=options.whole(0), metavar="N", help="refuse it when the task changed since"
    )


async def edit(desk: Desk, args: argparse.Namespace) -> None:
    """Change a task; one that is linked is synced at once."""
    from healthdesk.api.tasks import TaskEdit

    fields = await _said(desk, args)
    if not fields:
        raise UsageError("nothing to change", f"see `{args.prog} --help`")
    if args.version is not None:
        fields["version"] = args.version
    task_id = await desk.task_id(args.task)
    print_task(desk, await desk.client.task_edit(task_id, TaskEdit(**fields)))


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    options.yes(parser)


async def remove(desk: Desk, args: argparse.Namespace) -> int | None:
    """Remove a task; its issue stays."""
    desk.ask.require_yes(args.yes)
    item = await desk.client.task(await desk.task_id(args.task))
    stays = ""
    if item.instance is not None and item.instance.link is LinkState.LINKED:
        stays = f" {item.instance.external_key or 'Its issue'} stays as it is in {item.instance.app_name}."
    if not args.yes and not desk.ask.confirm(desk.out.safe(f"Remove {item.name}?{stays}")):
        desk.out.note("Nothing was changed.")
        return FAILED
    await desk.client.task_remove(item.id)
    desk.out.done(item, f"Removed {item.name}.{stays}")
    return None


COMMANDS = (
    Command("list", "list tasks", run=list_, arguments=_list_arguments),
    Command("show", "show one task and its issue", run=show, arguments=_one),
    Command("add", "add a task, with an issue or without", run=add, arguments=_add_arguments),
    Command("edit", "change a task, or create an issue for it", run=edit, arguments=_edit_arguments),
    Command("remove", "remove a task; its issue stays", run=remove, arguments=_remove_arguments),
)
