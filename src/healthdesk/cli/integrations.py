"""`healthdesk integrations`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import before_launch, options, task_settings
from healthdesk.cli.command import FAILED, Command
from healthdesk.cli.desk import Desk
from healthdesk.cli.flow import CIRCUIT
from healthdesk.cli.integration_changes import add, add_arguments, edit, edit_arguments
from healthdesk.cli.integration_view import print_integration, state
from healthdesk.cli.keys import keys, keys_arguments
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column
from healthdesk.domain.states import Environment, IntegrationKind

if TYPE_CHECKING:
    from healthdesk.api.integrations import Integration


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print every integration, a row an environment."""
    columns = (
        Column("Status"),
        Column("Id"),
        Column("Name", flex=True),
        Column("For"),
        Column("Connection", flex=True, spare=2),
        Column("Failed", right=True),
        Column("Held", right=True, spare=3),
        Column("Delivered", right=True, spare=1),
    )
    page = await desk.collect(
        lambda after, limit: desk.client.integrations_list(after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    if desk.out.as_json:
        desk.out.model(page)
        return
    rows: list[list[Cell | str]] = []
    for item in page.items:
        if item.kind is not IntegrationKind.DELIVERY:
            failed = f"{item.totals.failed:,}" if item.totals else "–"
            through = item.connection_name or item.app_name
            rows.append(
                [task_settings.state(item), item.id, item.name, item.kind.value, through, failed, "–", "–"]
            )
        for view in item.environments:
            totals = view.totals
            rows.append(
                [
                    state(view),
                    item.id,
                    item.name,
                    view.environment.shown,
                    view.connection_name or view.connection_id,
                    *(f"{totals.get(key, 0):,}" for key in ("failed", "held", "delivered")),
                ]
            )
    desk.out.table(columns, rows, empty="No integrations yet. `healthdesk integrations add` adds one.")
    desk.out.more(page)


async def show(desk: Desk, args: argparse.Namespace) -> None:
    """Print one integration."""
    print_integration(desk, await desk.client.integration(await desk.integration_id(args.integration)))


def _choice_arguments(parser: argparse.ArgumentParser) -> None:
    options.integration(parser)
    options.environment(parser, what="only this environment; without it, all it has")


async def pause(desk: Desk, args: argparse.Namespace) -> None:
    """Stop delivering, syncing or collecting; records are kept and held."""
    integration_id = await desk.integration_id(args.integration)
    item = await desk.client.integration_pause(integration_id, _chosen(args))
    what = "Its records are held" if item.kind is IntegrationKind.DELIVERY else "Nothing of it runs"
    desk.out.done(item, f"Paused {_named(item, args)}. {what} until it is resumed.")


async def resume(desk: Desk, args: argparse.Namespace) -> None:
    """Deliver, sync or collect again."""
    integration_id = await desk.integration_id(args.integration)
    item = await desk.client.integration_resume(integration_id, _chosen(args))
    what = "Held records are sent" if item.kind is IntegrationKind.DELIVERY else "What waited runs"
    desk.out.done(item, f"Resumed {_named(item, args)}. {what} now.")


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    options.integration(parser)
    parser.add_argument("--unlink", action="store_true", help="part its tasks from it; their issues stay")
    options.yes(parser)


async def remove(desk: Desk, args: argparse.Namespace) -> int | None:
    """Remove an integration of tasks or proof."""
    desk.ask.require_yes(args.yes)
    item = await desk.client.integration(await desk.integration_id(args.integration))
    linked = item.totals.total if item.totals and args.unlink else 0
    lost = f" {linked:,} of its tasks are synced no more; their issues stay." if linked else ""
    if not args.yes and not desk.ask.confirm(desk.out.safe(f"Remove {item.name}?{lost}")):
        desk.out.note("Nothing was changed.")
        return FAILED
    await desk.client.integration_remove(item.id, unlink=args.unlink)
    desk.out.done(item, f"Removed {item.name}.{lost}")
    return None


def _chosen(args: argparse.Namespace) -> Environment | None:
    return None if args.environment is None else Environment(args.environment)


def _named(item: Integration, args: argparse.Namespace) -> str:
    """Return the name of an integration, with the environment where one is meant."""
    chosen = _chosen(args)
    return item.name if chosen is None else f"{item.name} · {chosen.shown}"


COMMANDS = (
    Command("list", "list integrations", run=list_, arguments=options.paging),
    Command(
        "show",
        "show an integration with its environments or its mapping",
        run=show,
        arguments=options.integration,
    ),
    Command("add", "add an integration: delivery, tasks or proof", run=add, arguments=add_arguments),
    Command(
        "edit", "change an integration, or add its other environment", run=edit, arguments=edit_arguments
    ),
    Command("remove", "remove one of tasks or proof", run=remove, arguments=_remove_arguments),
    Command(
        "pause",
        "stop delivering, syncing or collecting; records are held",
        run=pause,
        arguments=_choice_arguments,
    ),
    Command(
        "resume", "deliver, sync or collect again, held records too", run=resume, arguments=_choice_arguments
    ),
    CIRCUIT,
    Command(
        "keys",
        "list or make bearer keys and secrets of our signature",
        run=keys,
        arguments=keys_arguments,
    ),
    Command(
        "test",
        "send one signed probe and show the exchange",
        run=before_launch.test,
        arguments=before_launch.test_arguments,
    ),
    Command(
        "promote",
        "copy testing's settings to production",
        run=before_launch.promote,
        arguments=before_launch.promote_arguments,
    ),
)
