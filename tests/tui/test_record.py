"""The window of a record: verdict, tabs, masking, reveal, copy."""

from __future__ import annotations

import pytest

from healthdesk.domain.states import RecordState, Role
from healthdesk.tui.screens.attempt import AttemptScreen
from healthdesk.tui.screens.copy import CopyPage
from healthdesk.tui.screens.log import LogScreen
from healthdesk.tui.screens.record import RecordScreen
from tests.tui.desk import open_desk
from tests.tui.fake_client import FakeDesk

TO_FAILED = ["j"] * 9
RETRYING = "rec_00000000000000000000999992"
TO_ATTEMPTS = [*["j"] * 7, "enter", *["right_square_bracket"] * 3]


async def test_it_says_what_failed_why_and_what_to_do():
    async with open_desk(FakeDesk()) as driver:
        await driver.press(*TO_FAILED, "enter")
        told = driver.text()
        assert "Log › rec_0000…990" in told
        assert "✗ Failed: the endpoint answered 422 in 38 ms" in told
        assert "127 like it since 13:20" in told
        assert "s resend" in told
        assert '"participant": "••••"' in told


async def test_the_log_says_how_many_are_like_it_and_opens_the_error_message():
    async with open_desk(FakeDesk()) as driver:
        await driver.press(*TO_FAILED)
        assert "127 like it since 13:20" in driver.text()
        await driver.press("E")
        assert "Error message" in driver.text()
        assert "Status code   422" in driver.text()
        assert "Response body" in driver.text()


async def test_a_delivered_record_has_no_error_message_to_view():
    async with open_desk(FakeDesk()) as driver:
        await driver.press("E")
        assert isinstance(driver.app.screen, LogScreen)
        assert any("it has no error" in told for told in driver.said)


async def test_tabs_show_request_response_error_attempts_and_record():
    async with open_desk(FakeDesk()) as driver:
        await driver.press(*["j"] * 7, "enter", "right_square_bracket")
        assert "500 in 152 ms" in driver.text()
        await driver.press("right_square_bracket")
        assert "Whose fault" in driver.text()
        await driver.press("right_square_bracket")
        assert "first" in driver.text()
        assert driver.text().count(" 500 ") >= 4
        assert "Internal Server Error (them)" in driver.text()
        assert "next try 14:36:00" in driver.text()
        assert "▓" in driver.text()
        await driver.press("right_square_bracket")
        assert "webhook-id" in driver.text()
        await driver.press("left_square_bracket", "left_square_bracket", "left_square_bracket")
        assert "500 in 152 ms" in driver.text()


async def test_values_are_masked_until_revealed():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*TO_FAILED, "enter")
        assert "Ann" not in driver.text()
        await driver.press("v")
        assert '"Ann [/b] Smith"' in driver.text()
        assert desk.called("record_reveal") == ["rec_00000000000000000000999990"]
        desk.tell("record.changed")
        await driver.settle()
        assert '"Ann [/b] Smith"' in driver.text()
        await driver.press("C")
        assert "Ann [/b] Smith" in driver.app.clipboard, "the command stays as it was revealed, too"
        await driver.press("escape", "v")
        assert len(desk.called("record_reveal")) == 1
        desk.resent.add("rec_00000000000000000000999990")
        desk.tell("record.changed")
        await driver.settle()
        assert "Ann" not in driver.text(), "what was sent since is another exchange"
        await driver.press("v")
        assert '"Ann [/b] Smith"' in driver.text()
        assert len(desk.called("record_reveal")) == 2
        await driver.press("escape", "enter")
        assert "Ann" not in driver.text()


async def test_a_member_cannot_reveal():
    desk = FakeDesk(role=Role.MEMBER)
    async with open_desk(desk) as driver:
        await driver.press(*TO_FAILED, "enter", "v")
        assert desk.called("record_reveal") == []
        assert any("needs the manager role" in told for told in driver.said)


async def test_an_attempt_is_opened_from_the_timeline_with_what_was_sent_and_what_came_back():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*TO_ATTEMPTS, "k", "enter")
        assert isinstance(driver.app.screen, AttemptScreen)
        assert desk.called("record_attempt") == [(RETRYING, "att_3")]
        told = driver.text()
        assert "Log › rec_0000…992 › attempt 3" in told
        assert "✗ Attempt 3: failed, 500 in 114 ms" in told
        assert '"participant": "••••"' in told
        await driver.press("G")
        assert '"try": 3' in driver.text()
        await driver.press("y")
        assert '"echo": "••••"' in driver.app.clipboard
        await driver.press("escape", "escape")
        assert isinstance(driver.app.screen, RecordScreen)
        assert driver.app.screen.attempt().id == "att_3"


async def test_the_values_of_one_attempt_are_revealed_in_the_attempts_tab():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*TO_ATTEMPTS, "g", "v")
        assert desk.called("record_attempt_reveal") == [(RETRYING, "att_1")]
        assert desk.called("record_reveal") == []
        assert isinstance(driver.app.screen, AttemptScreen)
        assert '"Ann [/b] Smith"' in driver.text()
        desk.tell("record.changed")
        await driver.settle()
        assert '"Ann [/b] Smith"' in driver.text()
        await driver.press("v")
        assert len(desk.called("record_attempt_reveal")) == 1
        assert any("they are shown already" in told for told in driver.said)
        await driver.press("escape", "enter")
        assert "Ann" not in driver.text()
        await driver.press("v")
        assert '"Ann [/b] Smith"' in driver.text()
        assert len(desk.called("record_attempt_reveal")) == 2


async def test_a_member_cannot_reveal_an_attempt():
    desk = FakeDesk(role=Role.MEMBER)
    async with open_desk(desk) as driver:
        await driver.press(*TO_ATTEMPTS, "v")
        assert isinstance(driver.app.screen, RecordScreen)
        assert "needs the manager role; ask alice" in driver.said[-1]
        await driver.press("enter")
        assert driver.said == []
        await driver.press("v")
        assert isinstance(driver.app.screen, AttemptScreen)
        assert desk.called("record_attempt_reveal") == []
        assert "needs the manager role; ask alice" in driver.said[-1]


async def test_an_attempt_that_the_daemon_does_not_reveal_stays_masked():
    desk = FakeDesk()
    desk.forbidden.add("record_attempt_reveal")
    async with open_desk(desk) as driver:
        await driver.press(*TO_ATTEMPTS, "v")
        assert isinstance(driver.app.screen, RecordScreen)
        assert any("needs a manager" in told for told in driver.said)


async def test_the_cursor_of_the_timeline_stays_on_its_attempt():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*TO_ATTEMPTS, "k")
        desk.tell("record.changed", RETRYING)
        await driver.settle()
        assert isinstance(driver.app.screen, RecordScreen)
        assert driver.app.screen.attempt().id == "att_3"
        await driver.press("right_square_bracket", "enter")
        assert any("the Attempts tab has them" in told for told in driver.said)


async def test_the_tab_of_the_attempts_counts_those_before_a_resend_too(monkeypatch: pytest.MonkeyPatch):
    desk = FakeDesk()
    detail = desk._detail(RETRYING, masked=True).model_copy(update={"tries": 1, "attempts_total": 4})
    monkeypatch.setattr(desk, "_detail", lambda *_, **__: detail)
    async with open_desk(desk) as driver:
        await driver.press(*TO_ATTEMPTS)
        assert "Attempts 4" in driver.text()


async def test_resend_updates_the_verdict():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*TO_FAILED, "enter", "s")
        assert desk.called("record_resend") == [("rec_00000000000000000000999990", False)]
        assert "Queued" in driver.text()
        await driver.press("s")
        assert len(desk.called("record_resend")) == 1


async def test_live_changes_reach_the_window():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*TO_FAILED, "enter")
        desk.overrides[999_990] = RecordState.DELIVERED
        desk.tell("record.changed", "rec_00000000000000000000999990")
        await driver.settle()
        assert "✓ Delivered" in driver.text()


async def test_copy_shows_a_plain_page_and_goes_to_the_clipboard():
    async with open_desk(FakeDesk()) as driver:
        await driver.press(*TO_FAILED, "enter", "y")
        assert isinstance(driver.app.screen, CopyPage)
        assert "POST https://crm.acme.io/v2/hra" in driver.app.clipboard
        assert "••••" in driver.app.clipboard
        await driver.press("escape")
        assert isinstance(driver.app.screen, RecordScreen)
        await driver.press("C")
        assert driver.app.clipboard == driver.app.screen_stack[-2].detail.curl
        assert '"${BODY:?' in driver.app.clipboard
        await driver.press("escape", "v", "C")
        assert "Ann [/b] Smith" in driver.app.clipboard


async def test_escape_goes_back_to_the_same_row():
    async with open_desk(FakeDesk()) as driver:
        await driver.press(*TO_FAILED, "enter", "escape")
        assert isinstance(driver.app.screen, LogScreen)
        assert driver.app.screen.item().id == "rec_00000000000000000000999990"
