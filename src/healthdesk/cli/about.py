"""The desk itself: status, activity, events and the API's document."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import options
from healthdesk.cli.command import Command
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import BAD, GOOD, Cell
from healthdesk.cli.tables import Column
from healthdesk.cli.tail import tail
from healthdesk.domain.activity_words import detail_words, object_words

if TYPE_CHECKING:
    from healthdesk.api.desk import Activity


async def status(desk: Desk, _: argparse.Namespace) -> None:
    """Print how the desk is."""
    answer = await desk.client.status()
    out = desk.out
    if out.as_json:
        out.model(answer)
        return
    broken = any(
        answer.counts.get(name)
        for name in ("connections_failing", "problems_open", "records_failed", "alerts_failed")
    )
    glyph, tone = ("✗", BAD) if broken or not answer.writable else ("✓", GOOD)
    out.line(f"{glyph} {answer.sentence}", tone)
    written = Cell(answer.database) if answer.writable else Cell(f"{answer.database}, cannot be written", BAD)
    out.facts(
        [
            ("You", f"{answer.you.user} ({answer.you.role})"),
            ("Daemon", f"healthdesk {answer.version}, since {out.time(answer.started_at)}"),
            ("Database", written),
            ("Public URL", answer.public_url),
            ("Administrators", ", ".join(answer.administrators)),
        ]
    )
    if answer.counts:
        out.heading("Counts")
        out.facts(
            (name.replace("_", " "), f"{number:,}")
            for name, number in answer.counts.items()
            if number or not name.startswith("testing_")
        )


async def activity(desk: Desk, args: argparse.Namespace) -> None:
    """Print who did what, newest first."""
    columns = (
        Column(desk.out.titled("When")),
        Column("Who"),
        Column("Did"),
        Column("What", flex=True),
        Column("Id", spare=2),
        Column("Detail", flex=True, spare=1),
    )

    def row(entry: Activity) -> list[Cell | str]:
        name = object_words(entry.object_kind, entry.object_name, entry.object_id, entry.detail)
        detail = detail_words(entry.detail)
        return [desk.out.short_time(entry.at), entry.user, entry.verb, name, entry.object_id, detail]

    page = await desk.collect(
        lambda after, limit: desk.client.activity_list(after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    desk.out.page(page, columns, row, empty="Nothing was done yet.")


async def openapi(desk: Desk, _: argparse.Namespace) -> None:
    """Print the OpenAPI document."""
    desk.out.json(await desk.client.openapi())


def _events_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--after", metavar="ID", help="start after this event, if the daemon still has it")
    parser.add_argument("--count", type=options.whole(1), metavar="N", help="stop after N events")


async def events(desk: Desk, args: argparse.Namespace) -> None:
    """Print changes as they happen."""
    await tail(desk, after=args.after, count=args.count)


STATUS = (Command("", "how the desk is, the worst thing first", run=status),)
ACTIVITY = (Command("", "who did what, newest first", run=activity, arguments=options.paging),)
EVENTS = (
    Command(
        "",
        "print changes as they happen, one a line; --json prints JSON lines",
        run=events,
        arguments=_events_arguments,
    ),
)
OPENAPI = (Command("", "print the OpenAPI 3.1 document of the API", run=openapi),)
