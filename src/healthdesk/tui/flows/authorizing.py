"""Waiting until an app was authorized in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthdesk.api.authorizations import Authorization
from healthdesk.tui.screens.authorizing import Authorizing

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen


async def grant(screen: DeskScreen, begun: Authorization) -> Authorization | None:
    """Show where to grant an authorization, and return it once it is; None when it was left."""
    box = Authorizing(
        begun,
        lambda: screen.client.authorization(begun.id),
        clock=screen.desk.clock,
        view=screen.view,
        ascii_only=screen.ascii_only,
    )
    granted: Authorization | None = await screen.ask(box)
    return granted
