"""The log: a million records, the cursor, filters, marks, resends."""

from __future__ import annotations

import pytest

from healthdesk.api.common import Page
from healthdesk.domain.states import Environment, RecordState, Role
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.log import LogScreen
from healthdesk.tui.screens.record import RecordScreen
from healthdesk.tui.widgets.window_table import WindowTable
from tests.tui.desk import LARGE, SMALL, Driver, open_desk
from tests.tui.fake_client import FakeDesk


def table(driver: Driver) -> WindowTable:
    return driver.app.screen.query_one("#log", WindowTable)


def pages(desk: FakeDesk) -> list[tuple[str | None, str]]:
    return [(after, direction) for _, after, _, direction in desk.called("records_list")]


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_million_records_open_with_one_page(size: tuple[int, int]):
    desk = FakeDesk()
    async with open_desk(desk, size=size) as driver:
        assert table(driver).window.length == 100
        assert {after for after, _ in pages(desk)} == {None}
        assert desk.fetched <= 301
        assert "of 10,000+ records" in driver.text()


async def test_scrolling_fetches_page_after_page_and_holds_few():
    desk = FakeDesk()
    desk.counted = 833  # among as many as a count looks at
    async with open_desk(desk) as driver:
        at = table(driver)
        assert "of 833+ records" in driver.text()
        for _ in range(14):
            at.move_to(at.window.length - 1)
            await driver.settle()
        assert f"of {at.window.length:,}+ records" in driver.text()
        await driver.press("pagedown", "pagedown")
        assert at.cursor > 1400
        assert at.window.held <= 1200
        assert at.current.id == f"rec_{1_000_000 - 1 - at.cursor:026d}"
        await driver.press("g")
        assert at.cursor == 0
        assert at.current.id == "rec_00000000000000000000999999"


async def test_end_reads_the_oldest_first_and_not_what_lies_between():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        before = desk.fetched
        await driver.press("G")
        assert table(driver).current.id == "rec_00000000000000000000000000"
        assert pages(desk)[-1][1] == "oldest"
        assert desk.fetched - before <= 101
        assert "oldest 1–" in driver.text()
        await driver.press("k")
        assert table(driver).current.id == "rec_00000000000000000000000001"
        await driver.press(*["pageup"] * 12)
        assert table(driver).window.length >= 200
        await driver.press("g")
        assert table(driver).current.id == "rec_00000000000000000000999999"


async def test_new_records_do_not_move_the_cursor_off_the_row_being_read():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press("j", "j", "j")
        reading = table(driver).current.id
        offset = table(driver).cursor - table(driver).scroll_offset.y
        desk.added += 5
        desk.tell("record.changed")
        await driver.settle()
        assert table(driver).current.id == reading
        assert table(driver).cursor == 8
        assert "newer" not in driver.text(), "they are in sight"
        desk.added += 60
        desk.tell("record.changed")
        await driver.settle()
        assert table(driver).current.id == reading
        assert 0 <= table(driver).cursor - table(driver).scroll_offset.y < table(driver).room
        assert offset == 3
        assert "▲ newer: g" in driver.text()
        await driver.press("g")
        assert "newer" not in driver.text()


async def test_a_row_being_read_stays_when_more_arrive_than_are_looked_through():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press("j")
        reading = table(driver).current.id
        desk.added += 5000
        desk.tell("record.changed")
        await driver.settle()
        assert table(driver).current.id == reading
        assert table(driver).newer
        assert "newer" in driver.text()
        for number in (999_998, 999_995):  # the rows in sight are read again all the same, at every change
            assert desk.overrides.setdefault(number, RecordState.SENDING) is RecordState.SENDING
            desk.added += 5000
            desk.tell("record.changed")
            await driver.settle()
            at = table(driver).window.at(999_999 - number)
            assert (at.id, at.state) == (f"rec_{number:026d}", RecordState.SENDING)
            assert (table(driver).current.id, table(driver).cursor) == (reading, 1), "no row has moved"
        desk.added -= 10_000
        await driver.press("g")
        assert table(driver).current.id == f"rec_{1_004_999:026d}"
        await driver.press(*["pagedown"] * 12)
        assert not table(driver).on_top()
        desk.added += 5000
        desk.tell("record.changed")
        await driver.settle()
        await driver.press("g")
        assert table(driver).current.id == f"rec_{1_009_999:026d}", (
            "not the first one of what was read before"
        )


async def test_a_row_that_changes_state_changes_in_place():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        desk.overrides[999_999] = RecordState.FAILED
        desk.tell("record.changed", "rec_00000000000000000000999999")
        await driver.settle()
        assert "Failed 422" in driver.line(5)


async def test_the_filter_is_edited_in_place_asked_of_the_server_and_kept():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press("slash", "right", "down")
        assert desk.called("records_list")[-1][0].states == [RecordState.FAILED]
        await driver.press("right", "down", "enter")
        assert desk.called("records_list")[-1][0].environment is Environment.PRODUCTION
        assert desk.kept["tui.filter.log"]["state"] == "failed"
        assert "Status failed" in driver.text()
    async with open_desk(desk) as driver:
        assert "Status failed" in driver.text()
        assert desk.called("records_list")[-1][0].states == [RecordState.FAILED]
        await driver.press("backspace")
        assert desk.called("records_list")[-1][0].states == []
        assert desk.kept["tui.filter.log"]["state"] == ""


async def test_sources_are_choices_of_the_filter():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press("slash", "down")
        assert desk.called("records_list")[-1][0].source == "heart-health"
        assert "Source Heart health" in driver.text()


async def test_a_range_of_dates_is_asked_for():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press("slash", "right", "right", "right", "up")
        await driver.write("2026-11-20")
        await driver.press("enter")
        await driver.write("2026-11-21")
        await driver.press("enter")
        chosen = desk.called("records_list")[-1][0]
        assert chosen.arrived_from.isoformat() == "2026-11-20T00:00:00+00:00"
        assert chosen.arrived_to.isoformat() == "2026-11-22T00:00:00+00:00"
        assert "2026-11-20 – 2026-11-21" in driver.text()


async def test_empty_and_empty_under_a_filter_are_told_apart():
    async with open_desk(FakeDesk(total=0)) as driver:
        assert "No records yet" in driver.text()
    desk = FakeDesk(total=0)
    desk.kept["tui.filter.log"] = {"state": "failed"}
    async with open_desk(desk) as driver:
        assert "No records: failed." in driver.text()
        assert "backspace clears the filter" in driver.text()


async def test_resend_sends_the_one_under_the_cursor_without_a_question():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*["j"] * 9, "s")
        assert desk.called("record_resend") == [("rec_00000000000000000000999990", False)]
        assert "1 record queued again." in driver.said
        assert "Queued" in driver.line(14)


async def test_resending_a_delivered_record_asks_which_webhook_id_and_starts_on_cancel():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press("s")
        assert isinstance(driver.app.screen, Question)
        assert driver.app.focused.id == "choice-cancel"
        await driver.press("enter")
        assert desk.called("record_resend") == []
        await driver.press("s", "right", "right", "enter")
        assert desk.called("record_resend") == [("rec_00000000000000000000999999", True)]
        await driver.press(*["j"] * 9)
        desk.overrides[999_990] = RecordState.DELIVERED
        await driver.press("s")
        assert "was delivered already" in driver.text(), "a second ago: the row still says that it failed"


async def test_what_the_endpoint_is_asked_for_is_looked_up_or_sent_after_a_question():
    desk = FakeDesk()
    desk.asked.add("rec_00000000000000000000999994")
    async with open_desk(desk) as driver:
        await driver.press(*["j"] * 5, "s")
        assert "may have arrived" in driver.text()
        await driver.press("right", "enter")
        assert desk.called("record_look_up") == ["rec_00000000000000000000999994"]
        assert desk.called("record_resend") == []
        await driver.press("s", "right", "right", "enter")
        assert desk.called("record_resend") == [("rec_00000000000000000000999994", False)]
        await driver.press(*["j"] * 4, "L")
        assert desk.called("record_look_up")[1:] == ["rec_00000000000000000000999990"], "one that failed, too"


async def test_a_record_on_its_way_says_why_it_is_not_resent():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press("j", "s")
        assert any("on its way" in told for told in driver.said)
        await driver.press("L")
        assert any("not sent yet, so its endpoint cannot have it" in told for told in driver.said)
        assert desk.called("record_resend") == desk.called("record_look_up") == []


async def test_marked_records_are_resent_together():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*["j"] * 9, "space", "j", "j", "j", "j", "j", "j", "j", "j", "j", "space")
        assert "2 marked" in driver.text()
        await driver.press("s")
        assert "2 marked records" in driver.text()
        assert "delivered already" not in driver.text()
        await driver.press("escape")
        desk.overrides[999_990] = RecordState.DELIVERED
        await driver.press("s")
        assert "1 record of them delivered already." in driver.text(), "the daemon counts, not the page"
        await driver.press("right", "enter")
        ids, new_id = desk.called("records_resend")[0]
        assert ids == ["rec_00000000000000000000999980", "rec_00000000000000000000999990"]
        assert not new_id
        assert table(driver).marks == set()


async def test_resend_all_states_count_groups_and_filter_and_starts_on_cancel():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press("slash", "right", "down", "enter", "S")
        told = driver.text()
        assert "Resend 131 records" in told
        assert "CRM endpoint · production · arrived 13:20" in told
        assert "Filter: failed" in told
        assert "422 risk_level is required" in told
        assert "3  already delivered (skipped)" in told
        assert "First 1, then 5, then the rest at 20/s: about 6 s." in told
        await driver.press("enter")
        assert desk.called("job_create") == []
        await driver.press("S", "right", "enter")
        chosen, expect, rate, fix = desk.called("job_create")[0]
        assert (expect, rate, fix) == (131, None, None)
        assert chosen.states == [RecordState.FAILED]
        assert "job_01JD…001 begun: 131 records, the first one first." in driver.said
        assert "canary 0/1 ░" in driver.line(3)


async def test_resend_all_can_be_slower_than_the_endpoint_allows():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press("S", "right", "right", "enter")
        await driver.write("2")
        await driver.press("enter")
        assert "the rest at 2/s: about 1 min" in driver.text()
        await driver.press("right", "enter")
        assert desk.called("job_create")[0][2] == 2


async def test_a_plan_that_is_out_of_date_is_shown_again_and_not_carried_out():
    desk = FakeDesk()
    desk.matches_then = [150]
    async with open_desk(desk) as driver:
        await driver.press("S", "right", "enter")
        assert "Resend 150 records" in driver.text()
        assert "has changed meanwhile" in driver.said[-1]
        assert driver.app.focused.id == "choice-cancel"
        await driver.press("right", "enter")
        assert len(desk.called("job_create")) == 2
        assert desk.called("job_create")[0][0].arrived_to == desk.clock.now()
        assert any("begun" in told for told in driver.said)


@pytest.mark.parametrize("total", [144, 120])
async def test_a_few_more_or_fewer_of_what_was_confirmed_are_not_asked_about_again(total: int):
    desk = FakeDesk()
    desk.matches_then = [total]
    async with open_desk(desk) as driver:
        await driver.press("S", "right", "enter")
        assert [call[1] for call in desk.called("job_create")] == [131, total]
        assert f"job_01JD…001 begun: {total} records, the first one first." in driver.said


async def test_what_is_left_of_nothing_is_told():
    desk = FakeDesk()
    desk.matches_then = [0]
    async with open_desk(desk) as driver:
        await driver.press("S", "right", "enter")
        assert len(desk.called("job_create")) == 1
        assert "Nothing in this filter can be resent." in driver.said


async def test_a_member_cannot_resend_and_is_told_whom_to_ask():
    desk = FakeDesk(role=Role.MEMBER)
    async with open_desk(desk) as driver:
        await driver.press(*["j"] * 9, "s")
        assert desk.called("record_resend") == []
        assert any("needs the manager role; ask alice, root" in told for told in driver.said)


async def test_the_preview_explains_the_row_when_there_is_room():
    async with open_desk(FakeDesk(), size=LARGE) as driver:
        await driver.press(*["j"] * 9)
        assert "127 records fail the same way" in driver.text()
    async with open_desk(FakeDesk(), size=SMALL) as driver:
        await driver.press(*["j"] * 9)
        assert "127 records fail the same way" not in driver.text()


async def test_a_wide_terminal_has_more_columns_beside_the_preview():
    async with open_desk(FakeDesk(), size=LARGE) as driver:
        [header] = [line for line in driver.text().splitlines() if "First attempt" in line]
        assert "Level" in header
        assert "Integration" in header


async def test_hostile_names_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch):
    desk = FakeDesk()
    real = desk.record_at

    def evil(number: int):
        return real(number).model_copy(update={"source_name": "[/x] \x1b[31m\n[b", "error": "[/red] \x07"})

    monkeypatch.setattr(desk, "record_at", evil)
    async with open_desk(desk) as driver:
        assert "[/x] □[31m" in driver.text()
        await driver.press(*["j"] * 9, "enter")
        assert isinstance(driver.app.screen, RecordScreen)
        assert "\x1b" not in driver.text()


async def test_a_slow_refresh_is_not_restarted_by_every_event():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        screen = driver.app.screen
        assert isinstance(screen, LogScreen)
        before = len(desk.called("records_list"))
        for _ in range(20):
            screen.reload()
        await driver.settle()
        assert 1 <= len(desk.called("records_list")) - before <= 2


def test_the_fake_pages_like_the_daemon():
    assert Page[int](items=[1], next=None).next is None
