"""`healthdesk connections update-credentials`, `put-back` and `make-me-owner`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, TypeVar

from healthdesk.cli.apps import find_app
from healthdesk.cli.authorizing import BY_BROWSER
from healthdesk.cli.command import FAILED, UsageError
from healthdesk.cli.connection_changes import (
    HTTP_ENDPOINT,
    authorization_argument,
    given,
    trial_arguments,
    trial_fields,
    unchecked_argument,
)
from healthdesk.cli.connection_fields import (
    Fields,
    ask_for_rest,
    choose_method,
    field_arguments,
    read_fields,
    uses_fields,
)
from healthdesk.cli.connection_settings import credential_arguments, credentials
from healthdesk.cli.connection_view import one, print_connection
from healthdesk.cli.desk import Desk
from healthdesk.cli.parser import nearest
from healthdesk.domain.states import ConnectionState
from healthdesk.errors import ApiRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from healthdesk.api.apps import App, AppAuth
    from healthdesk.api.connections import Connection, CredentialsUpdate, CredentialsUpdated

    New = TypeVar("New", bound=CredentialsUpdate)

IDENTITY_CHANGED = "identity-changed"


def update_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `update-credentials`."""
    one(parser)
    credential_arguments(parser)
    field_arguments(parser)
    authorization_argument(parser)
    trial_arguments(parser)
    parser.add_argument(
        "--yes", action="store_true", help="do not ask when they are another account's, or may do less"
    )


def put_back_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `put-back`."""
    one(parser)
    unchecked_argument(parser)


async def update_credentials(desk: Desk, args: argparse.Namespace) -> int | None:
    """Replace the credentials once the app took the new ones; the old ones stay in use until then."""
    from healthdesk.api.connections import CredentialsUpdate

    return await _replace(desk, args, CredentialsUpdate, desk.client.connection_update_credentials)


async def make_me_owner(desk: Desk, args: argparse.Namespace) -> int | None:
    """Take a connection over with credentials of one's own, once the app took them."""
    from healthdesk.api.people import MakeMeOwner

    return await _replace(desk, args, MakeMeOwner, desk.client.connection_make_me_owner, of_another=True)


async def _replace(
    desk: Desk,
    args: argparse.Namespace,
    body: type[New],
    send: Callable[[str, New], Awaitable[CredentialsUpdated]],
    *,
    of_another: bool = False,
) -> int | None:
    """Ask for new credentials and send them. `of_another`: nothing of those in use is taken for them."""
    connection_id = await desk.connection_id(args.connection)
    now = await desk.client.connection(connection_id)
    if why := now.refused.get("make_me_owner") if of_another else None:
        raise UsageError(why)
    chosen: dict[str, Any]
    if args.authorization is not None:
        chosen = {"authorization": args.authorization}
    elif now.app == HTTP_ENDPOINT and not uses_fields(args):
        auth = args.auth or now.auth
        if args.auth is None and auth == "none":
            raise UsageError("this connection has no credentials to update", "give --auth")
        chosen = {"credentials": credentials(desk, args, auth)}
    else:
        app = await find_app(desk, now.app)
        fields = Fields(app, _method_to_update(desk, app, args.auth, now))
        read_fields(desk, args, fields)
        _refuse_settings(fields, now)
        if fields.method.type not in BY_BROWSER or fields.method.id != now.auth:
            ask_for_rest(desk, fields, now.settings | ({} if of_another else _staying(fields, now)))
        chosen = await given(desk, fields, connection_id)
    new = body(**chosen, **trial_fields(desk, args))
    if args.yes:
        new = new.model_copy(update={"accept_changes": True})
    answer = await _confirmed(desk, lambda asked: send(connection_id, asked), new)
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
