"""Ending a connection, after a page that names what will stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthdesk.errors import HealthdeskError
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.view.uses import uses_lines

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen


async def disconnect(screen: DeskScreen, connection_id: str) -> str:
    """End a connection once somebody has read what stops with it; the page begins on Cancel."""
    uses = await screen.client.connection_uses(connection_id)
    if uses.delivers:
        verb = "delivers" if len(uses.delivers) == 1 else "deliver"
        raise HealthdeskError(
            f"{', '.join(uses.delivers)} {verb} through {uses.name}.",
            fix="Give their environments another connection first.",
        )
    question = Question(
        f"Disconnect {uses.name}",
        uses_lines(uses),
        (("disconnect", "Disconnect"),),
        ascii_only=screen.ascii_only,
    )
    if await screen.ask(question) is None:
        return ""
    await screen.client.connection_disconnect(connection_id)
    return f"{uses.name} is disconnected."
