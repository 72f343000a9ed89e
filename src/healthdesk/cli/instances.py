"""`healthdesk instances`: tasks and proof syncs, their status and their runs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import instance_links as links
from healthdesk.cli import marks, options, proof
from healthdesk.cli.command import FAILED, Command
from healthdesk.cli.desk import Desk
from healthdesk.cli.instance_view import one, print_instance
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column
from healthdesk.cli.times import format_duration_ms
from healthdesk.domain.instance_states import InstanceKind, InstanceState

if TYPE_CHECKING:
    from healthdesk.api.instances import FieldChange, Instance, InstanceFilter, InstanceTotals, Run

_GOOD_STATES = (InstanceState.SUCCEEDED, InstanceState.PENDING)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--failed", action="store_true", help="those that failed or are blocked")
    parser.add_argument("--blocked", action="store_true", help="those whose connection fails")
    parser.add_argument(
        "--state",
        action="append",
        choices=options.words(InstanceState),
        metavar="STATE",
        help=f"repeatable: {', '.join(options.words(InstanceState))}",
    )
    parser.add_argument("--kind", choices=options.words(InstanceKind), help="task or proof")
    parser.add_argument("--connection", action="append", metavar="CONNECTION", help="id or name, repeatable")
    parser.add_argument(
        "--integration", action="append", metavar="INTEGRATION", help="id or name, repeatable"
    )
    parser.add_argument("--problem", metavar="PROBLEM", help="id: those it holds up")
    parser.add_argument("--owner", metavar="USER", help="whose configuration they are")
    parser.add_argument("--text", help="part of the name")
    parser.add_argument("--count", action="store_true", help="print how many there are, by status")
    options.paging(parser)


async def _chosen(desk: Desk, args: argparse.Namespace) -> InstanceFilter:
    from healthdesk.api.instances import InstanceFilter

    states = [*(args.state or ()), *(["failed_or_blocked"] if args.failed else ())]
    fields: dict[str, Any] = {
        "kind": args.kind,
        "state": states,
        "blocked": True if args.blocked else None,
        "connection_id": [await desk.connection_id(each) for each in args.connection or ()],
        "integration_id": [await desk.integration_id(each) for each in args.integration or ()],
        "problem_id": args.problem,
        "owner": args.owner,
        "text": args.text,
    }
    return InstanceFilter(**{key: value for key, value in fields.items() if value is not None})


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print tasks and proof syncs, or how many there are."""
    chosen = await _chosen(desk, args)
    if args.count:
        totals = await desk.client.instances_count(chosen)
        desk.out.done(totals, _counted(totals))
        return
    page = await desk.collect(
        lambda after, limit: desk.client.instances_list(chosen, after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    columns = (
        Column("Status"),
        Column("Id"),
        Column("Name", flex=True),
        Column("Template, label", flex=True, spare=2),
        Column("App", flex=True, spare=3),
        Column("Issue", flex=True, spare=1),
        Column("Checked", right=True),
        Column("Error", below=True),
    )

    def row(item: Instance) -> list[Cell | str]:
        return [
            marks.instance(item.state, item.state_word, blocked=item.blocked),
            item.id,
            item.name,
            item.template_name or item.label_name,
            item.app_name,
            item.external_key,
            desk.out.ago(item.last_checked),
            item.error,
        ]

    desk.out.page(page, columns, row, empty=_none(args))


def _none(args: argparse.Namespace) -> str:
    narrowing = (args.failed, args.blocked, args.state, args.connection, args.integration, args.problem)
    if any((*narrowing, args.owner, args.text)):
        return "None under this filter."
    return "No tasks or proof syncs yet. `healthdesk integrations add` makes an integration for them."


def _counted(totals: InstanceTotals) -> str:
    blocked = f" ({totals.blocked:,} blocked)" if totals.blocked else ""
    return (
        f"{totals.total:,}{'' if totals.exact else '+'} in all, {totals.succeeded:,} succeeded,"
        f" {totals.failed:,} failed{blocked}, {totals.pending:,} not run yet"
    )


async def show(desk: Desk, args: argparse.Namespace) -> None:
    """Print one task or proof sync."""
    print_instance(desk, await desk.client.instance(await desk.instance_id(args.instance)))


def _sync_arguments(parser: argparse.ArgumentParser) -> None:
    one(parser)
    parser.add_argument(
        "--wait",
        type=options.whole(0, 300),
        default=60,
        metavar="SECONDS",
        help="how long to wait for the result (60); it goes on without",
    )


async def sync(desk: Desk, args: argparse.Namespace) -> int | None:
    """Sync now; a sync that failed is exit code 1."""
    from healthdesk.api.instances import InstanceSync

    item = await desk.client.instance_sync(
        await desk.instance_id(args.instance), InstanceSync(wait_s=args.wait)
    )
    if not desk.out.as_json and item.running:
        desk.out.note("It still runs; `healthdesk instances show` says how it ends.")
    print_instance(desk, item)
    return None if item.state in _GOOD_STATES and not item.blocked else FAILED


def _runs_arguments(parser: argparse.ArgumentParser) -> None:
    one(parser)
    options.paging(parser)


async def runs(desk: Desk, args: argparse.Namespace) -> None:
    """Print what runs did, newest first."""
    instance_id = await desk.instance_id(args.instance)
    page = await desk.collect(
        lambda after, limit: desk.client.instance_runs(instance_id, after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    columns = (
        Column(desk.out.titled("When")),
        Column("Result"),
        Column("Id", spare=1),
        Column("Trigger"),
        Column("Took", right=True),
        Column("Changes", below=True),
        Column("Error", below=True),
    )

    def row(item: Run) -> list[Cell | str]:
        by = f"{item.trigger.value} by {item.triggered_by}" if item.triggered_by else item.trigger.value
        return [
            desk.out.short_time(item.started_at),
            marks.run(item.outcome, item.outcome_word or item.outcome.value),
            item.id,
            by,
            format_duration_ms(item.duration_ms),
            "; ".join(_change(each) for each in item.changes) or _collected(item),
            item.error,
        ]

    desk.out.page(page, columns, row, empty="It did not run yet.")


def _change(change: FieldChange) -> str:
    name = (change.label or change.field).lower()
    lost = f" (lost: {change.lost})" if change.lost else ""
    return f"{name}: {change.before or '–'} → {change.after or '–'}{lost}"


def _collected(item: Run) -> str:
    return "" if item.rows is None else f"{item.rows:,} row{'' if item.rows == 1 else 's'}"


COMMANDS = (
    Command("list", "list tasks and proof syncs", run=list_, arguments=_list_arguments),
    Command("show", "show a task or proof sync, and why it is as it is", run=show, arguments=one),
    Command("sync", "sync a task or proof sync now", run=sync, arguments=_sync_arguments),
    Command("runs", "what its runs did, newest first", run=runs, arguments=_runs_arguments),
    *links.COMMANDS,
    *proof.COMMANDS,
)
