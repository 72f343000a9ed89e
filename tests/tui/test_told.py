"""What is told for a moment: one thing at a time, and not into what is done next."""

from __future__ import annotations

from healthdesk.tui.screens.dialog import Notice, Question
from tests.tui.desk import open_desk
from tests.tui.fake_client import FakeDesk


async def test_one_thing_is_told_at_a_time():
    async with open_desk(FakeDesk(), area="connections") as driver:
        for _ in range(3):
            await driver.press("p")
        assert len(driver.said) == 1


async def test_what_was_told_does_not_follow_into_a_dialog():
    async with open_desk(FakeDesk(), area="connections") as driver:
        await driver.press("p")
        assert driver.said != []
        await driver.press("D")
        assert isinstance(driver.app.screen, Question)
        assert driver.said == []


async def test_that_a_channel_is_being_tested_is_not_told_over_its_result():
    async with open_desk(FakeDesk(), area="alerts") as driver:
        await driver.press("t")
        assert isinstance(driver.app.screen, Notice)
        assert driver.said == []


async def test_a_list_that_cannot_be_read_for_a_fault_of_ours_says_so():
    desk = FakeDesk()

    async def broken(*_args: object, **_kw: object) -> None:
        raise ValueError("a fault of ours")

    desk.problems_list = broken
    async with open_desk(desk, area="problems") as driver:
        await driver.settle()
        assert [said for said in driver.said if "Internal error" in said and "a fault of ours" in said]
