"""Settings and credentials of a connection on the command line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.ask import secret_arguments
from healthdesk.cli.command import UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.parser import nearest

if TYPE_CHECKING:
    from healthdesk.api.connections import Connection, Credentials

AUTH = ("none", "bearer", "basic", "header")
SCHEMES = ("none", "standard_webhooks", "hmac")
_VERIFICATION = ("scheme", "header", "algorithm", "encoding", "prefix", "id_header", "event_header")


def settings_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the settings of a connection."""
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
    group = parser.add_argument_group("callbacks")
    group.add_argument("--scheme", choices=SCHEMES, help="how callbacks are verified")
    group.add_argument("--header", help="hmac: header of the signature (X-Signature)")
    group.add_argument("--algorithm", choices=("sha1", "sha256", "sha512"), help="hmac: sha256")
    group.add_argument("--encoding", choices=("hex", "base64"), help="hmac: hex")
    group.add_argument("--prefix", help="hmac: what stands before the signature, such as sha256=")
    group.add_argument("--id-header", help="hmac: header of the delivery id")
    group.add_argument("--event-header", help="header that names the event")
    group.add_argument(
        "--callback-limit", type=options.whole(0), metavar="N", help="at most N a minute; 0: no limit"
    )
    secret_arguments(parser, "callback-secret", "the secret of callbacks")


def credential_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the credentials of a connection; secrets come from elsewhere."""
    group = parser.add_argument_group("credentials", "secrets are asked for when neither option is given")
    group.add_argument(
        "--auth", metavar="METHOD", help="how requests are authenticated: see `healthdesk apps`"
    )
    group.add_argument("--username", help="basic: the user")
    group.add_argument("--header-name", metavar="HEADER", help="header: which one carries the token")
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
    if auth in ("bearer", "header"):
        fields["token"] = desk.ask.secret(args, "token", "Token")
    if auth == "header":
        if not args.header_name:
            raise UsageError("--auth header needs --header-name", "name the header that carries the token")
        fields["header_name"] = args.header_name
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
    verification = {key: getattr(args, key) for key in _VERIFICATION if getattr(args, key) is not None}
    if verification:
        fields["verification"] = (now.verification.model_dump() if now else {}) | verification
    wanted = verification.get("scheme", "none") != "none" and (now is None or not now.callback_secret_hint)
    secret = desk.ask.secret(args, "callback-secret", "Secret of callbacks", required=wanted)
    if secret is not None:
        fields["callback_secret"] = secret
    if args.callback_limit is not None:
        fields["callback_limit_per_minute"] = args.callback_limit or None
    return fields
