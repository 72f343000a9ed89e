"""`healthdesk connections add` and `edit`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.apps import find_app
from healthdesk.cli.authorizing import BY_BROWSER, wait_for_grant
from healthdesk.cli.command import UsageError
from healthdesk.cli.connection_fields import (
    Fields,
    ask_for_rest,
    choose_method,
    field_arguments,
    plain_field_argument,
    read_fields,
    read_plain,
    uses_fields,
)
from healthdesk.cli.connection_settings import credential_arguments, credentials, settings, settings_arguments
from healthdesk.cli.connection_view import one, print_connection
from healthdesk.cli.desk import Desk

if TYPE_CHECKING:
    from healthdesk.api.connections import Connection, Credentials

HTTP_ENDPOINT = "http-endpoint"
_HEARTBEAT = ("heartbeat", "heartbeat_method", "heartbeat_status")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `add`."""
    parser.add_argument(
        "--app", default=HTTP_ENDPOINT, help="which app (http-endpoint); see `healthdesk apps`"
    )
    settings_arguments(parser, known=False)
    credential_arguments(parser)
    field_arguments(parser)
    authorization_argument(parser)
    trial_arguments(parser)


def edit_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edit`."""
    one(parser)
    settings_arguments(parser, known=True)
    parser.add_argument("--no-heartbeat", action="store_true", help="judge it by deliveries")
    plain_field_argument(parser)
    trial_arguments(parser)
    parser.add_argument("--no-expiry", action="store_true", help="the credentials do not expire")


def trial_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what goes with anything that is tried first."""
    parser.add_argument("--expires", metavar="DATE", help="when the credentials expire, as 2026-12-31")
    unchecked_argument(parser)


def authorization_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--authorization`."""
    parser.add_argument(
        "--authorization",
        metavar="ID",
        help="one that was granted, instead of credentials; see `healthdesk connections authorize`",
    )


def unchecked_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--unchecked`."""
    parser.add_argument("--unchecked", action="store_true", help="save without trying it at the app first")


def trial_fields(desk: Desk, args: argparse.Namespace) -> dict[str, Any]:
    """Return what these arguments say of the request."""
    fields: dict[str, Any] = {"unchecked": True} if args.unchecked else {}
    if args.expires is not None:
        fields["expires_at"] = options.when(desk, args.expires, "--expires")
    return fields


async def add(desk: Desk, args: argparse.Namespace) -> None:
    """Add a connection, once the app took its credentials."""
    from healthdesk.api.connections import ConnectionCreate

    if args.app == HTTP_ENDPOINT and not uses_fields(args):
        if args.base_url is None:
            raise UsageError("--base-url is missing", f"see `{args.prog} --help`")
        fields = settings(desk, args, None)
        given = "bearer" if args.token_stdin or args.token_file else "none"
        fields["credentials"] = credentials(desk, args, args.auth or given)
    else:
        _refuse_heartbeat(args)
        fields = await _app_fields(desk, args)
    new = ConnectionCreate(app=args.app, **fields, **trial_fields(desk, args))
    print_connection(desk, await desk.client.connection_create(new))


def _refuse_heartbeat(args: argparse.Namespace) -> None:
    if args.app != HTTP_ENDPOINT and any(getattr(args, name) is not None for name in _HEARTBEAT):
        raise UsageError(
            f"--heartbeat belongs to {HTTP_ENDPOINT}", "the app's connector says how its health is checked"
        )


async def _app_fields(desk: Desk, args: argparse.Namespace) -> dict[str, Any]:
    """Return what a new connection of any app is made of."""
    app = await find_app(desk, args.app)
    if args.authorization is None:
        fields = Fields(app, choose_method(desk, app, args.auth))
    else:
        # What the method asks for was given when the authorization was begun.
        fields = Fields(app, app.auth[0].model_copy(update={"fields": []}))
    read_fields(desk, args, fields)
    ask_for_rest(desk, fields, {})
    made = settings(desk, args, None)
    if chosen := fields.settings():
        made["settings"] = chosen
    if args.authorization is not None:
        return {**made, "authorization": args.authorization}
    return {**made, **await given(desk, fields)}


async def given(desk: Desk, fields: Fields, connection_id: str | None = None) -> dict[str, Any]:
    """Return the credentials, or the authorization that they are granted with in a browser now."""
    if fields.method.type in BY_BROWSER:
        return {"authorization": (await wait_for_grant(desk, fields, connection_id)).id}
    return {"credentials": _credentials(fields)}


def _credentials(fields: Fields) -> Credentials:
    from pydantic import SecretStr

    from healthdesk.api.connections import Credentials

    values = {key: SecretStr(value) for key, value in fields.credentials().items()}
    return Credentials(auth=fields.method.id, fields=values)


async def edit(desk: Desk, args: argparse.Namespace) -> None:
    """Change settings of a connection; what decides its health is tried first."""
    from healthdesk.api.connections import ConnectionEdit

    connection_id = await desk.connection_id(args.connection)
    now = await desk.client.connection(connection_id)
    fields = settings(desk, args, now)
    if args.no_heartbeat:
        if "heartbeat" in fields:
            raise UsageError("--no-heartbeat contradicts the other heartbeat options")
        fields["clear_heartbeat"] = True
    if args.field:
        fields["settings"] = await _edited_settings(desk, args, now)
    if args.no_expiry:
        if args.expires is not None:
            raise UsageError("--no-expiry contradicts --expires")
        fields["expires_at"] = None
    fields |= trial_fields(desk, args)
    if not fields.keys() - {"unchecked"}:
        raise UsageError("nothing to change", f"see `{args.prog} --help`")
    print_connection(desk, await desk.client.connection_edit(connection_id, ConnectionEdit(**fields)))


async def _edited_settings(desk: Desk, args: argparse.Namespace, now: Connection) -> dict[str, str]:
    app = await find_app(desk, now.app)
    fields = Fields(app, choose_method(desk, app, None, now.auth))
    read_plain(args, fields)
    if others := sorted(fields.credentials()):
        raise UsageError(
            f"{', '.join(others)}: part of the credentials",
            f"`healthdesk connections update-credentials {now.id}` replaces them",
        )
    return fields.settings()
