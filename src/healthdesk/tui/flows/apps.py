"""The app of a connection, and choosing one, with its method of authentication."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthdesk.api.apps import App, AppAuth
from healthdesk.api.connections import Connection
from healthdesk.errors import HealthdeskError
from healthdesk.tui.screens.chooser import Chooser
from healthdesk.tui.view.apps import APP_COLUMNS, METHOD_COLUMNS, app_option, method_option

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen


async def app_of(screen: DeskScreen, connection: Connection) -> App:
    """Return the app of a connection; HealthdeskError where its connector is not there any more."""
    found = next((app for app in await screen.client.apps() if app.id == connection.app), None)
    if found is None:
        raise HealthdeskError(
            f"the desk has no connector of {connection.app_name} any more",
            fix="`healthdesk doctor` says why; until then its connections can be disconnected only.",
        )
    return found


async def choose_app(
    screen: DeskScreen, apps: list[App], chosen: str, *, title: str = "New connection"
) -> App | None:
    """Return the app that was chosen, or None."""
    chooser = Chooser(
        title,
        APP_COLUMNS,
        [app_option(app) for app in apps],
        chosen=chosen,
        search="type to filter · ↑↓ · enter chooses · esc leaves",
        ascii_only=screen.ascii_only,
    )
    answer: str | None = await screen.ask(chooser)
    return next((app for app in apps if app.id == answer), None)


async def choose_method(screen: DeskScreen, app: App, chosen: str) -> AppAuth | None:
    """Return the method of authentication that was chosen, or None."""
    chooser = Chooser(
        f"New connection · {app.name} · how to authenticate",
        METHOD_COLUMNS,
        [method_option(method) for method in app.auth],
        chosen=chosen,
        ascii_only=screen.ascii_only,
    )
    answer: str | None = await screen.ask(chooser)
    return next((method for method in app.auth if method.id == answer), None)
