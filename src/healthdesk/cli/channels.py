"""`healthdesk channels`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import marks, options
from healthdesk.cli.ask import secret_arguments
from healthdesk.cli.command import FAILED, Command
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column

if TYPE_CHECKING:
    from healthdesk.api.alerts import Channel


def _state(item: Channel) -> Cell:
    if item.last_error and (
        item.last_sent_at is None or (item.last_error_at or item.last_sent_at) > item.last_sent_at
    ):
        return Cell("✗ Failing", marks.BAD)
    if item.last_sent_at is None:
        return Cell("○ Not used yet", marks.DIM)
    return Cell("✓ Sent", marks.GOOD)


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print alert targets."""
    columns = (
        Column("Status"),
        Column("Id"),
        Column("Name", flex=True),
        Column("Kind", flex=True, spare=1),
        Column("URL", flex=True, spare=3),
        Column("Last sent", right=True),
        Column("Last error", flex=True, spare=2),
    )

    def row(item: Channel) -> list[Cell | str]:
        sent = desk.out.ago(item.last_sent_at)
        return [_state(item), item.id, item.name, item.kind, item.url, sent, item.last_error]

    page = await desk.collect(
        lambda after, limit: desk.client.channels_list(after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    desk.out.page(
        page, columns, row, empty="No channels: nobody is told. `healthdesk channels add` adds one."
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="what people call it")
    secret_arguments(parser, "url", "the Apprise URL, which holds secrets,")


async def add(desk: Desk, args: argparse.Namespace) -> None:
    """Add an alert target by its Apprise URL."""
    url = desk.ask.secret(args, "url", "Apprise URL")
    item = await desk.client.channel_create(args.name, url or "")
    if desk.out.as_json:
        desk.out.model(item)
        return
    desk.out.facts([("Id", item.id), ("Name", item.name), ("Kind", item.kind), ("URL", item.url)])
    desk.out.note(f"next: healthdesk channels test {item.id}")


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("channel", metavar="CHANNEL", help="id or name")


async def test(desk: Desk, args: argparse.Namespace) -> int | None:
    """Send a test message; one that did not arrive is exit code 1."""
    answer = await desk.client.channel_test(await desk.channel_id(args.channel))
    desk.out.done(answer, f"{'✓' if answer.ok else '✗'} {answer.sentence} ({answer.duration_ms:.0f} ms)")
    if answer.log and not answer.ok and not desk.out.as_json:
        desk.out.block(answer.log)
    return None if answer.ok else FAILED


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    options.yes(parser)


async def remove(desk: Desk, args: argparse.Namespace) -> int | None:
    """Remove an alert target."""
    desk.ask.require_yes(args.yes)
    item = await desk.client.channel(await desk.channel_id(args.channel))
    question = f"Remove the channel {item.name} ({item.id})? Its URL is erased, and it is told nothing more."
    if not args.yes and not desk.ask.confirm(desk.out.safe(question)):
        desk.out.note("Nothing was changed.")
        return FAILED
    await desk.client.channel_remove(item.id)
    desk.out.done(item, f"Removed {item.name}.")
    return None


COMMANDS = (
    Command("list", "list alert targets", run=list_, arguments=options.paging),
    Command("add", "add an alert target by its Apprise URL", run=add, arguments=_add_arguments),
    Command("test", "send a test message and wait for the result", run=test, arguments=_one),
    Command("remove", "remove an alert target", run=remove, arguments=_remove_arguments),
)
