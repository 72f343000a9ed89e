"""One connection, as people read it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import marks
from healthdesk.cli.callback_settings import HANDED_OVER
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.domain.states import ConnectionState

if TYPE_CHECKING:
    from healthdesk.api.connections import Connection


def one(parser: argparse.ArgumentParser) -> None:
    """Add the connection that a command is about."""
    parser.add_argument("connection", metavar="CONNECTION", help="id or name")


def status_words(item: Connection) -> str:
    """Return the word of its state, with which recheck comes next or how long its credential still has."""
    if item.state is ConnectionState.SUSPECT and item.suspect_checks:
        return f"{item.state_word} {item.suspect_checks}/3"
    if item.state is ConnectionState.CONNECTED and item.expires_in:
        return f"{item.state_word} · {item.expires_in}"
    return item.state_word


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
            ("Status", marks.connection(item.state, status_words(item))),
            ("Why", why.sentence if why else ""),
            ("Whose fault", why.blame if why else ""),
            ("Next", why.next_action if why else ""),
            ("Since", out.time(item.state_since)),
            ("Id", item.id),
            ("Name", item.name),
            ("App", item.app_name),
            ("Account", item.account),
            ("Base URL", item.base_url),
            ("Settings", ", ".join(f"{key} {value}" for key, value in item.settings.items())),
            ("Site", item.site),
            ("Credentials", f"{item.auth} {item.credential_hint}".strip()),
            ("Scopes", ", ".join(item.scopes or ())),
            ("Credentials before", _previous(desk, item)),
            ("Owner", item.owner),
            ("Members", ", ".join(f"{member.user} ({member.grant})" for member in item.members)),
            (
                "Heartbeat",
                f"{beat.method} {beat.path}, {beat.expected_status} expected"
                if beat
                else "none: judged by deliveries",
            ),
            ("Expires", _expires(desk, item)),
            ("Flapping since", out.time(item.flapping_since) if item.flapping_since else ""),
            ("Changed", " ".join(each.sentence for each in item.drift)),
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


def _previous(desk: Desk, item: Connection) -> str:
    if item.previous_until is None or item.previous_until <= desk.clock.now():
        return ""
    hint = f"{item.previous_hint}, " if item.previous_hint else ""
    return f"{hint}can be put back until {desk.out.time(item.previous_until)}"


def _expires(desk: Desk, item: Connection) -> str:
    if item.expires_at is None:
        return ""
    near = f", {item.expires_in}" if item.expires_in else ""
    return f"{desk.out.time(item.expires_at)} ({item.expires_from}{near})"


def _callbacks(item: Connection) -> Cell | str:
    """Return how callbacks are verified. Nothing to verify them with is a warning: the address is no secret."""
    if item.verification.scheme == "none":
        return Cell(
            "not verified: whoever knows the address may post;"
            f" `healthdesk connections edit {item.id} --scheme standard_webhooks` (or hmac) sets a scheme",
            marks.WARN,
        )
    how = item.verification
    if not item.callback_secret_hint and how.scheme == HANDED_OVER:
        return "asana, waiting for the secret that it hands over"
    if not item.callback_secret_hint:
        return Cell(
            f"{how.scheme}, rejected until there is a secret:"
            f" `healthdesk connections edit {item.id} --callback-secret-file PATH`",
            marks.DIM,
        )
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
