"""The log's chips: each part of the API's filter, chosen or typed in place, and what of it is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from healthdesk.api.common import Page
from healthdesk.api.records import RecordFilter
from healthdesk.api.sources import Source, SourceField
from healthdesk.domain.states import Environment, ErrorKind, HoldReason, RecordState
from healthdesk.tui.view.log_filters import chip_values, log_chips, mistake, record_filter
from healthdesk.tui.view.times import View
from tests.tui.desk import LARGE, SMALL, open_desk
from tests.tui.fake_client import NOW, FakeDesk

VIEW = View(NOW, UTC)
DAY = timedelta(days=1)
NAMES = [chip.name for chip in log_chips()]

EVERY_PART = RecordFilter(
    integration_id="int_crm", environment=Environment.TESTING, source="sleep", states=[RecordState.FAILED, RecordState.HELD],
    problem_id="prb_1", arrived_from=NOW - 3 * DAY, arrived_to=NOW, levels=["high, very", "low"],
    completed_from=NOW - 4 * DAY, completed_to=NOW - DAY, first_attempt_from=NOW - 2 * DAY, last_attempt_to=NOW,
    statuses=[422, 500], error_kinds=[ErrorKind.MISSING_FIELD, ErrorKind.TIMEOUT], hold_reasons=[HoldReason.ORDER],
    sample=False, text="risk level", lookup={"participant": "Ann Smith", "mrn": "7"}, job_id="job_1",
)  # fmt: skip


def to(name: str) -> list[str]:
    """Return the keys that go to a chip."""
    return ["slash", *["right"] * NAMES.index(name)]


class LookupDesk(FakeDesk):
    """Tells sources one a page; only the last one has levels and a lookup field."""

    async def sources_list(self, *, after=None, limit=50):
        items = (await super().sources_list(after=after, limit=limit)).items
        fields = [SourceField(name="participant", lookup=True), SourceField(name="score")]
        items[-1] = Source(**items[-1].model_dump() | {"levels": ["low", "high"], "fields": fields})
        at = 0 if after is None else [each.id for each in items].index(after) + 1
        return Page[Source](items=[items[at]], next=items[at].id if at + 1 < len(items) else None)


def test_every_part_of_the_filter_has_a_chip_and_comes_back_from_it():
    assert all(getattr(EVERY_PART, name) != field.default for name, field in RecordFilter.model_fields.items()
               if name not in ("first_attempt_to", "last_attempt_from"))  # fmt: skip
    values, words = chip_values(EVERY_PART, VIEW)
    assert set(values) == set(NAMES)
    assert record_filter(values, VIEW) == EVERY_PART
    assert words["first"] == f"{NOW - 2 * DAY:%Y-%m-%d %H:%M} – …"
    assert record_filter(chip_values(RecordFilter(), VIEW)[0], VIEW) == RecordFilter()


async def test_statuses_are_stepped_through_or_typed_and_asked_for_once_the_chip_is_left():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*to("http"), "down")
        assert desk.called("records_list")[-1][0].statuses == [400]
        before = len(desk.called("records_list"))
        await driver.press(*["backspace"] * 3, *"422,j500")
        assert len(desk.called("records_list")) == before, "nothing is asked for while it is typed"
        assert "HTTP 422,j500_ ↑↓" in driver.line(2)
        await driver.press("enter")
        assert driver.said[-1] == "HTTP statuses are written 422, or 500, 503."
        await driver.press(*to("http")[:1], *["backspace"] * 4, *" 503", "enter")
        assert desk.called("records_list")[-1][0].statuses == [422, 503]


async def test_a_text_with_every_letter_is_typed_into_its_chip():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*to("text"))
        assert "Text _ (in errors and ids)" in driver.line(2)
        await driver.write("hjkl q1")
        await driver.press("slash", "x", "right")
        assert desk.called("records_list")[-1][0].text == "hjkl q1/x"
        assert desk.kept["tui.filter.log"]["text"] == "hjkl q1/x"


async def test_a_lookup_begins_with_a_field_that_a_source_declares_and_its_value_is_not_kept():
    desk = LookupDesk()
    async with open_desk(desk) as driver:
        await driver.press(*to("lookup"), "down")
        assert driver.said[-1].startswith("A lookup is written field = value")
        await driver.write("Ann Smith")
        await driver.press("enter")
        assert desk.called("records_list")[-1][0].lookup == {"participant": "Ann Smith"}
        assert "Lookup participant = Ann Smith" in driver.line(2)
        assert "lookup" not in desk.kept["tui.filter.log"]


async def test_levels_are_those_of_the_sources():
    desk = LookupDesk()
    async with open_desk(desk) as driver:
        await driver.press(*to("level"), "down", "down")
        assert desk.called("records_list")[-1][0].levels == ["high"]


@pytest.mark.parametrize(
    ("chip", "first", "title"),
    [
        ("completed", "completed_from", "Records that were completed"),
        ("last", "last_attempt_from", "Records that were last tried"),
    ],
)
async def test_each_date_has_its_own_range(chip: str, first: str, title: str):
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await driver.press(*to(chip), "up")
        assert title in driver.text()
        await driver.write("2026-11-20")
        await driver.press("enter", "enter")
        chosen = desk.called("records_list")[-1][0]
        assert getattr(chosen, first) == datetime(2026, 11, 20, tzinfo=UTC)
        assert chosen.arrived_from is None


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_chip_that_is_edited_is_in_sight_among_all_of_them(size: tuple[int, int]):
    async with open_desk(FakeDesk(), size=size) as driver:
        await driver.press("slash")
        for chip in log_chips():
            assert f"{chip.label} ".lstrip() in driver.line(2)
            assert driver.line(2).count("↑↓") == (1 if len(chip.options) > 1 or chip.name in ("source", "integration") else 0)  # fmt: skip
            await driver.press("right")
        assert driver.line(2).startswith(" Source all ↑↓")


def test_what_cannot_be_meant_is_said():
    assert mistake({"http": "422, 500"}) == ""
    assert "422" in mistake({"http": "99"})
    assert "field = value" in mistake({"lookup": "participant"})
    assert mistake({"lookup": "participant = Ann; mrn = 7"}) == ""
