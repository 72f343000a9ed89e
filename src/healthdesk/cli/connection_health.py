"""`healthdesk connections`: evidence, the calendar of expiries, and drift."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import marks
from healthdesk.cli.connection_view import print_connection
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthdesk.api.health import CheckEvidence, Evidence, Expiry


async def print_evidence(desk: Desk, connection_id: str) -> None:
    """Print the last good check beside the first bad one, and what differs."""
    out = desk.out
    found = await desk.client.connection_evidence(connection_id)
    if out.as_json:
        out.model(found)
        return
    out.line(found.sentence)
    if found.last_good is not None or found.first_bad is not None:
        out.line(_span(desk, found))
    for drift in found.drift:
        out.line(drift.sentence)
    if found.next_action:
        out.line(f"Next: {found.next_action}")
    if found.last_good is None and found.first_bad is None:
        return
    out.line()
    columns = (Column(""), Column("Last good", flex=True), Column("First bad", flex=True))
    out.table(columns, [row for row in _facts(desk, found) if any(row[1:])], empty="")


def _span(desk: Desk, found: Evidence) -> str:
    """Return `last good 21 Nov 02:10 → first bad 22 Nov 02:10 · same account, same site`."""
    parts = []
    if found.last_good is not None:
        parts.append(f"last good {desk.out.short_time(found.last_good.at)}")
    if found.first_bad is not None:
        parts.append(f"first bad {desk.out.short_time(found.first_bad.at)}")
    return " · ".join(part for part in (" → ".join(parts), found.comparison) if part)


def _facts(desk: Desk, found: Evidence) -> list[tuple[str, str, str]]:
    """Return what is shown of both checks, then what else differs between them."""
    said: tuple[tuple[str, Callable[[CheckEvidence], str]], ...] = (
        ("When", lambda check: desk.out.short_time(check.at)),
        ("Request", lambda check: f"{check.method} {check.url}".strip()),
        ("Status", lambda check: str(check.status or "no answer")),
        ("Took", lambda check: f"{check.duration_ms:.0f} ms"),
        ("Account", _account),
        ("Why", lambda check: check.sentence),
        ("Answer", _start),
    )
    good, bad = found.last_good, found.first_bad
    rows = [(name, say(good) if good else "–", say(bad) if bad else "–") for name, say in said]
    shown = {"account", "address", "status"}
    rows += [
        (each.what, each.before or "–", each.after or "–")
        for each in found.differences
        if each.what not in shown
    ]
    return rows


def _account(check: CheckEvidence) -> str:
    return (check.identity.account or check.identity.account_id) if check.identity else ""


def _start(check: CheckEvidence) -> str:
    text = " ".join(check.response_body.split())
    return text if len(text) <= 200 else text[:199] + "…"


async def list_expiring(desk: Desk, args: argparse.Namespace) -> None:
    """Print the connections whose credential has an end, the soonest first."""
    out = desk.out
    page = await desk.collect(
        lambda after, limit: desk.client.connections_expiring(after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    columns = (
        Column("Expires"),
        Column(out.titled("On")),
        Column("Id"),
        Column("Name", flex=True),
        Column("App", flex=True, spare=2),
        Column("Account", flex=True, spare=1),
        Column("Owner", flex=True, spare=3),
        Column("Known from"),
    )

    def row(item: Expiry) -> list[Cell | str]:
        tone = marks.BAD if item.word == "expired" else marks.WARN if item.warned_days is not None else ""
        return [
            Cell(item.word if item.word == "expired" else f"in {item.word}", tone),
            out.short_time(item.expires_at),
            item.connection_id,
            item.name,
            item.app_name,
            item.account,
            item.owner,
            "the app" if item.expires_from == "learnt" else "an operator",
        ]

    out.page(
        page,
        columns,
        row,
        empty="No credential is known to expire. `healthdesk connections edit CONNECTION --expires DATE` enters an end.",
    )


async def accept_drift(desk: Desk, args: argparse.Namespace) -> None:
    """Take the account, site and scopes of a connection as they are now for those that are meant."""
    connection_id = await desk.connection_id(args.connection)
    print_connection(desk, await desk.client.connection_accept_drift(connection_id))
