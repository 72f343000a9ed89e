"""`healthdesk connections`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import accounts, authorizing, marks, options
from healthdesk.cli import connection_changes as changes
from healthdesk.cli import connection_credentials as replacing
from healthdesk.cli import connection_health as health
from healthdesk.cli import connection_people as people
from healthdesk.cli.command import FAILED, Command
from healthdesk.cli.connection_view import one, print_connection, status_words
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column
from healthdesk.domain.health import WORST_FIRST
from healthdesk.domain.states import ConnectionState

if TYPE_CHECKING:
    from healthdesk.api.connections import Connection


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print every connection, the worst first; or those whose credential has an end."""
    if args.expiring:
        await health.list_expiring(desk, args)
        return
    if args.accounts:
        await accounts.list_accounts(desk)
        return
    columns = (
        Column("Status"),
        Column("Id"),
        Column("Name", flex=True),
        Column("App", flex=True, spare=2),
        Column("URL", flex=True, spare=4),
        Column("Owner", flex=True, spare=1),
        Column("Instances", right=True, spare=3),
        Column("Checked", right=True),
        Column("Why", below=True),
    )
    numbers = {} if desk.out.as_json else await accounts.by_connection(desk)

    def row(item: Connection) -> list[Cell | str]:
        mark = marks.connection(item.state, status_words(item))
        checked = desk.out.ago(item.last_checked)
        why = item.explanation.sentence if item.explanation else ""
        health_of = accounts.instances(numbers.get(item.id))
        return [mark, item.id, item.name, item.app_name, item.base_url, item.owner, health_of, checked, why]

    page = await desk.collect(
        lambda after, limit: (
            desk.client.people_connections(args.owner, after=after, limit=limit)
            if args.owner
            else desk.client.connections_list(after=after, limit=limit)
        ),
        limit=args.limit,
        after=args.after,
    )
    if not desk.out.as_json:  # programs get the order that the cursor follows
        page.items.sort(key=lambda item: WORST_FIRST.index(item.state))
    desk.out.page(
        page,
        columns,
        row,
        empty=f"{args.owner} owns no connection."
        if args.owner
        else "No connections yet. `healthdesk connections add` adds one;"
        " `healthdesk apps` lists what can be connected.",
    )


async def show(desk: Desk, args: argparse.Namespace) -> None:
    """Print one connection with its account, its checks or its evidence."""
    connection_id = await desk.connection_id(args.connection)
    if args.evidence:
        await health.print_evidence(desk, connection_id)
        return
    if args.account:
        await accounts.print_account(desk, connection_id)
        return
    if not args.heartbeats:
        item = await desk.client.connection(connection_id)
        print_connection(desk, item)
        if not desk.out.as_json:
            await accounts.print_around(desk, connection_id)
        return
    page = await desk.collect(
        lambda after, limit: desk.client.connection_heartbeats(connection_id, after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    columns = (
        Column(desk.out.titled("When")),
        Column("Trigger"),
        Column("Result"),
        Column("Status", right=True),
        Column("Took", right=True),
        Column("Why", flex=True),
    )
    desk.out.page(
        page,
        columns,
        lambda beat: [
            desk.out.short_time(beat.at),
            beat.trigger.value,
            Cell("✓ good", marks.GOOD) if beat.ok else Cell(f"✗ {beat.kind or 'failed'}", marks.BAD),
            str(beat.status or "–"),
            f"{beat.duration_ms:.0f} ms",
            beat.sentence,
        ],
        empty="Not checked yet. `healthdesk connections check` checks now.",
    )


async def check(desk: Desk, args: argparse.Namespace) -> int | None:
    """Check now; a connection that fails is exit code 1."""
    connection_id = await desk.connection_id(args.connection)
    item = await desk.client.connection_check(connection_id)
    print_connection(desk, item)
    return FAILED if item.state in (ConnectionState.FAILING, ConnectionState.SUSPECT) else None


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    one(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--heartbeats", action="store_true", help="list its checks, newest first")
    which.add_argument("--evidence", action="store_true", help="its last good check beside the first bad one")
    which.add_argument(
        "--account", action="store_true", help="its account: the admin connection, yours, and the instances"
    )
    options.paging(parser)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--owner", metavar="USER", help="those that USER owns")
    which.add_argument(
        "--accounts", action="store_true", help="a row an app and account, with the health of its instances"
    )
    which.add_argument(
        "--expiring", action="store_true", help="those whose credential has an end, the soonest first"
    )
    options.paging(parser)


COMMANDS = (
    Command("list", "list connections", run=list_, arguments=_list_arguments),
    Command(
        "show",
        "show a connection with its account, its checks or its evidence",
        run=show,
        arguments=_show_arguments,
    ),
    Command(
        "add",
        "add a connection, once the app took its credentials",
        run=changes.add,
        arguments=changes.add_arguments,
    ),
    Command("edit", "change settings of a connection", run=changes.edit, arguments=changes.edit_arguments),
    Command("check", "check a connection now", run=check, arguments=one),
    Command(
        "authorize",
        "let an app grant access in a browser, on any machine",
        run=authorizing.authorize,
        arguments=authorizing.authorize_arguments,
    ),
    Command(
        "update-credentials",
        "replace a connection's credentials, once the app took the new ones",
        run=replacing.update_credentials,
        arguments=replacing.update_arguments,
    ),
    Command(
        "put-back",
        "put the credentials before the last update back in use, within an hour",
        run=replacing.put_back,
        arguments=replacing.put_back_arguments,
    ),
    Command(
        "accept-drift",
        "take account, site and scopes as they are now for those that are meant",
        run=health.accept_drift,
        arguments=one,
    ),
    Command(
        "make-me-owner",
        "take a connection over with credentials of your own, once the app took them",
        run=replacing.make_me_owner,
        arguments=replacing.update_arguments,
    ),
    Command(
        "hand-over",
        "give connections of somebody who leaves to somebody else",
        run=people.hand_over,
        arguments=people.hand_over_arguments,
    ),
    Command(
        "members",
        "list who holds what on a connection, add and remove members",
        run=people.members,
        arguments=people.members_arguments,
    ),
    Command(
        "disconnect",
        "say what stops, then erase a connection's credentials",
        run=people.disconnect,
        arguments=people.disconnect_arguments,
    ),
)
