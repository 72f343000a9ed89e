"""`healthdesk callbacks`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import marks, options
from healthdesk.cli.command import FAILED, Command
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.record_view import print_body, print_headers
from healthdesk.cli.tables import Column
from healthdesk.domain.states import CallbackState

if TYPE_CHECKING:
    from healthdesk.api.callbacks import Callback, CallbackDetail


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--connection", metavar="CONNECTION", help="id or name")
    whose.add_argument("--integration", metavar="INTEGRATION", help="id or name: its receipts")
    parser.add_argument(
        "--state",
        action="append",
        choices=options.words(CallbackState),
        metavar="STATE",
        help=f"repeatable: {', '.join(options.words(CallbackState))}",
    )
    options.time_range(parser)
    options.paging(parser)


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print callbacks, newest first."""
    from healthdesk.api.callbacks import CallbackFilter

    fields: dict[str, Any] = {
        "states": args.state,
        "arrived_from": options.when(desk, args.arrived_from, "--from"),
        "arrived_to": options.when(desk, args.arrived_to, "--to"),
    }
    if args.connection is not None:
        fields["connection_id"] = await desk.connection_id(args.connection)
    if args.integration is not None:
        fields["integration_id"] = await desk.integration_id(args.integration)
    chosen = CallbackFilter(**{key: value for key, value in fields.items() if value is not None})
    page = await desk.collect(
        lambda after, limit: desk.client.callbacks_list(chosen, after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    columns = (
        Column("Status"),
        Column(desk.out.titled("Received")),
        Column("Id"),
        Column("From", flex=True),
        Column("Event", flex=True, spare=2),
        Column("Repeats", right=True, spare=3),
        Column("Why", flex=True, spare=1),
    )

    def row(item: Callback) -> list[Cell | str]:
        return [
            marks.callback(item.state),
            desk.out.short_time(item.received_at),
            item.id,
            item.sender_name or item.integration_id or item.connection_id,
            item.event_words,
            str(item.duplicates or "–"),
            item.reason,
        ]

    desk.out.page(page, columns, row, empty="No callbacks match.")


def _show(desk: Desk, item: CallbackDetail) -> None:
    out = desk.out
    if out.as_json:
        out.model(item)
        return
    out.facts(
        [
            ("Status", marks.callback(item.state)),
            ("Why", item.reason),
            ("Id", item.id),
            (
                ("Integration", f"{item.integration_name} ({item.integration_id})")
                if item.integration_id
                else ("Connection", f"{item.connection_name} ({item.connection_id})")
            ),
            ("Environment", item.environment.shown if item.environment else ""),
            ("Event", item.event_words),
            ("About", ", ".join([*item.instances, *item.records])),
            ("Delivery id", item.delivery_id),
            ("Repeats", str(item.duplicates)),
            ("Received", out.time(item.received_at)),
            ("Processed", out.time(item.processed_at)),
        ]
    )
    print_headers(out, "Headers", item.headers)
    print_body(out, "Body", item.body, reveal=f": `callbacks show {item.id} --reveal` shows it")


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("callback", metavar="CALLBACK", help="id")


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument(
        "--reveal", action="store_true", help="show values in clear (managers; the activity log says so)"
    )


async def show(desk: Desk, args: argparse.Namespace) -> None:
    """Print one callback with headers and body, values masked unless revealed."""
    read = desk.client.callback_reveal if args.reveal else desk.client.callback
    _show(desk, await read(args.callback))


async def reprocess(desk: Desk, args: argparse.Namespace) -> int | None:
    """Process a callback again."""
    item = await desk.client.callback_reprocess(args.callback)
    _show(desk, item)
    return FAILED if item.state is CallbackState.FAILED else None


COMMANDS = (
    Command("list", "list callbacks, newest first", run=list_, arguments=_list_arguments),
    Command("show", "show a callback with headers and body", run=show, arguments=_show_arguments),
    Command("reprocess", "process a callback again", run=reprocess, arguments=_one),
)
