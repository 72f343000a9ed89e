"""Which screen each area is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.screen import Screen

from healthdesk.tui.screens.log import LogScreen

AREA_SCREENS: dict[str, str | Callable[[], Screen[Any]]] = {
    "connections": LogScreen,
    "problems": LogScreen,
    "log": LogScreen,
    "callbacks": LogScreen,
    "alerts": LogScreen,
    "activity": LogScreen,
}
