"""`healthdesk filters`: filters of the log under a name, one's own and shared ones."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import marks, options
from healthdesk.cli.command import Command
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column
from healthdesk.cli.where import filter_arguments, parts, record_filter, saved_filter

if TYPE_CHECKING:
    from healthdesk.api.filters import SavedFilter


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print one's own filters and the shared ones."""
    page = await desk.collect(
        lambda after, limit: desk.client.filters_list(after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    columns = (
        Column("Name", flex=True),
        Column("Owner"),
        Column("Shared"),
        Column("Id", spare=1),
        Column("Filter", flex=True, spare=2),
    )

    def row(item: SavedFilter) -> list[Cell | str]:
        return [item.name, item.owner, marks.yes_no(item.shared), item.id, words(desk, item)]

    desk.out.page(page, columns, row, empty="No saved filters. `healthdesk filters save NAME …` saves one.")


def words(desk: Desk, item: SavedFilter) -> str:
    """Return what a saved filter says."""
    chosen = item.filter
    place = [chosen.integration_id or "", chosen.environment.value if chosen.environment else ""]
    return ", ".join(part for part in [*place, *parts(desk, chosen)] if part) or "everything"


def _save_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="your own of that name is replaced")
    parser.add_argument("--shared", action="store_true", help="every operator sees it")
    filter_arguments(parser)


async def save(desk: Desk, args: argparse.Namespace) -> None:
    """Save a filter under a name."""
    from healthdesk.api.filters import SavedFilterCreate

    chosen = await record_filter(desk, args)
    saved = await desk.client.filter_save(
        SavedFilterCreate(name=args.name, filter=chosen, shared=args.shared)
    )
    desk.out.done(saved, f"Saved {saved.name}: {words(desk, saved)}.")


async def remove(desk: Desk, args: argparse.Namespace) -> None:
    """Remove a saved filter; records stay as they are."""
    found = await saved_filter(desk, args.filter)
    await desk.client.filter_remove(found.id)
    desk.out.done(found, f"Removed the filter {found.name}.")


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("filter", metavar="FILTER", help="id or name")


COMMANDS = (
    Command("list", "list saved filters of the log", run=list_, arguments=options.paging),
    Command("save", "save a filter of the log under a name", run=save, arguments=_save_arguments),
    Command("remove", "remove a saved filter", run=remove, arguments=_remove_arguments),
)
