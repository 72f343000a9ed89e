"""`healthdesk integrations keys`: bearer keys for posting records, and secrets of our signature."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import options
from healthdesk.cli.command import UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import STRONG, Cell
from healthdesk.cli.tables import Column
from healthdesk.domain.states import Environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from healthdesk.api.integrations import Key, NewSecret, SigningSecret


def keys_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `keys`."""
    parser.add_argument("integration", metavar="INTEGRATION", help="id or name")
    parser.add_argument(
        "--new", action="store_true", help="make a new one, shown this once, in place of the last"
    )
    parser.add_argument(
        "--signing", action="store_true", help="the secret that signs what is delivered, not the bearer key"
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
    integration_id = await desk.integration_id(args.integration)
    if args.new:
        await _new(desk, args, integration_id)
        return
    found = (
        await desk.client.integration_signing_secrets(integration_id)
        if args.signing
        else await desk.client.integration_keys(integration_id)
    )
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
    from healthdesk.api.integrations import KeyCreate

    chosen = Environment(args.environment or Environment.PRODUCTION)
    body = KeyCreate(environment=chosen, overlap_s=args.overlap or 0)
    if args.signing:
        made = await desk.client.integration_signing_secret_create(integration_id, body)
    else:
        made = await desk.client.integration_key_create(integration_id, body)
    if desk.out.as_json:
        desk.out.model(made)
        return
    desk.out.facts(
        [
            ("Signing secret" if args.signing else "Bearer key", Cell(made.secret, STRONG)),
            ("Environment", made.environment.value),
            ("Id", made.id),
            ("Earlier ones", _earlier(desk, made.replaces_until, args.overlap or 0)),
        ]
    )
    desk.out.note("Keep it now: it cannot be shown again.")


def _earlier(desk: Desk, until: datetime | None, overlap_s: int) -> str:
    """Return what becomes of the ones before the new one."""
    if until is None:
        return "there were none"
    return f"valid until {desk.out.time(until)}" if overlap_s else "not valid any more"


def _list(desk: Desk, args: argparse.Namespace, shown: Sequence[Key | SigningSecret]) -> None:
    """Print keys or signing secrets that are valid, those in their overlap too."""
    columns = (
        Column("Signing secret" if args.signing else "Key"),
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
            key.environment.value,
            key.id,
            desk.out.short_time(key.created_at),
            key.created_by,
            until,
        ]

    none = "No signing secret yet: its records are sent unsigned." if args.signing else "No keys yet."
    desk.out.items(shown, columns, row, empty=f"{none} --new makes one.")


def print_first_secrets(desk: Desk, made: Sequence[NewSecret]) -> None:
    """Print the signing secrets that came with new environments."""
    for secret in made:
        desk.out.heading(f"Signing secret of {secret.environment.value}")
        desk.out.facts([("Signing secret", Cell(secret.secret, STRONG)), ("Id", secret.id)])
    if made:
        desk.out.note("Give the signing secret to whoever runs the endpoint now: it cannot be shown again.")
