"""`healthdesk connections`: who holds what on one, whose they are, and their end."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import marks, options
from healthdesk.cli.command import FAILED, UsageError
from healthdesk.cli.connection_view import one
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column
from healthdesk.domain.states import Grant

if TYPE_CHECKING:
    from healthdesk.api.connections import Connection, Member
    from healthdesk.api.people import ConnectionUses


def members_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `members`."""
    one(parser)
    parser.add_argument(
        "--add",
        action="append",
        default=[],
        metavar="USER[=GRANT]",
        help="make USER a member, or change the grant: user (uses it) or manager (manages its health, too)",
    )
    parser.add_argument("--remove", action="append", default=[], metavar="USER", help="take USER off it")


async def members(desk: Desk, args: argparse.Namespace) -> None:
    """Add and remove members, then print who holds what."""
    from healthdesk.api.people import MemberGrant

    wanted = [_granted(each) for each in args.add]
    if both := sorted({user for user, _ in wanted} & set(args.remove)):
        raise UsageError(f"{', '.join(both)}: both added and removed")
    connection_id = await desk.connection_id(args.connection)
    for user, grant in wanted:
        await desk.client.connection_member_set(connection_id, user, MemberGrant(grant=grant))
    for user in args.remove:
        await desk.client.connection_member_remove(connection_id, user)
    found = await desk.client.connection_members(connection_id)
    columns = (Column("User", flex=True), Column("Grant"), Column("Hint", flex=True))
    desk.out.items(found, columns, _row, empty="")


def _granted(text: str) -> tuple[str, Grant]:
    user, separator, grant = text.partition("=")
    if not separator:
        return user, Grant.USER
    if grant not in (known := [each.value for each in Grant]):
        raise UsageError(f"--add {text!r}: no grant is called {grant!r}", f"one of {', '.join(known)}")
    return user, Grant(grant)


def _row(member: Member) -> list[Cell | str]:
    return [member.user, member.grant, Cell(member.hint, marks.WARN)]


def hand_over_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `hand-over`."""
    parser.add_argument("user", metavar="USER", help="whose they are")
    parser.add_argument("--to", required=True, metavar="USER", help="whose they will be")
    parser.add_argument(
        "--connection",
        action="append",
        default=[],
        metavar="CONNECTION",
        help="id or name of one (repeatable); without it everything that USER owns",
    )
    options.yes(parser)


async def hand_over(desk: Desk, args: argparse.Namespace) -> int | None:
    """Give connections of somebody, with what they configured with them, to somebody else."""
    from healthdesk.api.people import HandOver

    desk.ask.require_yes(args.yes)
    chosen = [await desk.connection_id(each) for each in args.connection]
    if not args.yes:
        page = await desk.collect(
            lambda after, limit: desk.client.people_connections(args.user, after=after, limit=limit),
            limit=10_000,
            after=None,
        )
        names = [each.name for each in page.items if not chosen or each.id in chosen]
        what = ", ".join(names) or "no connection"
        if not chosen:
            what += ", and every task, proof sync and repeating task"
        if not desk.ask.confirm(desk.out.safe(f"Give {what} of {args.user} to {args.to}?")):
            desk.out.note("Nothing was changed.")
            return FAILED
    done = await desk.client.people_hand_over(args.user, HandOver(to=args.to, connection_ids=chosen))
    desk.out.done(done, done.sentence)
    return None


def disconnect_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `disconnect`."""
    one(parser)
    options.yes(parser)


async def disconnect(desk: Desk, args: argparse.Namespace) -> int | None:
    """Say what stops, then erase the credentials and end the connection."""
    desk.ask.require_yes(args.yes)
    connection_id = await desk.connection_id(args.connection)
    item = await desk.client.connection(connection_id)
    uses = await desk.client.connection_uses(connection_id)
    _refuse_while_used(item, uses)
    if not args.yes and not _confirmed(desk, item, uses):
        desk.out.note("Nothing was changed.")
        return FAILED
    await desk.client.connection_disconnect(connection_id)
    desk.out.done(item, f"Disconnected {item.name}.")
    return None


def _confirmed(desk: Desk, item: Connection, uses: ConnectionUses) -> bool:
    for sentence in uses.sentences:
        desk.out.note(sentence)
    if uses.samples:
        more = uses.tasks + uses.proof_syncs - len(uses.samples)
        desk.out.note(f"Among them: {', '.join(uses.samples)}" + (f", and {more:,} more" if more else ""))
    return desk.ask.confirm(desk.out.safe(f"Disconnect {item.name} ({item.app_name}, {item.id})?"))


def _refuse_while_used(item: Connection, uses: ConnectionUses) -> None:
    """Say which integrations deliver through it before asking: the daemon would refuse the answer."""
    from healthdesk.errors import ClientError

    if uses.delivers:
        raise ClientError(
            f"{', '.join(uses.delivers)} deliver{'s' if len(uses.delivers) == 1 else ''} through {item.name}",
            fix="give their environments another connection first:"
            " `healthdesk integrations edit INTEGRATION --environment ENVIRONMENT --connection CONNECTION`",
        )
