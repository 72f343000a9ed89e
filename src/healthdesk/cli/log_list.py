"""`healthdesk records list`: a page of the log, how many records match, or the live tail."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import marks, options
from healthdesk.cli.command import UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.follow import follow
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column
from healthdesk.cli.where import filter_arguments, record_filter

if TYPE_CHECKING:
    from healthdesk.api.records import Record

SHOWN = 50
"""Records that are listed unless another number is asked for."""


def list_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `list`."""
    filter_arguments(parser)
    options.paging(parser)
    parser.add_argument("--oldest", action="store_true", help="oldest first")
    parser.add_argument(
        "--count",
        action="store_true",
        help="only count; 10,000+, or 833+ where few of many match, says at least so many",
    )
    parser.add_argument("--exact", action="store_true", help="with --count: count them all")
    parser.set_defaults(limit=None)
    parser.add_argument(
        "--follow",
        action="store_true",
        help="print records as they arrive and change, for ever or --limit of them",
    )


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print a page of the log, or how many records match."""
    chosen = await record_filter(desk, args)
    if args.follow and (args.count or args.oldest or args.after):
        raise UsageError("--follow goes with none of --count, --oldest and --after")
    if args.follow:
        await follow(desk, chosen, count=args.limit)
        return
    if args.count:
        count = await desk.client.records_count(chosen, exact=args.exact)
        desk.out.done(count, f"{count.total:,}{'' if count.exact else '+'}")
        return
    if args.exact:
        raise UsageError("--exact goes with --count")
    page = await desk.collect(
        lambda after, limit: desk.client.records_list(
            chosen, after=after, limit=limit, direction="oldest" if args.oldest else "newest"
        ),
        limit=args.limit or SHOWN,
        after=args.after,
    )
    columns = (
        Column("Status"),
        Column(desk.out.titled("Completed")),
        Column("Id"),
        Column("Source", flex=True),
        Column("Level", flex=True, spare=7),
        Column("Environment", spare=2),
        Column("Tries", right=True, spare=1),
        Column("First attempt", spare=5),
        Column("Last attempt", spare=4),
        Column("Integration", flex=True, spare=6),
        Column("Error", flex=True, spare=3),
    )

    def row(item: Record) -> list[Cell | str]:
        return [
            marks.record(item.state, item.last_status),
            desk.out.short_time(item.completed_at),
            item.id,
            item.source_name or item.source,
            item.level or "–",
            item.environment.shown,
            str(item.tried) + (" ~" if item.sample else ""),
            desk.out.short_time(item.first_attempt_at),
            desk.out.short_time(item.last_attempt_at),
            item.integration_name or item.integration_id,
            item.error,
        ]

    desk.out.page(page, columns, row, empty="No records match.")
