"""`healthdesk integrations test` and `promote`: what is tried in testing, and what of it goes to production."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.command import FAILED
from healthdesk.cli.desk import Desk
from healthdesk.cli.keys import print_first_secrets
from healthdesk.cli.marks import BAD, GOOD
from healthdesk.cli.record_view import print_body, print_headers
from healthdesk.cli.tables import Column
from healthdesk.cli.times import format_duration_ms
from healthdesk.domain.states import Environment
from healthdesk.errors import ApiRefused

if TYPE_CHECKING:
    from healthdesk.api.samples import Promotion

CONFLICT = 409


def test_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `test`."""
    options.integration(parser)
    options.environment(parser)
    options.yes(parser)


async def test(desk: Desk, args: argparse.Namespace) -> int | None:
    """Send one signed probe and print the exchange; a probe that failed is exit code 1. Production is confirmed."""
    from healthdesk.api.samples import Probe

    environment = Environment(args.environment or Environment.TESTING)
    probe = Probe(environment=environment)
    if environment is Environment.PRODUCTION:
        desk.ask.require_yes(args.yes)
    integration_id = await desk.integration_id(args.integration)
    if environment is Environment.PRODUCTION:
        name = (await desk.client.integration(integration_id)).name
        if not args.yes and not desk.ask.confirm(desk.out.safe(f"Send a probe to PRODUCTION of {name}?")):
            desk.out.note("Nothing was sent.")
            return FAILED
        probe = Probe(environment=environment, confirm=name)
    probed = await desk.client.integration_test(integration_id, probe)
    out = desk.out
    if out.as_json:
        out.model(probed)
        return None if probed.ok else FAILED
    out.line(probed.sentence, GOOD if probed.ok else BAD)
    exchange = probed.exchange
    out.facts(
        [
            ("Whose fault", probed.blame),
            ("Next", probed.next_action),
            ("Environment", environment.shown),
            ("Request", f"{exchange.method} {exchange.url}" if exchange else ""),
            ("Status", str(exchange.status or "") if exchange else ""),
            ("Took", format_duration_ms(exchange.duration_ms) if exchange else ""),
        ]
    )
    if exchange is not None:
        print_headers(out, "Request headers", exchange.request_headers)
        print_body(out, "Request body", exchange.request_body)
        print_headers(out, "Response headers", exchange.response_headers)
        print_body(out, "Response body", exchange.response_body)
    return None if probed.ok else FAILED


def promote_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `promote`."""
    options.integration(parser)
    parser.add_argument(
        "--connection", metavar="CONNECTION", help="the one that production delivers through: id or name"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the difference and change nothing")
    options.yes(parser)


async def promote(desk: Desk, args: argparse.Namespace) -> int | None:
    """Print what testing and production have differently, and copy it after a confirmation."""
    from healthdesk.api.samples import Promote

    if not args.dry_run:
        desk.ask.require_yes(args.yes)
    integration_id = await desk.integration_id(args.integration)
    connection_id = await desk.connection_id(args.connection) if args.connection is not None else None
    shown = await desk.client.integration_promotion(integration_id)
    if args.dry_run and desk.out.as_json:
        desk.out.model(shown)
        return None
    if not desk.out.as_json:
        _print(desk, shown)
        desk.out.flush()
    if args.dry_run:
        return None
    if not shown.copied and connection_id is None:
        if desk.out.as_json:
            desk.out.model(shown)
        return None
    if not args.yes and not desk.ask.confirm("Copy this to production?"):
        desk.out.note("Nothing was changed.")
        return FAILED
    try:
        named = {} if connection_id is None else {"connection_id": connection_id}
        confirmed = Promote(version=shown.version, **named)
        done = await desk.client.integration_promote(integration_id, confirmed)
    except ApiRefused as error:
        if error.status == CONFLICT:
            desk.out.note("The settings have changed meanwhile.")
        raise
    desk.out.done(done, f"{done.name}: testing is promoted to production.")
    print_first_secrets(desk, done.new_signing_secrets)
    return None


def _print(desk: Desk, shown: Promotion) -> None:
    columns = (Column("Setting"), Column("Testing", flex=True), Column("Production", flex=True), Column(""))
    rows = [
        [each.name, _said(each.testing), _said(each.production), "copied" if each.copied else "stays"]
        for each in shown.changes
    ]
    desk.out.table(columns, list(rows), empty="Testing and production have the same settings.")
    if shown.creates:
        desk.out.note("Production does not exist yet: it is made, and needs --connection.")
    for note in shown.notes:
        desk.out.note(note)


def _said(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
