"""Settings and credentials of a connection on the command line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.ask import secret_arguments
from healthdesk.cli.callback_settings import callback_arguments, callback_settings
from healthdesk.cli.command import UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.parser import nearest

if TYPE_CHECKING:
    from healthdesk.api.connections import Connection, Credentials

AUTH = ("none", "bearer", "basic", "header", "query")


def settings_arguments(parser: argparse.ArgumentParser, *, known: bool) -> None:
    """Add the settings of a connection, a new one or a `known` one."""
    parser.add_argument("--name", help="what people call it")
    parser.add_argument("--base-url", metavar="URL", help="where the app lives")
    parser.add_argument(
        "--heartbeat",
        metavar="PATH",
        help="path of the request that decides its health; none: judged by deliveries",
    )
    parser.add_argument(
        "--heartbeat-method", choices=("GET", "HEAD", "POST", "OPTIONS"), help="its method (GET)"
    )
    parser.add_argument(
        "--heartbeat-status", type=options.whole(100, 599), metavar="STATUS", help="the status expected (200)"
    )
    callback_arguments(parser, known=known)


def credential_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the credentials of a connection; secrets come from elsewhere."""
    group = parser.add_argument_group("credentials", "secrets are asked for when neither option is given")
    group.add_argument(
        "--auth", metavar="METHOD", help="how requests are authenticated: see `healthdesk apps`"
    )
    group.add_argument("--username", help="basic: the user")
    group.add_argument("--header-name", metavar="HEADER", help="header: which one carries the token")
    group.add_argument(
        "--parameter-name", metavar="PARAMETER", help="query: which parameter of the address carries the key"
    )
    secret_arguments(parser, "token", "the token")
    secret_arguments(parser, "password", "the password")


def credentials(desk: Desk, args: argparse.Namespace, auth: str) -> Credentials:
    """Return the credentials, asking for the secret that the method needs."""
    from healthdesk.api.connections import Credentials

    if auth not in AUTH:
        near = nearest(auth, AUTH)
        raise UsageError(
            f"--auth: {auth!r} is not known",
            f"did you mean {near}?" if near else f"one of: {', '.join(AUTH)}",
        )
    fields: dict[str, Any] = {"auth": auth}
    if auth in ("bearer", "header", "query"):
        fields["token"] = desk.ask.secret(args, "token", "Token")
    if auth == "header":
        if not args.header_name:
            raise UsageError("--auth header needs --header-name", "name the header that carries the token")
        fields["header_name"] = args.header_name
    if auth == "query":
        if not args.parameter_name:
            raise UsageError("--auth query needs --parameter-name", "name the parameter that carries the key")
        fields["fields"] = {"parameter_name": args.parameter_name}
    if auth == "basic":
        if not args.username:
            raise UsageError("--auth basic needs --username")
        fields["username"] = args.username
        fields["password"] = desk.ask.secret(args, "password", "Password")
    return Credentials(**fields)


def settings(desk: Desk, args: argparse.Namespace, now: Connection | None) -> dict[str, Any]:
    """Return the settings that were given; parts of a whole are changed within what it is `now`."""
    fields: dict[str, Any] = {}
    if args.name is not None:
        fields["name"] = args.name
    if args.base_url is not None:
        fields["base_url"] = args.base_url
    beat = {
        "path": args.heartbeat,
        "method": args.heartbeat_method,
        "expected_status": args.heartbeat_status,
    }
    beat = {key: value for key, value in beat.items() if value is not None}
    if beat:
        before = now.heartbeat.model_dump() if now and now.heartbeat else {}
        fields["heartbeat"] = before | beat
    return fields | callback_settings(desk, args, now)
