"""How callbacks of a connection are verified, on the command line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.ask import secret_arguments
from healthdesk.cli.desk import Desk
from healthdesk.domain.states import CallbackScheme

if TYPE_CHECKING:
    from healthdesk.api.connections import Connection

HANDED_OVER = "asana"
"""The scheme whose secret the app brings itself."""

_VERIFICATION = (
    "scheme",
    "header",
    "algorithm",
    "encoding",
    "prefix",
    "id_header",
    "event_header",
    "signed",
    "timestamp_header",
    "timestamp_format",
)


def callback_arguments(parser: argparse.ArgumentParser, *, known: bool) -> None:
    """Add the options; of a `known` connection also those that only a change can have."""
    group = parser.add_argument_group("callbacks", "without --scheme as the app signs them")
    group.add_argument("--scheme", choices=options.words(CallbackScheme), help="how callbacks are verified")
    group.add_argument("--header", help="hmac, token: header of the signature (X-Signature)")
    group.add_argument("--algorithm", choices=("sha1", "sha256", "sha512"), help="hmac: sha256")
    group.add_argument("--encoding", choices=("hex", "base64"), help="hmac: hex")
    group.add_argument("--prefix", help="hmac: what stands before the signature, such as sha256=")
    group.add_argument(
        "--signed", metavar="TEMPLATE", help="hmac: over what ({body}); also {timestamp}, {url}, {method}"
    )
    group.add_argument(
        "--timestamp-header", metavar="HEADER", help="hmac: header of the time it was signed at"
    )
    group.add_argument(
        "--timestamp-format", choices=("epoch_s", "epoch_ms", "iso", "http"), help="how that is written"
    )
    group.add_argument("--id-header", help="header of the delivery id")
    group.add_argument("--event-header", help="header that names the event")
    group.add_argument(
        "--callback-limit", type=options.whole(0), metavar="N", help="at most N a minute; 0: no limit"
    )
    secret_arguments(parser, "callback-secret", "the secret of callbacks")
    if known:
        group.add_argument(
            "--secret-overlap",
            type=options.duration,
            metavar="TIME",
            help="how long the secret before it stays valid (1d), such as 2h; 0: not at all",
        )
        group.add_argument(
            "--await-handshake",
            action="store_true",
            help="let the app hand over a further secret within ten minutes (asana)",
        )


def callback_settings(desk: Desk, args: argparse.Namespace, now: Connection | None) -> dict[str, Any]:
    """Return the settings that were given; parts of a whole are changed within what it is `now`."""
    fields: dict[str, Any] = {}
    verification = {key: getattr(args, key) for key in _VERIFICATION if getattr(args, key) is not None}
    if verification:
        fields["verification"] = (now.verification.model_dump() if now else {}) | verification
    scheme = verification.get("scheme", "none")
    wanted = scheme not in ("none", HANDED_OVER) and (now is None or not now.callback_secret_hint)
    secret = desk.ask.secret(args, "callback-secret", "Secret of callbacks", required=wanted)
    if secret is not None:
        fields["callback_secret"] = secret
    if args.callback_limit is not None:
        fields["callback_limit_per_minute"] = args.callback_limit or None
    if getattr(args, "secret_overlap", None) is not None:
        fields["callback_secret_overlap_s"] = args.secret_overlap
    if getattr(args, "await_handshake", False):
        fields["await_handshake"] = True
    return fields
