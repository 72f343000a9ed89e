"""`healthdesk connections`: accounts, with the health of their instances and the connections that belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthdesk.cli import marks
from healthdesk.cli.connection_view import status_words
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column

if TYPE_CHECKING:
    from healthdesk.api.accounts import AccountRow, AccountView, ConnectionCard
    from healthdesk.api.instances import InstanceTotals

_RECORDS = "records"


async def by_connection(desk: Desk) -> dict[str, AccountRow]:
    """Return the account of each connection."""
    rows = [row for row in await desk.client.accounts() if row.kind == "connection"]
    return {known: row for row in rows for known in row.details.get("connections", ())}


def instances(row: AccountRow | None) -> Cell:
    """Return the health of an account's instances: `✗ 12 / 40`, `✓ 17`, or of a delivery integration's records."""
    if row is None or not row.total:
        return Cell("–", marks.DIM)
    what = f" {_RECORDS}" if row.unit == _RECORDS else ""
    if row.failed:
        return Cell(f"✗ {row.failed:,} / {row.total:,}{what}", marks.BAD)
    return Cell(f"✓ {row.total:,}{what}", marks.GOOD)


async def list_accounts(desk: Desk) -> None:
    """Print a row an app and account, the worst first, and the delivery integrations beside them."""
    columns = (
        Column("Status"),
        Column("App", flex=True),
        Column("Account", flex=True),
        Column("Instances", right=True),
        Column("Checked", right=True),
        Column("Id"),
        Column("Why", below=True),
    )

    def row(item: AccountRow) -> list[Cell | str]:
        return [
            marks.connection(item.state, item.state_word),
            item.app,
            item.account,
            instances(item),
            desk.out.ago(item.checked_at),
            item.id,
            item.explanation.sentence if item.explanation else "",
        ]

    desk.out.items(await desk.client.accounts(), columns, row, empty="No connections yet.")


async def print_account(desk: Desk, connection_id: str) -> None:
    """Print the account that a connection belongs to, as its window shows it."""
    view = await desk.client.account(connection_id)
    if desk.out.as_json:
        desk.out.model(view)
        return
    why = view.explanation
    desk.out.facts(
        [
            ("Status", marks.connection(view.state, view.state_word)),
            ("Why", why.sentence if why else ""),
            ("Whose fault", why.blame if why else ""),
            ("Next", why.next_action if why else ""),
            ("App", view.app_name),
            ("Account", view.account),
        ]
    )
    _print(desk, view)


async def print_around(desk: Desk, connection_id: str) -> None:
    """Print what belongs to a connection: those it is tied with, integrations and instances; nothing where it is alone."""
    view = await desk.client.account(connection_id)
    if view.integrations or len(view.cards) + len(view.others) > 1:
        desk.out.heading(f"{view.app_name} · {view.account}")
        _print(desk, view)


def _print(desk: Desk, view: AccountView) -> None:
    out = desk.out
    out.facts(
        [
            ("Blocked", Cell(view.blocked, marks.BAD)),
            (
                "Integrations",
                ", ".join(f"{each.name} ({each.kind.value}, {each.id})" for each in view.integrations),
            ),
            ("Tasks", _totals(view.tasks)),
            ("Proof syncs", _totals(view.proof)),
        ]
    )
    out.line()
    columns = (
        Column("Connection"),
        Column("Owner", flex=True),
        Column("Status"),
        Column("Connected on", spare=1),
        Column("Last healthy", right=True),
        Column("Last checked", right=True),
        Column("Instances", right=True),
        Column("Id"),
        Column("About it", below=True),
    )
    out.table(columns, [_card(desk, each) for each in (*view.cards, *view.others)], empty="")


def _card(desk: Desk, card: ConnectionCard) -> list[Cell | str]:
    item = card.connection
    blocked = f" ({card.blocked:,} blocked)" if card.blocked else ""
    return [
        card.title,
        item.owner,
        marks.connection(item.state, status_words(item)),
        desk.out.short_time(card.connected_on),
        desk.out.ago(item.last_healthy),
        desk.out.ago(item.last_checked),
        f"{card.instances:,}{blocked}",
        item.id,
        card.ask,
    ]


def _totals(totals: InstanceTotals | None) -> str:
    if totals is None:
        return ""
    blocked = f", {totals.blocked:,} blocked" if totals.blocked else ""
    return f"{totals.total:,}: {totals.succeeded:,} succeeded, {totals.failed:,} failed{blocked}"
