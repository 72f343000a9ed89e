"""`healthdesk pings`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import marks, options
from healthdesk.cli.command import FAILED, Command, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import STRONG, Cell
from healthdesk.cli.tables import Column
from healthdesk.domain.durations import format_span

if TYPE_CHECKING:
    from healthdesk.api.pings import Ping


def _expected(item: Ping) -> str:
    schedule = item.schedule
    when = (
        f"every {format_span(schedule.every_s)}" if schedule.every_s else f"{schedule.cron} ({schedule.zone})"
    )
    return f"{when}, {format_span(item.grace_s)} grace"


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print every push heartbeat."""
    page = await desk.collect(
        lambda after, limit: desk.client.pings_list(after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    columns = (
        Column("Status"),
        Column("Connection", flex=True),
        Column("Expected", flex=True),
        Column("Last", right=True),
        Column(desk.out.titled("Late at")),
    )

    def row(item: Ping) -> list[Cell | str]:
        good = item.due_at is not None and item.last_kind != "fail"
        word = Cell("✓ in time", marks.GOOD) if good else Cell("✗ late or failed", marks.BAD)
        if not item.last_kind and item.due_at is not None:
            word = Cell("○ not yet", marks.DIM)
        return [
            word,
            item.object_name or item.object_id,
            _expected(item),
            desk.out.ago(item.last_at),
            desk.out.short_time(item.due_at) if item.due_at else "–",
        ]

    desk.out.page(page, columns, row, empty="No push heartbeats. `healthdesk pings set` makes one.")


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("connection", metavar="CONNECTION", help="id or name")


def _set_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    when = parser.add_mutually_exclusive_group()
    when.add_argument(
        "--every", type=options.duration, metavar="TIME", help="a ping every so often, such as 1h"
    )
    when.add_argument("--cron", metavar="EXPRESSION", help="a ping by a cron expression, such as '0 3 * * *'")
    parser.add_argument("--zone", default="UTC", help="the time zone of --cron (UTC)")
    parser.add_argument(
        "--grace", type=options.duration, metavar="TIME", default=300, help="how late it may be (5m)"
    )
    parser.add_argument("--new-address", action="store_true", help="make a new address; the one before ends")


async def set_(desk: Desk, args: argparse.Namespace) -> None:
    """Expect pings of a connection; its address is printed when it is new."""
    from healthdesk.api.pings import PingSchedule, PingSet

    if args.every is None and args.cron is None:
        raise UsageError("--every or --cron is missing", "say when pings are expected, such as --every 1h")
    schedule = PingSchedule(every_s=args.every, cron=args.cron or "", zone=args.zone)
    wanted = PingSet(schedule=schedule, grace_s=args.grace, new_address=args.new_address)
    connection_id = await desk.connection_id(args.connection)
    item = await desk.client.connection_ping_set(connection_id, wanted)
    if desk.out.as_json:
        desk.out.model(item)
        return
    desk.out.facts(
        [
            ("Connection", f"{item.object_name} ({item.object_id})"),
            ("Expected", _expected(item)),
            ("Late at", desk.out.time(item.due_at)),
            ("Address", Cell(item.url, STRONG) if item.url else f"as before ({item.hint})"),
        ]
    )
    if item.url:
        desk.out.note(
            "Keep it now: it cannot be shown again. GET or POST it when a run ends well,"
            " with /start when it begins, and with /fail when it fails."
        )


async def remove(desk: Desk, args: argparse.Namespace) -> int | None:
    """Expect no pings any more."""
    desk.ask.require_yes(args.yes)
    connection_id = await desk.connection_id(args.connection)
    item = await desk.client.connection_ping(connection_id)
    question = f"Remove the push heartbeat of {item.object_name}? Its address is refused from then on."
    if not args.yes and not desk.ask.confirm(desk.out.safe(question)):
        desk.out.note("Nothing was changed.")
        return FAILED
    await desk.client.connection_ping_remove(connection_id)
    desk.out.done(item, f"{item.object_name} has no push heartbeat any more.")
    return None


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    options.yes(parser)


COMMANDS = (
    Command("list", "list push heartbeats", run=list_, arguments=options.paging),
    Command("set", "expect pings of a connection that cannot be called", run=set_, arguments=_set_arguments),
    Command("remove", "expect no pings any more", run=remove, arguments=_remove_arguments),
)
