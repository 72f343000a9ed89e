"""`healthdesk connections`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import marks, options
from healthdesk.cli.command import FAILED, Command, UsageError
from healthdesk.cli.connection_settings import (
    credential_arguments,
    credentials,
    settings,
    settings_arguments,
)
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column
from healthdesk.domain.states import ConnectionState

if TYPE_CHECKING:
    from healthdesk.api.connections import Connection

_WORST_FIRST = (
    ConnectionState.FAILING,
    ConnectionState.SUSPECT,
    ConnectionState.UNKNOWN,
    ConnectionState.CONNECTED,
)


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print every connection, the worst first."""
    columns = (
        Column("Status"),
        Column("Id"),
        Column("Name", flex=True),
        Column("App", flex=True, spare=2),
        Column("URL", flex=True, spare=3),
        Column("Owner", flex=True, spare=1),
        Column("Checked", right=True),
        Column("Why", below=True),
    )

    def row(item: Connection) -> list[Cell | str]:
        mark = marks.connection(item.state, item.state_word)
        checked = desk.out.ago(item.last_checked)
        why = item.explanation.sentence if item.explanation else ""
        return [mark, item.id, item.name, item.app_name, item.base_url, item.owner, checked, why]

    page = await desk.collect(
        lambda after, limit: desk.client.connections_list(after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    if not desk.out.as_json:  # programs get the order that the cursor follows
        page.items.sort(key=lambda item: _WORST_FIRST.index(item.state))
    desk.out.page(
        page,
        columns,
        row,
        empty="No connections yet. `healthdesk connections add` adds one;"
        " `healthdesk apps` lists what can be connected.",
    )


def _show(desk: Desk, item: Connection) -> None:
    out = desk.out
    if out.as_json:
        out.model(item)
        return
    why = item.explanation
    beat = item.heartbeat
    out.facts(
        [
            ("Status", marks.connection(item.state, item.state_word)),
            ("Why", why.sentence if why else ""),
            ("Whose fault", why.blame if why else ""),
            ("Next", why.next_action if why else ""),
            ("Since", out.time(item.state_since)),
            ("Id", item.id),
            ("Name", item.name),
            ("App", item.app_name),
            ("Account", item.account),
            ("Base URL", item.base_url),
            ("Credentials", f"{item.auth} {item.credential_hint}".strip()),
            ("Owner", item.owner),
            ("Members", ", ".join(f"{member.user} ({member.grant})" for member in item.members)),
            (
                "Heartbeat",
                f"{beat.method} {beat.path}, {beat.expected_status} expected"
                if beat
                else "none: judged by deliveries",
            ),
            ("Connected on", out.time(item.connected_on)),
            ("Last healthy", out.time(item.last_healthy)),
            ("Last checked", out.time(item.last_checked)),
            ("Next check", out.time(item.next_check)),
            ("Callback URL", item.callback_url),
            ("Callbacks", _callbacks(item)),
            (
                "Callback limit",
                f"{item.callback_limit_per_minute} a minute" if item.callback_limit_per_minute else "",
            ),
            ("Created", f"{out.time(item.created_at)} by {item.created_by}"),
        ]
    )


def _callbacks(item: Connection) -> Cell | str:
    """Return how callbacks are verified. Nothing to verify them with is a warning: the address is no secret."""
    if item.verification.scheme == "none":
        return Cell(
            "not verified: whoever knows the address may post;"
            f" `healthdesk connections edit {item.id} --scheme standard_webhooks` (or hmac) sets a scheme",
            marks.WARN,
        )
    how = item.verification
    said = [f"{how.scheme} {item.callback_secret_hint}".strip()]
    if how.scheme == "hmac":
        said += [
            f"signature in {how.header}",
            f"{how.algorithm} {how.encoding}",
            f"prefix {how.prefix}" if how.prefix else "no prefix",
            f"id in {how.id_header}" if how.id_header else "no id header",
        ]
    if how.event_header:
        said.append(f"event in {how.event_header}")
    return ", ".join(said)


async def show(desk: Desk, args: argparse.Namespace) -> None:
    """Print one connection, and its checks when asked."""
    connection_id = await desk.connection_id(args.connection)
    if not args.heartbeats:
        _show(desk, await desk.client.connection(connection_id))
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


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--app", default="http-endpoint", help="which app (http-endpoint); see `healthdesk apps`"
    )
    settings_arguments(parser)
    credential_arguments(parser)


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    settings_arguments(parser)
    parser.add_argument("--no-heartbeat", action="store_true", help="judge it by deliveries")


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("connection", metavar="CONNECTION", help="id or name")


async def add(desk: Desk, args: argparse.Namespace) -> None:
    """Add a connection; it is checked at once when it has a heartbeat."""
    from healthdesk.api.connections import ConnectionCreate

    for option in ("name", "base_url"):
        if getattr(args, option) is None:
            raise UsageError(f"--{option.replace('_', '-')} is missing", f"see `{args.prog} --help`")
    fields = settings(desk, args, None)
    given = "bearer" if args.token_stdin or args.token_file else "none"
    new = ConnectionCreate(app=args.app, credentials=credentials(desk, args, args.auth or given), **fields)
    _show(desk, await desk.client.connection_create(new))


async def edit(desk: Desk, args: argparse.Namespace) -> None:
    """Change settings of a connection."""
    from healthdesk.api.connections import ConnectionEdit

    connection_id = await desk.connection_id(args.connection)
    fields = settings(desk, args, await desk.client.connection(connection_id))
    if args.no_heartbeat:
        if "heartbeat" in fields:
            raise UsageError("--no-heartbeat contradicts the other heartbeat options")
        fields["clear_heartbeat"] = True
    if not fields:
        raise UsageError("nothing to change", f"see `{args.prog} --help`")
    _show(desk, await desk.client.connection_edit(connection_id, ConnectionEdit(**fields)))


async def check(desk: Desk, args: argparse.Namespace) -> int | None:
    """Check now; a connection that fails is exit code 1."""
    connection_id = await desk.connection_id(args.connection)
    item = await desk.client.connection_check(connection_id)
    _show(desk, item)
    return FAILED if item.state in (ConnectionState.FAILING, ConnectionState.SUSPECT) else None


def _update_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    credential_arguments(parser)


async def update_credentials(desk: Desk, args: argparse.Namespace) -> int | None:
    """Replace the credentials; the connection is checked with them at once."""
    from healthdesk.api.connections import CredentialsUpdate

    connection_id = await desk.connection_id(args.connection)
    auth = args.auth or (await desk.client.connection(connection_id)).auth
    if args.auth is None and auth == "none":
        raise UsageError("this connection has no credentials to update", "give --auth")
    new = CredentialsUpdate(credentials=credentials(desk, args, auth))
    item = await desk.client.connection_update_credentials(connection_id, new)
    _show(desk, item)
    return FAILED if item.state in (ConnectionState.FAILING, ConnectionState.SUSPECT) else None


def _disconnect_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    options.yes(parser)


async def _refuse_while_used(desk: Desk, item: Connection) -> None:
    """Say which integrations deliver through it before asking: the daemon would refuse the answer."""
    from healthdesk.errors import ClientError

    page = await desk.collect(
        lambda after, limit: desk.client.integrations_list(after=after, limit=limit), limit=10_000, after=None
    )
    users = [
        each.name for each in page.items if item.id in {place.connection_id for place in each.environments}
    ]
    if users:
        raise ClientError(
            f"{', '.join(users)} deliver{'s' if len(users) == 1 else ''} through {item.name}",
            fix="give their environments another connection first:"
            " `healthdesk integrations edit INTEGRATION --environment ENVIRONMENT --connection CONNECTION`",
        )


async def disconnect(desk: Desk, args: argparse.Namespace) -> int | None:
    """Erase the credentials and end the connection."""
    desk.ask.require_yes(args.yes)
    connection_id = await desk.connection_id(args.connection)
    item = await desk.client.connection(connection_id)
    await _refuse_while_used(desk, item)
    question = (
        f"Disconnect {item.name} ({item.app_name}, {item.id})? Its credentials are erased and cannot be"
        " brought back, and its callbacks are refused."
    )
    if not args.yes and not desk.ask.confirm(desk.out.safe(question)):
        desk.out.note("Nothing was changed.")
        return FAILED
    await desk.client.connection_disconnect(connection_id)
    desk.out.done(item, f"Disconnected {item.name}.")
    return None


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--heartbeats", action="store_true", help="list its checks, newest first")
    options.paging(parser)


COMMANDS = (
    Command("list", "list connections", run=list_, arguments=options.paging),
    Command("show", "show a connection, or its checks", run=show, arguments=_show_arguments),
    Command("add", "add a connection", run=add, arguments=_add_arguments),
    Command("edit", "change settings of a connection", run=edit, arguments=_edit_arguments),
    Command("check", "check a connection now", run=check, arguments=_one),
    Command(
        "update-credentials",
        "replace a connection's credentials and check with them",
        run=update_credentials,
        arguments=_update_arguments,
    ),
    Command(
        "disconnect", "erase a connection's credentials", run=disconnect, arguments=_disconnect_arguments
    ),
)
