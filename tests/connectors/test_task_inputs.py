"""What is made of a due date, a status and an assignee before a request, and of times and texts after it."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.connectors import templates
from healthdesk.connectors.reading import matching, read_task
from healthdesk.connectors.registry import Registry
from healthdesk.connectors.spec import RequestTemplate, TaskResult
from healthdesk.connectors.task_inputs import completed
from healthdesk.errors import ConnectorError

ASANA = Registry.builtin().get("asana").manifest.tasks
MOMENTS = TaskResult(id="id", due="due", updated_at="at", times="epoch_ms")


async def _completed(**inputs: object) -> dict[str, object]:
    made, failure, _ = await completed(None, ASANA, {}, inputs)
    assert failure is None
    return made


async def test_a_day_is_noon_in_utc_in_milliseconds() -> None:
    assert await _completed(due="2026-03-31") == {"due": "2026-03-31", "due_ms": 1_774_958_400_000}


async def test_a_day_that_is_none_is_refused() -> None:
    with pytest.raises(ConnectorError, match="'31.3.2026' is not a date"):
        await _completed(due="31.3.2026")


@pytest.mark.parametrize(("status", "done"), [("open", False), ("completed", True)])
async def test_a_status_says_whether_it_means_done(status: str, done: bool) -> None:
    assert (await _completed(status=status))["done"] is done


async def test_a_status_the_manifest_does_not_list_is_refused() -> None:
    with pytest.raises(ConnectorError, match="no status 'closed'") as caught:
        await _completed(status="closed")
    assert caught.value.fix == "one of open, completed"


async def test_what_is_not_given_is_not_made() -> None:
    assert await _completed(title="A", due=None, assignee=None) == {
        "title": "A",
        "due": None,
        "assignee": None,
    }


async def test_what_is_emptied_is_null_where_the_app_takes_that() -> None:
    made = await _completed(title="", due="", assignee="")
    assert made["title"] == ""
    emptied = {"assignee": "{assignee_id}", "day": "{due}", "all": ["{assignee_id}"], "title": "{title}"}
    request = RequestTemplate(method="PUT", path="/x", json=emptied, query={"due": "{due}"})
    sent = templates.request(request).render("https://a.example", {}, made)
    assert json.loads(sent.body) == {"assignee": None, "day": None, "all": [], "title": ""}
    assert sent.url == "https://a.example/x?due="


async def test_what_is_emptied_is_an_empty_text_where_nothing_says_that_null_empties_it() -> None:
    made, _, _ = await completed(
        None, ASANA.model_copy(update={"clears": []}), {}, {"due": "", "assignee": ""}
    )
    assert made == {"due": "", "assignee": ""}


@given(st.dates(date(1971, 1, 1), date(2200, 1, 1)), st.integers(-11, 12))
def test_a_day_kept_at_four_in_the_morning_of_a_zone_is_that_day(day: date, zone: int) -> None:
    moment = ((day - date(1970, 1, 1)).days * 24 + 4 - zone) * 3_600_000

    task = read_task(MOMENTS, {"id": "1", "due": str(moment), "at": moment}, {})

    assert task is not None
    assert task.due == day.isoformat()


@pytest.mark.parametrize("told", ["soon", "9" * 40, "-" + "9" * 30, {}, True])
def test_a_moment_that_is_none_is_left_out(told: object) -> None:
    task = read_task(MOMENTS, {"id": "1", "due": told, "at": told}, {})

    assert task is not None
    assert task.due == ""


@pytest.mark.parametrize(
    ("told", "due"),
    [("2026-03-31", "2026-03-31"), ("2026-03-31T10:00:00.000Z", "2026-03-31"), ("2026-03-31 12:00:00", "2026-03-31"),
     ("tomorrow", "tomorrow"), (None, "")],
)  # fmt: skip
def test_a_due_time_is_a_day(told: str | None, due: str) -> None:
    task = read_task(TaskResult(id="id", due="due"), {"id": "1", "due": told}, {})

    assert task is not None
    assert task.due == due


def test_items_that_have_every_word_match() -> None:
    found = [{"name": "Rotate the KEYS"}, {"name": "rotate"}, {"name": None}, "x", {"name": "keys, rotate!"}]

    assert matching("name", found, "keys Rotate") == [found[0], found[4]]
    assert matching(None, found, "keys") == found
