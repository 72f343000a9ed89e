"""One connection, as people read it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import marks
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell

if TYPE_CHECKING:
    from healthdesk.api.connections import Connection


def one(parser: argparse.ArgumentParser) -> None:
    """Add the connection that a command is about."""
    parser.add_argument("connection", metavar="CONNECTION", help="id or name")


def print_connection(desk: Desk, item: Connection) -> None:
    """Print one connection."""
    out = desk.out
    if out.as_json:
        out.model(item)
        return
    why = item.explanation
    beat = item.heartbeat
    out.facts(
        [
            ("Status", marks.connection(item.state, item.state_word)),
            ("Why", why.sentence if why else ""),
            ("Whose fault", why.blame if why else ""),
            ("Next", why.next_action if why else ""),
            ("Since", out.time(item.state_since)),
            ("Id", item.id),
            ("Name", item.name),
            ("App", item.app_name),
            ("Account", item.account),
            ("Base URL", item.base_url),
            ("Credentials", f"{item.auth} {item.credential_hint}".strip()),
            ("Owner", item.owner),
            ("Members", ", ".join(f"{member.user} ({member.grant})" for member in item.members)),
            (
                "Heartbeat",
                f"{beat.method} {beat.path}, {beat.expected_status} expected"
                if beat
                else "none: judged by deliveries",
            ),
            ("Connected on", out.time(item.connected_on)),
            ("Last healthy", out.time(item.last_healthy)),
            ("Last checked", out.time(item.last_checked)),
            ("Next check", out.time(item.next_check)),
            ("Callback URL", item.callback_url),
            ("Callbacks", _callbacks(item)),
            (
                "Callback limit",
                f"{item.callback_limit_per_minute} a minute" if item.callback_limit_per_minute else "",
            ),
            ("Created", f"{out.time(item.created_at)} by {item.created_by}"),
        ]
    )


def _callbacks(item: Connection) -> Cell | str:
    """Return how callbacks are verified. Nothing to verify them with is a warning: the address is no secret."""
    if item.verification.scheme == "none":
        return Cell(
            "not verified: whoever knows the address may post;"
            f" `healthdesk connections edit {item.id} --scheme standard_webhooks` (or hmac) sets a scheme",
            marks.WARN,
        )
    how = item.verification
    said = [f"{how.scheme} {item.callback_secret_hint}".strip()]
    if how.scheme == "hmac":
        said += [
            f"signature in {how.header}",
            f"{how.algorithm} {how.encoding}",
            f"prefix {how.prefix}" if how.prefix else "no prefix",
            f"id in {how.id_header}" if how.id_header else "no id header",
        ]
    if how.event_header:
        said.append(f"event in {how.event_header}")
    return ", ".join(said)
