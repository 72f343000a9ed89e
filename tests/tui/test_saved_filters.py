"""Saved filters, the log as a file, and a log that stands still or follows."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from healthdesk.api.filters import SavedFilter
from healthdesk.api.records import RecordFilter
from healthdesk.domain.states import Environment, RecordState, Role
from healthdesk.errors import DaemonUnreachable
from healthdesk.tui.screens.log import LogScreen
from healthdesk.tui.screens.saved_filters import SavedFiltersScreen
from healthdesk.tui.widgets.window_table import WindowTable
from tests.tui.desk import open_desk
from tests.tui.fake_client import NOW, FakeDesk

FAILED = RecordFilter(states=[RecordState.FAILED], statuses=[422, 500], environment=Environment.PRODUCTION)


def saved(name: str = "broken", **changes) -> SavedFilter:
    fields = {
        "id": f"flt_{name}",
        "name": name,
        "owner": "alice",
        "shared": False,
        "filter": FAILED,
        "created_at": NOW,
    }
    return SavedFilter(**(fields | changes))


async def test_a_saved_filter_is_used_on_the_log():
    desk = FakeDesk()
    desk.saved = [saved()]
    async with open_desk(desk) as driver:
        await driver.press("F")
        assert isinstance(driver.app.screen, SavedFiltersScreen)
        assert "failed · production · HTTP 422, 500" in driver.text()
        await driver.press("enter")
        assert isinstance(driver.app.screen, LogScreen)
        assert desk.called("records_list")[-1][0] == FAILED
        assert "HTTP 422, 500" in driver.text()


async def test_the_filter_of_the_log_is_saved_without_dates_that_count_back_and_without_values_of_people():
    desk = FakeDesk()
    desk.kept["tui.filter.log"] = {"state": "failed", "when": "7d", "lookup": "participant = Ann"}
    async with open_desk(desk) as driver:
        await driver.press("F")
        assert "No saved filters yet." in driver.text()
        await driver.press("n")
        assert "Values looked up are of people, and are not saved." in driver.text()
        assert "Ann" not in driver.text()
        await driver.write("mine")
        await driver.press("tab", "right", "ctrl+s")
        [new] = desk.called("filter_save")
        assert (new.name, new.shared) == ("mine", True)
        assert new.filter == RecordFilter(states=[RecordState.FAILED])
        assert "Saved as mine." in driver.said
        assert "mine" in driver.text()


async def test_a_filter_is_shared_and_removed_by_its_owner():
    desk = FakeDesk()
    desk.saved = [saved()]
    async with open_desk(desk) as driver:
        await driver.press("F", "h")
        assert desk.called("filter_save")[0].shared
        assert "shared" in driver.text()
        await driver.press("D")
        assert "nobody has it any more then" in driver.text()
        await driver.press("right", "enter")
        assert desk.called("filter_remove") == ["flt_broken"]


async def test_a_filter_of_somebody_else_is_used_only():
    desk = FakeDesk(role=Role.MEMBER)
    desk.saved = [saved(owner="bob", shared=True)]
    async with open_desk(desk) as driver:
        await driver.press("F", "h", "D")
        assert driver.said[-1] == "Remove the filter: it is bob's"
        assert desk.called("filter_save") == desk.called("filter_remove") == []


# The log as a file


async def export(driver, path) -> None:
    await driver.press("x", "tab", "tab")
    await driver.write(str(path))
    await driver.press("ctrl+s")


async def test_the_filter_is_written_to_a_file(tmp_path):
    desk = FakeDesk()
    desk.kept["tui.filter.log"] = {"state": "failed"}
    desk.pieces = [
        b'id,data\r\nrec_1,"{\n}"\r',
        b"\nrec_2,{}\r\n",
    ]  # a body of two lines; an end in two pieces
    path = tmp_path / "log.csv"
    async with open_desk(desk) as driver:
        await export(driver, path)
        assert path.read_bytes() == b"".join(desk.pieces)
        assert f"Exported 2 records to {path}." in driver.said
        chosen, how = desk.called("records_export")[0]
        assert chosen.states == [RecordState.FAILED]
        assert (how.format, how.bodies, how.reveal) == ("csv", False, False)
        assert [each.name for each in tmp_path.iterdir()] == ["log.csv"]
        assert path.stat().st_mode & 0o777 == 0o600, "it may have bodies in clear"


class SlowDesk(FakeDesk):
    """Its file stops after the first piece until it is let go."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.error = error

    async def parts(self):
        yield b"id\r\nrec_1\r\n"
        self.clock.time += timedelta(seconds=1)
        yield b"rec_2\r\n"
        await self.go.wait()
        if self.error is not None:
            raise self.error
        yield b"rec_3\r\nrec_4\r\n"


async def test_progress_is_shown_and_an_export_that_is_stopped_leaves_no_file(tmp_path):
    desk = SlowDesk()
    async with open_desk(desk) as driver:
        await export(driver, tmp_path / "log.csv")
        assert "exporting 2 of 4 ▓▓▓▓▓▓░░░░░░ x stops it" in driver.line(3)
        await driver.press("x")
        desk.go.set()
        await driver.settle()
        assert any("Stopped: nothing was written" in told for told in driver.said)
        assert "exporting" not in driver.text()
        assert list(tmp_path.iterdir()) == []


async def test_an_export_that_breaks_off_leaves_no_file(tmp_path):
    desk = SlowDesk(DaemonUnreachable("the daemon closed the connection"))
    async with open_desk(desk) as driver:
        await export(driver, tmp_path / "log.csv")
        desk.go.set()
        await driver.settle()
        assert any("closed the connection" in told for told in driver.said)
        assert list(tmp_path.iterdir()) == []


async def test_a_file_that_is_there_is_overwritten_only_after_a_question(tmp_path):
    desk = FakeDesk()
    desk.pieces = [b"new\n"]
    path = tmp_path / "log.csv"
    path.write_text("old")
    async with open_desk(desk) as driver:
        await export(driver, path)
        assert "exists already" in driver.text()
        assert path.read_text() == "old"
        await driver.press("right", "enter")
        assert path.read_text() == "new\n"


# Live tail, and searches that go on


async def test_the_log_stands_still_and_follows_again_from_the_newest():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press("w")
        before = len(desk.called("records_list"))
        desk.added += 5
        desk.tell("record.changed")
        await driver.settle()
        assert len(desk.called("records_list")) == before
        assert "new: w follows" in driver.text()
        await driver.press("w")
        assert driver.app.screen.query_one(WindowTable).current.id == f"rec_{1_000_004:026d}"
        assert "w follows" not in driver.line(2)
        desk.added += 1
        desk.tell("record.changed")
        await driver.settle()
        assert driver.app.screen.query_one(WindowTable).current.id == f"rec_{1_000_004:026d}", (
            "its row is kept"
        )
        assert f"{1_000_005:026d}" in driver.app.screen.query_one(WindowTable).window.id_at(0)


class FarDesk(FakeDesk):
    """Finds nothing on its first pages, and says how far it searched."""

    def __init__(self, empty: int) -> None:
        super().__init__()
        self.empty = empty

    async def records_list(self, chosen, *, after=None, limit=50, direction="newest"):
        page = await super().records_list(
            chosen, after=None if self.empty else after, limit=limit, direction=direction
        )
        if not self.empty:
            return page
        self.empty -= 1
        far = {
            "items": [],
            "next": f"far-{self.empty}" if self.empty else "1000000",
            "searched_to": NOW - timedelta(days=3),
        }
        return page.model_copy(update=far)


@pytest.mark.parametrize("pages", [1, 4])
async def test_a_search_that_finds_little_goes_on_by_itself(pages: int):
    desk = FarDesk(pages)
    async with open_desk(desk) as driver:
        assert driver.app.screen.query_one(WindowTable).window.length >= 100
        assert desk.empty == 0, "each page was asked for"


async def test_how_far_a_search_came_is_said_while_it_goes_on():
    async with open_desk(FakeDesk()) as driver:
        screen = driver.app.screen
        screen.searched_to = NOW - timedelta(days=3)
        screen.show_totals()
        await driver.settle()
        assert "searched to 19 Nov 14:05 · 1–" in driver.line(2)
