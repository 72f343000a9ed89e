"""`healthdesk integrations keys`: bearer keys for posting records, secrets of our signature, secrets of receipts."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import options
from healthdesk.cli.ask import secret_arguments
from healthdesk.cli.command import UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import STRONG, Cell
from healthdesk.cli.tables import Column
from healthdesk.domain.states import Environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from healthdesk.api.keys import Key, NewSecret, SigningSecret


def keys_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `keys`."""
    options.integration(parser)
    parser.add_argument(
        "--new", action="store_true", help="make a new one, shown this once, in place of the last"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--signing", action="store_true", help="the secret that signs what is delivered, not the bearer key"
    )
    which.add_argument(
        "--receipt", action="store_true", help="the secret that proves receipts to be the endpoint's own"
    )
    secret_arguments(
        parser, "receipt-secret", "a receipt secret that the endpoint made, with --receipt --new"
    )
    options.environment(parser)
    parser.add_argument(
        "--overlap",
        type=options.duration,
        metavar="DURATION",
        help="with --new: how long the one before stays valid, such as 24h (default: not at all)",
    )


async def keys(desk: Desk, args: argparse.Namespace) -> None:
    """List what there is, or make a new one."""
    if args.overlap is not None and not args.new:
        raise UsageError("--overlap goes with --new")
    if (args.receipt_secret_stdin or args.receipt_secret_file) and not (args.receipt and args.new):
        raise UsageError("a receipt secret goes with --receipt --new")
    integration_id = await desk.integration_id(args.integration)
    if args.new:
        await _new(desk, args, integration_id)
        return
    found: Sequence[Key | SigningSecret]
    if args.signing:
        found = await desk.client.integration_signing_secrets(integration_id)
    elif args.receipt:
        found = await desk.client.integration_receipt_secrets(integration_id)
    else:
        found = await desk.client.integration_keys(integration_id)
    shown = [key for key in found if args.environment in (None, key.environment)]
    if not shown:
        await _know_environment(desk, args, integration_id)
    _list(desk, args, shown)


async def _know_environment(desk: Desk, args: argparse.Namespace, integration_id: str) -> None:
    """Refuse an environment that is not there: "no keys yet" would send people to make one, in vain."""
    from healthdesk.errors import ClientError

    if args.environment is None:
        return
    item = await desk.client.integration(integration_id)
    if args.environment not in {each.environment for each in item.environments}:
        raise ClientError(
            f"{item.name} has no environment {args.environment}",
            fix=f"add it with `healthdesk integrations edit {item.id} --environment {args.environment}"
            " --connection CONNECTION`",
        )


async def _new(desk: Desk, args: argparse.Namespace, integration_id: str) -> None:
    from healthdesk.api.keys import KeyCreate, ReceiptSecretCreate

    chosen = Environment(args.environment or Environment.PRODUCTION)
    body = KeyCreate(environment=chosen, overlap_s=args.overlap or 0)
    if args.receipt:
        given = desk.ask.secret(args, "receipt-secret", "Secret of receipts", required=False)
        fields = body.model_dump() | ({} if given is None else {"secret": given})
        receipt = ReceiptSecretCreate(**fields)
        made = await desk.client.integration_receipt_secret_create(integration_id, receipt)
    elif args.signing:
        made = await desk.client.integration_signing_secret_create(integration_id, body)
    else:
        made = await desk.client.integration_key_create(integration_id, body)
    if desk.out.as_json:
        desk.out.model(made)
        return
    desk.out.facts(
        [
            (_noun(args, "Bearer key"), Cell(made.secret or made.hint, STRONG)),
            ("Environment", made.environment.shown),
            ("Id", made.id),
            ("Earlier ones", _earlier(desk, made.replaces_until, args.overlap or 0)),
        ]
    )
    if made.secret:
        desk.out.note("Keep it now: it cannot be shown again.")


def _noun(args: argparse.Namespace, key: str) -> str:
    """Return what it is about, a bearer key being called `key`."""
    return "Signing secret" if args.signing else "Receipt secret" if args.receipt else key


def _earlier(desk: Desk, until: datetime | None, overlap_s: int) -> str:
    """Return what becomes of the ones before the new one."""
    if until is None:
        return "there were none"
    return f"valid until {desk.out.time(until)}" if overlap_s else "not valid any more"


def _list(desk: Desk, args: argparse.Namespace, shown: Sequence[Key | SigningSecret]) -> None:
    """Print keys or signing secrets that are valid, those in their overlap too."""
    columns = (
        Column(_noun(args, "Key")),
        Column("Environment"),
        Column("Id"),
        Column(desk.out.titled("Made")),
        Column("By", flex=True),
        Column("Valid"),
    )

    def row(key: Key | SigningSecret) -> list[Cell | str]:
        until = f"until {desk.out.short_time(key.expires_at)}" if key.expires_at else "until replaced"
        return [
            key.hint,
            key.environment.shown,
            key.id,
            desk.out.short_time(key.created_at),
            key.created_by,
            until,
        ]

    none = "No keys yet."
    if args.signing:
        none = "No signing secret yet: its records are sent unsigned."
    elif args.receipt:
        none = "No receipt secret yet: every receipt is refused."
    desk.out.items(shown, columns, row, empty=f"{none} --new makes one.")


def print_first_secrets(desk: Desk, made: Sequence[NewSecret]) -> None:
    """Print the signing secrets that came with new environments."""
    for secret in made:
        desk.out.heading(f"Signing secret of {secret.environment.shown}")
        desk.out.facts([("Signing secret", Cell(secret.secret, STRONG)), ("Id", secret.id)])
    if made:
        desk.out.note("Give the signing secret to whoever runs the endpoint now: it cannot be shown again.")
