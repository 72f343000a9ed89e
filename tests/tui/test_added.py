"""What was just added is under the cursor: the next key is meant for it."""

from __future__ import annotations

from healthdesk.tui.widgets.window_table import WindowTable
from tests.tui.desk import Driver, open_desk
from tests.tui.fake_client import FakeDesk


async def add_a_channel(driver: Driver) -> None:
    await driver.press("n")
    await driver.write("war room")
    await driver.press("enter")
    await driver.write("json://host/hook")
    await driver.press("ctrl+s")


async def test_a_new_channel_is_the_one_that_is_tested():
    desk = FakeDesk()
    async with open_desk(desk, area="alerts") as driver:
        await add_a_channel(driver)
        await driver.press("t")
        assert desk.called("channel_test") == ["chn_9"]


async def test_the_cursor_goes_to_a_new_channel_from_the_other_table_and_is_left_alone_after():
    desk = FakeDesk()
    async with open_desk(desk, area="alerts") as driver:
        await driver.press("w")
        await add_a_channel(driver)
        await driver.press("k")
        desk.tell("channel.changed", "chn_1")
        await driver.settle()
        await driver.press("t")
        assert desk.called("channel_test") == ["chn_2"]


async def test_a_new_connection_is_under_the_cursor():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("n")
        await driver.write("http")
        await driver.press("enter")
        await driver.write("New")
        await driver.press("enter")
        await driver.write("https://new.acme.io")
        await driver.press("enter", "enter")
        await driver.write("t0ken")
        await driver.press("ctrl+s")
        assert len(desk.called("connection_create")) == 1
        assert driver.app.screen.query_one(WindowTable).cursor_id == "connection:con_new"
