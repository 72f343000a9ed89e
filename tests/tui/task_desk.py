"""Opening a window over a desk with tasks and proof."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.screen import Screen
from textual.widgets import Input

from healthdesk.tui.widgets.lines import Lines
from tests.tui.desk import SMALL, Driver, open_desk
from tests.tui.fake_tasks import TasksDesk

NEXT_TAB = "right_square_bracket"


@asynccontextmanager
async def open_window(
    desk: TasksDesk, screen: Screen[Any], *, size: tuple[int, int] = SMALL, **kwargs: Any
) -> AsyncIterator[Driver]:
    async with open_desk(desk, area="connections", size=size, **kwargs) as driver:
        await driver.app.push_screen(screen)
        await driver.settle()
        yield driver


async def fill(driver: Driver, name: str, text: str) -> None:
    """Put a text in the place of what a field of the form has."""
    for editor in driver.app.screen.query(Input):
        if editor.name == name:
            editor.focus()
            editor.value = ""
            await driver.settle()
            await driver.write(text)
            return
    raise AssertionError(f"no field {name}")


def words(driver: Driver) -> str:
    """Return what is on the screen, however its lines break."""
    return " ".join(driver.text().replace("│", " ").split())


def wrong(driver: Driver) -> str:
    """Return what the form says is wrong."""
    return str(driver.app.screen.query_one("#wrong", Lines).content)
