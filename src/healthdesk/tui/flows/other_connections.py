"""Choosing among the connections of other people to an app and account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthdesk.api.accounts import ConnectionCard
from healthdesk.tui.account_detail import AccountDetail
from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.screens.chooser import Chooser, Option
from healthdesk.tui.view.connection import state_span
from healthdesk.tui.view.words import plural
from healthdesk.tui.widgets.columns import Column

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

COLUMNS = [Column("Owner", 10, flex=1), Column("Status", 22, flex=1), Column("Uses it", 14, flex=1), Column("Connection", 16, flex=2)]  # fmt: skip


async def choose_other(screen: DeskScreen, detail: AccountDetail) -> str:
    """Return the connection that was chosen, or an empty string."""
    options = [_option(card) for card in detail.others]
    title = f"Other connections · {detail.view.app_name}"
    return await screen.ask(Chooser(title, COLUMNS, options, ascii_only=screen.ascii_only)) or ""


def _option(card: ConnectionCard) -> Option:
    connection = card.connection
    state = state_span(connection)
    failed = f", {card.blocked:,} blocked" if card.blocked else ""
    cells = (
        Span(connection.owner),
        state,
        Span(f"{card.instances:,}{failed}" if card.instances else "–", Tone.DIM),
        Span(connection.name, Tone.DIM),
    )
    why = connection.explanation.sentence if connection.explanation else card.ask
    told = line(dim(f"{plural(card.instances, 'task or proof sync', 'tasks and proof syncs')}. "), why)
    return Option(connection.id, cells, (told,), connection.owner)
