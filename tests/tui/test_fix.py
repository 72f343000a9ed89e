"""Fix and resend: changes one by one, the difference before anything is sent, one record or all of a problem."""

from __future__ import annotations

from healthdesk.api.records import LikelyCause
from healthdesk.domain.states import Environment, MappingVerb, RecordState, Role
from healthdesk.tui.screens.body_editor import BodyEditor
from healthdesk.tui.screens.fix import FixScreen
from healthdesk.tui.screens.job import JobScreen
from healthdesk.tui.screens.log import LogScreen
from healthdesk.tui.widgets.editors import LongText
from tests.tui.desk import Driver, open_desk
from tests.tui.fake_client import FakeDesk
from tests.tui.task_desk import words, wrong

FAILED = "rec_00000000000000000000999990"
TO_FAILED = ["j"] * 9


async def add_step(driver: Driver) -> None:
    """Add `set risk_level = "high"`."""
    await driver.press("n", "tab")
    await driver.write("risk_level")
    await driver.press("enter")
    await driver.write("high")
    await driver.press("ctrl+s")


def paths(desk: FakeDesk) -> list[str]:
    """Return the paths of the steps that were previewed last, in their order."""
    return [step.path for step in desk.called("record_fix_preview")[-1][1].mapping]


async def test_one_record_is_fixed_shown_sent_and_its_mapping_kept():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*TO_FAILED, "f")
        assert isinstance(driver.app.screen, FixScreen)
        assert "Nothing is changed yet." in driver.text()
        await driver.press("s")
        assert driver.said[-1] == "Resend with the fix: nothing is changed yet"
        await add_step(driver)
        record_id, given = desk.called("record_fix_preview")[-1]
        assert record_id == FAILED
        assert [(step.do, step.path, step.value) for step in given.mapping] == [
            (MappingVerb.SET, "risk_level", "high")
        ]
        assert "+set risk_level" in driver.text()
        assert "Ann" not in driver.text()
        assert "content-type" not in driver.text(), "only the headers that the fix gives"
        await driver.press("v")
        assert '"Ann [/b] Smith"' in driver.text()
        assert desk.called("record_fix") == []
        await driver.press("N")
        await driver.write("they want it")
        await driver.press("enter")
        assert "Note: they want it" in driver.text()
        desk.overrides[999_990] = RecordState.DELIVERED
        await driver.press("s")
        assert "was delivered already" in driver.text(), "it may be dropped as seen"
        assert desk.called("record_fix") == []
        await driver.press("escape")
        del desk.overrides[999_990]
        await driver.press("s")
        assert not desk.called("record_fix")[0][1].delivered_too
        assert desk.called("record_fix")[0][1].mapping == given.mapping
        assert desk.called("record_fix")[0][1].note == "they want it"
        assert "Sent with the fix; waiting for the answer." in driver.text()
        desk.overrides[999_990] = RecordState.DELIVERED
        desk.tell("record.changed", FAILED)
        await driver.settle()
        assert "Shall all records from now on be sent so?" in driver.text()
        await driver.press("right", "enter")
        [(integration, environment, mapping, headers)] = desk.called("integration_mapping_save")
        assert (integration, environment, headers) == ("int_crm", Environment.PRODUCTION, {})
        assert mapping == given.mapping
        assert isinstance(driver.app.screen, LogScreen)


async def test_a_fix_that_does_not_help_stays_to_be_changed_again():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*TO_FAILED, "f")
        await add_step(driver)
        await driver.press("s")
        desk.overrides[999_990] = RecordState.FAILED
        desk.tell("record.changed", FAILED)
        await driver.settle()
        assert isinstance(driver.app.screen, FixScreen)
        assert any('failed. "risk_level is required"' in told for told in driver.said)
        assert "risk_level" in driver.text()
        assert desk.called("integration_mapping_save") == []


async def test_steps_are_edited_and_removed_and_headers_added():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*TO_FAILED, "f")
        await add_step(driver)
        await driver.press("n", "left", "tab")
        await driver.write("x-tenant")
        await driver.press("enter")
        await driver.write("acme")
        await driver.press("ctrl+s")
        assert desk.called("record_fix_preview")[-1][1].headers == {"x-tenant": "acme"}
        await add_step(driver)
        await driver.press("g", "e", "tab")
        await driver.write("first")
        await driver.press("ctrl+s", "g", "J")
        assert paths(desk) == ["risk_level", "first"]
        await driver.press("J")
        assert driver.said[-1] == "Move the step down: it is the last step"
        await driver.press("K")
        assert paths(desk) == ["first", "risk_level"]
        await driver.press("G", "K")
        assert driver.said[-1] == "Move the step up: only the steps of a mapping have an order"
        await driver.press("g", "D")
        await driver.press("g", "e", "tab", "tab")
        await driver.press(*["backspace"] * 4, "7", "ctrl+s")
        assert desk.called("record_fix_preview")[-1][1].mapping[0].value == 7
        await driver.press("D")
        given = desk.called("record_fix_preview")[-1][1]
        assert (given.mapping, given.headers) == ([], {"x-tenant": "acme"})
        await driver.press("D")
        assert "Nothing is changed yet." in driver.text()


async def test_a_step_says_what_it_wants_before_it_is_taken():
    async with open_desk(FakeDesk()) as driver:
        await driver.press(*TO_FAILED, "f", "n", "right", "right", "ctrl+s")
        assert "Path: is needed" in wrong(driver)
        assert "New path: is needed" in wrong(driver)


async def test_the_body_is_edited_as_text_and_json_is_checked_while_it_is_typed():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*TO_FAILED, "f", "b")
        assert isinstance(driver.app.screen, BodyEditor)
        assert desk.called("record_fix_preview")[0][1].reveal, "the daemon notes who saw it"
        assert '"participant": "Ann [/b] Smith"' in driver.text()
        assert "✓ JSON" in driver.text()
        await driver.press("x")
        assert "✗ no JSON: line 1, column 1: Expecting value" in driver.text()
        await driver.press("ctrl+s")
        assert isinstance(driver.app.screen, BodyEditor), "what is no JSON is not taken"
        driver.app.screen.query_one(LongText).text = '{"score": 72}'
        await driver.settle()
        await driver.press("ctrl+s")
        given = desk.called("record_fix_preview")[-1][1]
        assert (given.body, given.version, given.reveal) == ('{"score": 72}', "v1", False)
        assert "replaced, 1 line" in driver.text()
        await driver.press("A")
        assert driver.said[-1] == "Fix all of its problem: a body is of one record; remove it first"


async def test_the_body_stays_as_it_was_when_the_editor_is_left():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*TO_FAILED, "f", "b", "x", "escape")
        assert isinstance(driver.app.screen, FixScreen)
        assert "Nothing is changed yet." in driver.text()


async def test_all_of_a_problem_are_fixed_as_a_job_after_its_plan():
    desk = FakeDesk()
    async with open_desk(desk, area="problems") as driver:
        await driver.press("f")
        assert isinstance(driver.app.screen, FixScreen)
        await driver.press("b")
        assert driver.said[-1] == "Edit the body: a body is of one record; steps are for all"
        await add_step(driver)
        assert desk.called("problem_fix_preview")[-1][0] == "prb_1"
        assert "It changes 120 of 127 records." in driver.text()
        await driver.press("s")
        assert "127  changed by the fix" in driver.text()
        await driver.press("right", "enter")
        chosen, expect, _, fix = desk.called("job_create")[0]
        assert (chosen.problem_id, expect) == ("prb_1", 131)
        assert fix.mapping[0].path == "risk_level"
        assert desk.called("record_fix") == []
        assert isinstance(driver.app.screen, JobScreen)


async def test_what_was_begun_on_one_record_goes_on_for_all_of_its_problem():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*TO_FAILED, "f")
        await add_step(driver)
        await driver.press("A")
        assert "✗ " in driver.line(2), "also without colours"
        assert "all of the problem" in driver.line(2)
        assert desk.called("problem_fix_preview")[-1][1].mapping[0].path == "risk_level"


async def test_a_member_cannot_fix():
    async with open_desk(FakeDesk(role=Role.MEMBER)) as driver:
        await driver.press(*TO_FAILED, "f")
        assert isinstance(driver.app.screen, LogScreen)


class LikelyDesk(FakeDesk):
    async def record(self, record_id):
        likely = LikelyCause(
            cause="missing_field",
            sentence="The field risk_level is missing.",
            next_action="map it",
            field="risk_level",
            key="f",
        )
        return (await super().record(record_id)).model_copy(update={"likely": likely})


async def test_what_is_likely_wrong_stands_where_it_is_fixed():
    async with open_desk(LikelyDesk()) as driver:
        await driver.press(*TO_FAILED, "enter")
        assert "Likely: The field risk_level is missing." in words(driver)
        assert "f fix and resend" in driver.text()
        await driver.press("f")
        assert "Likely: The field risk_level is missing." in driver.text()
