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

    names = await _integrations(desk, page.items)

    def row(item: SavedFilter) -> list[Cell | str]:
        return [item.name, item.owner, marks.yes_no(item.shared), item.id, words(desk, item, names)]

    desk.out.page(page, columns, row, empty="No saved filters. `healthdesk filters save NAME …` saves one.")


async def _integrations(desk: Desk, filters: list[SavedFilter]) -> dict[str, str]:
    """Return the names of the integrations that filters have, by id."""
    ids = sorted({each.filter.integration_id for each in filters if each.filter.integration_id})
    return dict(zip(ids, await desk.integration_names(ids), strict=True))


def words(desk: Desk, item: SavedFilter, integrations: dict[str, str]) -> str:
    """Return what a saved filter says; `integrations` are their names by id."""
    chosen = item.filter
    place = [
        integrations.get(chosen.integration_id or "", ""),
        chosen.environment.shown if chosen.environment else "",
    ]
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
    names = await _integrations(desk, [saved])
    desk.out.done(saved, f"Saved {saved.name}: {words(desk, saved, names)}.")


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
