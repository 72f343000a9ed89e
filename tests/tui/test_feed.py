"""Live, lost, back again."""

from __future__ import annotations

from datetime import timedelta

from healthdesk.tui.widgets.region import ListRegion, RegionState
from tests.tui.desk import Driver, open_desk
from tests.tui.fake_client import FakeDesk


def region(driver: Driver) -> ListRegion:
    return driver.app.screen.query_one("#log-region", ListRegion)


async def lose(desk: FakeDesk, driver: Driver) -> None:
    desk.go_down()
    await driver.settle()


async def test_a_lost_daemon_is_a_banner_and_the_old_rows_stay():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        assert "● live" in driver.line(0)
        rows = driver.line(6)[:78]
        await lose(desk, driver)
        assert "stale" in driver.line(0)
        assert "daemon not answering since 14:05:00, retry in 1 s" in driver.text()
        assert "`systemctl status healthdesk` and `healthdesk doctor` say why" in driver.text()
        assert region(driver).state is RegionState.STALE
        assert region(driver).table.dimmed
        assert rows in driver.text()


async def test_a_daemon_that_refuses_is_not_said_to_be_silent():
    desk = FakeDesk()
    desk.no_role = True
    async with open_desk(desk, size=(80, 24)) as driver:
        told = driver.text()
        assert "not answering" not in told
        assert "healthdesk · refused" in driver.line(0)
        assert "mallory has no role on this desk. Ask an administrator (alice)" in told
        assert "retry in 1 s" in told
        assert "░░░" not in told


async def test_it_comes_back_by_itself_and_reads_again():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await lose(desk, driver)
        desk.down = False
        desk.added = 3
        desk.clock.release()
        await driver.settle()
        assert "● live" in driver.line(0)
        assert "not answering" not in driver.text()
        assert region(driver).state is RegionState.READY
        assert region(driver).table.cursor == 3


async def test_waits_grow_and_r_does_not_wait():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await lose(desk, driver)
        for _ in range(3):
            desk.clock.release()
            await driver.settle()
        assert desk.clock.held == [1.0, 2.0, 3.0, 5.0]
        desk.down = False
        await driver.press("r")
        assert "● live" in driver.line(0)


async def test_the_stream_is_resumed_after_the_last_event():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        desk.tell("record.changed")
        desk.tell("record.changed")
        await driver.settle()
        await lose(desk, driver)
        desk.down = False
        desk.clock.release()
        await driver.settle()
        assert desk.called("events")[0] is None
        assert desk.called("events")[-1] == "2"


async def test_a_burst_of_events_is_one_refresh():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        before = len(desk.called("records_list"))
        for _ in range(200):
            desk.tell("record.changed")
        await driver.settle()
        assert len(desk.called("records_list")) - before <= 3


async def test_an_area_out_of_sight_is_read_when_it_is_opened():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press("6")
        before = len(desk.called("records_list"))
        desk.added = 2
        desk.tell("record.changed")
        await driver.settle()
        assert len(desk.called("records_list")) == before
        await driver.press("3")
        assert region(driver).table.cursor == 2


async def test_without_a_daemon_it_says_so_and_what_to_do():
    desk = FakeDesk()
    desk.down = True
    async with open_desk(desk) as driver:
        assert region(driver).state is RegionState.ERROR
        assert "no daemon answers on /run/healthdesk/operator.sock" in driver.text()
        assert "Start it." in driver.text()


async def test_who_may_not_read_is_told_whom_to_ask():
    desk = FakeDesk()
    desk.forbidden.add("records_list")
    async with open_desk(desk) as driver:
        assert region(driver).state is RegionState.NOT_PERMITTED
        assert "members may read" in driver.text()
        assert "alice, root" in driver.text()


async def test_the_countdown_follows_the_clock():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await lose(desk, driver)
        desk.clock.release()
        await driver.settle()
        assert "retry in 2 s" in driver.text()
        desk.clock.time += timedelta(seconds=1)
        driver.app._second_passed()
        await driver.settle()
        assert "retry in 1 s" in driver.text()
