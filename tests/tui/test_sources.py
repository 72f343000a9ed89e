"""Sources: the list, the window with fields and integrations, adding, changing, enabling, silence."""

from __future__ import annotations

from healthdesk.domain.states import Role
from healthdesk.tui.screens.integration import IntegrationScreen
from healthdesk.tui.screens.source import SourceScreen
from healthdesk.tui.screens.sources import SourcesScreen
from healthdesk.tui.widgets.window_table import WindowTable
from tests.tui.desk import LARGE, open_desk
from tests.tui.fake_delivery import DeliveryDesk
from tests.tui.task_desk import NEXT_TAB, fill, open_window, words, wrong

HEART = "src_heart-health"


async def test_the_list_is_reached_from_connections_and_says_where_each_is_enabled():
    async with open_desk(DeliveryDesk(), area="connections", size=LARGE) as driver:
        await driver.press("F")
        assert isinstance(driver.app.screen, SourcesScreen)
        assert "Enabled for CRM endpoint." in driver.text()
        await driver.press("j")
        assert "Enabled for no integration: its records are refused." in driver.text()
        await driver.press("j")
        assert "Silent towards CRM endpoint · Production since 05:05; usually every 60 min." in words(driver)


async def test_the_list_narrows_to_those_that_are_silent():
    async with open_window(DeliveryDesk(), SourcesScreen()) as driver:
        await driver.press("slash", "up", "enter")
        assert "Sleep" in driver.text()
        assert "Heart health" not in driver.text()


async def test_a_new_source_has_a_key_and_levels_and_the_cursor():
    desk = DeliveryDesk()
    async with open_window(desk, SourcesScreen()) as driver:
        await driver.press("n")
        await fill(driver, "name", "Stress")
        await fill(driver, "key", "Stress!")
        await driver.press("ctrl+s")
        assert "Key: has small letters" in wrong(driver)
        await fill(driver, "key", "stress")
        await fill(driver, "levels", "low, high, low")
        await driver.press("ctrl+s")
        [new] = desk.called("source_create")
        assert (new.key, new.name, new.levels) == ("stress", "Stress", ["low", "high"])
        assert driver.app.screen.query_one(WindowTable).cursor_id == "src_stress"


async def test_only_what_was_changed_of_a_source_is_sent():
    desk = DeliveryDesk()
    async with open_window(desk, SourceScreen(HEART)) as driver:
        await driver.press("e")
        await fill(driver, "levels", "low, high")
        await driver.press("ctrl+s")
        [(source, changes)] = desk.called("source_edit")
        assert source == HEART
        assert changes.model_dump(exclude_unset=True) == {"levels": ["low", "high"]}


async def test_fields_show_type_and_whether_they_are_required_masked_and_found_by():
    async with open_window(DeliveryDesk(), SourceScreen(HEART)) as driver:
        text = words(driver)
        assert "participant_id string required masked its value p-1001" in text
        assert "region string optional shown – north" in text


async def test_a_field_is_added_changed_and_removed():
    desk = DeliveryDesk()
    async with open_window(desk, SourceScreen(HEART)) as driver:
        await driver.press("n")
        await fill(driver, "name", "score")
        await driver.press("ctrl+s")
        assert "Field: is a field of it already" in wrong(driver)
        await fill(driver, "name", "risk_level")
        await driver.press("ctrl+s")
        added = desk.called("source_edit")[-1][1].fields
        assert [each.name for each in added] == ["participant_id", "score", "region", "risk_level"]
        assert added[-1].sensitive
        await driver.press("enter")
        await fill(driver, "example", "p-7")
        await driver.press("ctrl+s")
        changed = desk.called("source_edit")[-1][1].fields[0]
        assert (changed.name, changed.example, changed.required, changed.lookup) == (
            "participant_id",
            "p-7",
            True,
            True,
        )
        await driver.press("D")
        assert "Records are not found by it any more." in driver.text()
        await driver.press("right", "enter")
        assert [each.name for each in desk.called("source_edit")[-1][1].fields] == [
            "score",
            "region",
            "risk_level",
        ]


async def test_its_integrations_are_enabled_silenced_and_opened():
    desk = DeliveryDesk()
    async with open_window(desk, SourceScreen("src_diabetes-risk")) as driver:
        await driver.press("O")
        assert "the Integrations tab has them" in " ".join(driver.said)
        await driver.press(NEXT_TAB, "h")
        assert "it is not enabled for CRM endpoint; O enables it" in " ".join(driver.said)
        await driver.press("O")
        assert desk.called("source_enable")[0][1].enabled
        await driver.press("h", "right", "right", "ctrl+s")
        assert desk.called("source_silence")[0][1].after_s == 0
        await driver.press("enter")
        assert isinstance(driver.app.screen, IntegrationScreen)


async def test_a_silence_that_was_set_is_learnt_again():
    desk = DeliveryDesk()
    async with open_window(desk, SourceScreen("src_sleep")) as driver:
        assert "Silent towards CRM endpoint · Production since 05:05" in words(driver)
        await driver.press(NEXT_TAB, "h")
        assert "← after a time →" in driver.text()
        await driver.press("left", "ctrl+s")
        assert desk.called("source_silence")[0][1].after_s is None


async def test_members_see_sources_and_change_nothing():
    desk = DeliveryDesk(role=Role.MEMBER)
    async with open_window(desk, SourceScreen(HEART)) as driver:
        await driver.press("n", "e", "D")
        assert "Edit source: needs the manager role; ask alice, root" in driver.said or driver.said
        assert desk.called("source_edit") == []
        assert isinstance(driver.app.screen, SourceScreen)
