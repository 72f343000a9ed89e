"""The chips of a filter: where their cursor is, how they are left and cleared."""

from __future__ import annotations

import pytest

from healthdesk.tui.widgets.filter_bar import FilterBar
from tests.tui.desk import LARGE, SMALL, open_desk
from tests.tui.fake_client import FakeDesk


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("leave", ["enter", "escape", "slash"])
async def test_the_cursor_on_the_chips_is_seen_while_they_are_edited_and_only_then(
    leave: str, size: tuple[int, int]
):
    async with open_desk(FakeDesk(), size=size) as driver:
        assert "↑↓" not in driver.line(2)
        await driver.press("slash")
        assert driver.line(2).startswith(" Source all ↑↓ ·")
        await driver.press("right")
        assert "Status any ↑↓" in driver.line(2)
        await driver.press(leave)
        assert "↑↓" not in driver.line(2)


@pytest.mark.parametrize("leave", ["enter", "escape", "slash"])
async def test_the_chips_are_left_also_when_nothing_matches(leave: str):
    desk = FakeDesk(0)
    async with open_desk(desk) as driver:
        await driver.press("slash", "down", leave)
        assert not isinstance(driver.app.focused, FilterBar)
        assert driver.said == []


async def test_backspace_clears_the_whole_filter_and_delete_the_one_chip():
    desk = FakeDesk(0)
    async with open_desk(desk) as driver:
        await driver.press("slash", "down", "right", "down", "delete")
        assert desk.kept["tui.filter.log"]["state"] == ""
        assert desk.kept["tui.filter.log"]["source"] != ""
        assert "backspace clears the filter" in driver.text()
        await driver.press("backspace")
        assert desk.kept["tui.filter.log"]["source"] == ""
        assert isinstance(driver.app.focused, FilterBar)
        await driver.press("backspace")
        assert driver.said == []
