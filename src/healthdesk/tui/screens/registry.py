"""Which screen each area is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.screen import Screen

from healthdesk.tui.screens.activity import ActivityScreen
from healthdesk.tui.screens.alerts import AlertsScreen
from healthdesk.tui.screens.callbacks import CallbacksScreen
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.log import LogScreen
from healthdesk.tui.screens.problems import ProblemsScreen

AREA_SCREENS: dict[str, str | Callable[[], Screen[Any]]] = {
    "connections": ConnectionsScreen,
    "problems": ProblemsScreen,
    "log": LogScreen,
    "callbacks": CallbacksScreen,
    "alerts": AlertsScreen,
    "activity": ActivityScreen,
}
