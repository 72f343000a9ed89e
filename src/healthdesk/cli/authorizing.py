"""`healthdesk connections authorize`: a URL to open in any browser, and the wait until it was granted there."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli.apps import find_app
from healthdesk.cli.command import UsageError
from healthdesk.cli.connection_fields import (
    Fields,
    ask_for_rest,
    choose_method,
    field_arguments,
    read_given,
)
from healthdesk.cli.desk import Desk
from healthdesk.errors import ClientError

if TYPE_CHECKING:
    from healthdesk.api.apps import App, AppAuth
    from healthdesk.api.authorizations import Authorization

BY_BROWSER = ("oauth2_code", "oauth2_device")
"""Types of methods whose credentials are granted in a browser."""
LOOK_AGAIN_S = 2.0


def authorize_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `authorize`."""
    parser.add_argument("app", metavar="APP", help="which app; see `healthdesk apps`")
    parser.add_argument("--auth", metavar="METHOD", help="which of its methods that need a browser")
    parser.add_argument(
        "--connection", help="for new credentials of this connection: its settings and fields are known"
    )
    field_arguments(parser)


async def authorize(desk: Desk, args: argparse.Namespace) -> None:
    """Begin an authorization, wait until it is granted, and print what to do with it."""
    app = await find_app(desk, args.app)
    connection_id, now = None, ""
    if args.connection is not None:
        connection_id = await desk.connection_id(args.connection)
        now = (await desk.client.connection(connection_id)).auth
    fields = Fields(app, _method(desk, app, args.auth, now))
    read_given(desk, args, fields)
    if fields.method.id != now:
        ask_for_rest(desk, fields, {})
    granted = await wait_for_grant(desk, fields, connection_id)
    use = (
        f"add --app {app.id} --authorization {granted.id}"
        if connection_id is None
        else f"update-credentials {connection_id} --authorization {granted.id}"
    )
    desk.out.done(
        granted,
        f"{granted.app_name} granted it. Within an hour: `healthdesk connections {use}`",
    )


async def wait_for_grant(desk: Desk, fields: Fields, connection_id: str | None = None) -> Authorization:
    """Begin an authorization, tell where to grant it, and return it once that was done; ClientError says why it was not."""
    from pydantic import SecretStr

    from healthdesk.api.authorizations import AuthorizationCreate

    begun = await desk.client.authorization_begin(
        AuthorizationCreate(
            app=fields.app.id,
            auth=fields.method.id,
            fields={key: SecretStr(value) for key, value in fields.credentials().items()},
            settings=fields.settings(),
            **({} if connection_id is None else {"connection": connection_id}),
        )
    )
    _tell(desk, begun)
    while begun.status == "pending":
        await desk.clock.sleep(LOOK_AGAIN_S)
        begun = await desk.client.authorization(begun.id)
    if begun.status != "granted":
        raise ClientError(
            begun.error or f"the authorization at {begun.app_name} is {begun.status}", fix="begin it again"
        )
    return begun


def _tell(desk: Desk, begun: Authorization) -> None:
    if begun.redirect_url:
        desk.out.note(f"Redirect URL to register at {begun.app_name}: {begun.redirect_url}")
    desk.out.note(f"Open in a browser, on any machine: {begun.url}")
    if begun.user_code:
        desk.out.note(f"Enter the code: {begun.user_code}")
    desk.out.note(f"Waiting until {desk.out.time(begun.expires_at)} …")


def _method(desk: Desk, app: App, wanted: str | None, now: str) -> AppAuth:
    possible = [each for each in app.auth if each.type in BY_BROWSER]
    if not possible:
        raise UsageError(
            f"{app.name} needs no browser",
            f"`healthdesk connections add --app {app.id}` asks for what it needs",
        )
    in_use = now if any(each.id == now for each in possible) else ""
    return choose_method(desk, app.model_copy(update={"auth": possible}), wanted, in_use)
