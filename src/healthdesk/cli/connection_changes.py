"""`healthdesk connections add`, `edit`, `update-credentials` and `put-back`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.apps import find_app
from healthdesk.cli.authorizing import BY_BROWSER, wait_for_grant
from healthdesk.cli.command import FAILED, UsageError
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
from healthdesk.cli.parser import nearest
from healthdesk.domain.states import ConnectionState
from healthdesk.errors import ApiRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from healthdesk.api.apps import App, AppAuth
    from healthdesk.api.connections import Connection, Credentials, CredentialsUpdated

HTTP_ENDPOINT = "http-endpoint"
IDENTITY_CHANGED = "identity-changed"
_HEARTBEAT = ("heartbeat", "heartbeat_method", "heartbeat_status")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `add`."""
    parser.add_argument(
        "--app", default=HTTP_ENDPOINT, help="which app (http-endpoint); see `healthdesk apps`"
    )
    settings_arguments(parser, known=False)
    credential_arguments(parser)
    field_arguments(parser)
    _authorization_argument(parser)
    _trial_arguments(parser)


def edit_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edit`."""
    one(parser)
    settings_arguments(parser, known=True)
    parser.add_argument("--no-heartbeat", action="store_true", help="judge it by deliveries")
    plain_field_argument(parser)
    _trial_arguments(parser)
    parser.add_argument("--no-expiry", action="store_true", help="the credentials do not expire")


def update_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `update-credentials`."""
    one(parser)
    credential_arguments(parser)
    field_arguments(parser)
    _authorization_argument(parser)
    _trial_arguments(parser)
    parser.add_argument(
        "--yes", action="store_true", help="do not ask when they are another account's, or may do less"
    )


def put_back_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `put-back`."""
    one(parser)
    _unchecked_argument(parser)


def _trial_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--expires", metavar="DATE", help="when the credentials expire, as 2026-12-31")
    _unchecked_argument(parser)


def _authorization_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--authorization",
        metavar="ID",
        help="one that was granted, instead of credentials; see `healthdesk connections authorize`",
    )


def _unchecked_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--unchecked", action="store_true", help="save without trying it at the app first")


def _trial_fields(desk: Desk, args: argparse.Namespace) -> dict[str, Any]:
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
    new = ConnectionCreate(app=args.app, **fields, **_trial_fields(desk, args))
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
    return {**made, **await _given(desk, fields)}


async def _given(desk: Desk, fields: Fields, connection_id: str | None = None) -> dict[str, Any]:
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
    fields |= _trial_fields(desk, args)
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


async def update_credentials(desk: Desk, args: argparse.Namespace) -> int | None:
    """Replace the credentials once the app took the new ones; the old ones stay in use until then."""
    from healthdesk.api.connections import CredentialsUpdate

    connection_id = await desk.connection_id(args.connection)
    now = await desk.client.connection(connection_id)
    given: dict[str, Any]
    if args.authorization is not None:
        given = {"authorization": args.authorization}
    elif now.app == HTTP_ENDPOINT and not uses_fields(args):
        auth = args.auth or now.auth
        if args.auth is None and auth == "none":
            raise UsageError("this connection has no credentials to update", "give --auth")
        given = {"credentials": credentials(desk, args, auth)}
    else:
        app = await find_app(desk, now.app)
        fields = Fields(app, _method_to_update(desk, app, args.auth, now))
        read_fields(desk, args, fields)
        _refuse_settings(fields, now)
        if fields.method.type not in BY_BROWSER or fields.method.id != now.auth:
            ask_for_rest(desk, fields, now.settings | _staying(fields, now))
        given = await _given(desk, fields, connection_id)
    new = CredentialsUpdate(**given, **_trial_fields(desk, args))
    if args.yes:
        new = new.model_copy(update={"accept_changes": True})
    answer = await _confirmed(
        desk, lambda body: desk.client.connection_update_credentials(connection_id, body), new
    )
    return _print_updated(desk, answer, "updated") if answer is not None else FAILED


def _method_to_update(desk: Desk, app: App, wanted: str | None, now: Connection) -> AppAuth:
    """Return the method that new credentials are for: the one in use unless another is named."""
    known = {each.id for each in app.auth}
    return choose_method(desk, app, wanted, now.auth if now.auth in known else "")


def _staying(fields: Fields, now: Connection) -> dict[str, str]:
    """Return the fields that need not be given: with the same method, what is not secret stays as it is."""
    if fields.method.id != now.auth:
        return {}
    return {each.key: "" for each in fields.method.fields if not each.secret}


def _refuse_settings(fields: Fields, now: Connection) -> None:
    if others := sorted(fields.settings()):
        near = nearest(others[0], [each.key for each in fields.method.fields])
        raise UsageError(
            f"{', '.join(others)}: no part of the credentials" + (f"; {near} is" if near else ""),
            f"`healthdesk connections edit {now.id} --field {others[0]}=…` changes it",
        )


async def _confirmed(
    desk: Desk, send: Callable[[Any], Awaitable[CredentialsUpdated]], new: Any
) -> CredentialsUpdated | None:
    """Send new credentials; where they are another account's, ask, and send them once more. None: nothing was changed."""
    try:
        return await send(new)
    except ApiRefused as error:
        if error.slug != IDENTITY_CHANGED or not desk.ask.interactive:
            raise
        if not desk.ask.confirm(desk.out.safe(f"{error.what} Put them in use all the same?")):
            desk.out.note("Nothing was changed: the old credentials stay in use.")
            return None
    return await send(new.model_copy(update={"accept_changes": True}))


async def put_back(desk: Desk, args: argparse.Namespace) -> int | None:
    """Put the credentials before the last update back in use, once the app took them."""
    from healthdesk.api.connections import PutBack

    connection_id = await desk.connection_id(args.connection)
    choice = PutBack(unchecked=True) if args.unchecked else PutBack()
    answer = await desk.client.connection_put_back(connection_id, choice)
    return _print_updated(desk, answer, "put back")


def _print_updated(desk: Desk, item: CredentialsUpdated, done: str) -> int | None:
    print_connection(desk, item)
    if not desk.out.as_json:
        for change in item.changes:
            desk.out.line(change.sentence)
        if item.rerun is not None:
            desk.out.line(item.rerun.sentence)
            for command in item.rerun.commands:
                desk.out.line(f"  {command}")
        if item.previous_until is not None:
            desk.out.line(
                f"Credentials {done}. Those before can be put back until {desk.out.time(item.previous_until)}:"
                f" `healthdesk connections put-back {item.id}`"
            )
    return FAILED if item.state in (ConnectionState.FAILING, ConnectionState.SUSPECT) else None
