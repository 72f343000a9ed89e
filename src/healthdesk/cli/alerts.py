"""`healthdesk alerts`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import marks, options
from healthdesk.cli.command import Command
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column

if TYPE_CHECKING:
    from healthdesk.api.alerts import Alert


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print messages of the outbox, newest first."""
    columns = (
        Column("Status"),
        Column(desk.out.titled("When")),
        Column("News"),
        Column("Channel", flex=True),
        Column("Title", flex=True),
        Column("Tries", right=True, spare=2),
        Column("Error", flex=True, spare=1),
        Column("Problem", spare=3),
    )

    def row(item: Alert) -> list[Cell | str]:
        return [
            marks.alert(item.state),
            desk.out.short_time(item.created_at),
            item.event.value,
            item.channel_name or item.channel_id,
            item.title,
            str(item.tries),
            item.error,
            item.problem_id or "",
        ]

    page = await desk.collect(
        lambda after, limit: desk.client.alerts_list(after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    desk.out.page(page, columns, row, empty="No alerts yet.")


COMMANDS = (Command("list", "list messages, newest first", run=list_, arguments=options.paging),)
