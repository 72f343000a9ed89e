"""View functions: what is said about a row."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from healthdesk.api.records import Body, RecordFilter
from healthdesk.domain.states import ConnectionState, Environment, HoldReason, ProblemState, RecordState, Role
from healthdesk.tui.actions import ACTIONS, actions_of, allowed, footer_of
from healthdesk.tui.feed import LIVE, Link
from healthdesk.tui.format import Tone, plain
from healthdesk.tui.terminal import wants_ascii
from healthdesk.tui.view import (
    accounts,
    filters,
    jobs,
    json_view,
    log,
    log_filters,
    problems,
    record,
    resend,
    timeline,
    times,
    words,
)
from healthdesk.tui.view.chrome import area_tabs, banner_lines, left_line
from healthdesk.tui.view.fixes import fixing_head
from healthdesk.tui.widgets.columns import lay_out
from tests.tui.fake_client import NOW, FakeDesk

VIEW = times.View(NOW, UTC)
CONTEXTS = sorted({name for action in ACTIONS for name in action.screens})


def failed():
    return FakeDesk().record_at(999_990)


def test_a_failed_row_says_glyph_word_and_status():
    cells = [cell.text for cell in log.log_cells(failed(), VIEW)]
    assert cells[0] == "✗"
    assert cells[6] == "Failed 422"
    assert cells[3] == "14:00:01"


@pytest.mark.parametrize("state", list(RecordState))
def test_every_state_of_a_record_has_row_explanation_and_window(state: RecordState):
    desk = FakeDesk(total=10)
    desk.overrides[3] = state
    row = desk.record_at(3)
    assert len(log.log_cells(row, VIEW)) == len(log.log_columns(VIEW))
    assert len(log.log_explain(row, VIEW)) == 2
    detail = desk._detail(row.id, masked=True)
    assert len(record.record_verdict(detail, VIEW)) in (2, 3, 4)
    for tab in record.TABS:
        assert record.tab_lines(tab, detail, VIEW)


def test_states_of_one_thing_differ_by_their_word_and_are_good_or_bad_by_their_glyph():
    """So that they can be told without colours."""
    for table in (
        words.RECORD,
        words.CONNECTION,
        words.PROBLEM,
        words.ATTEMPT,
        jobs.JOB,
        jobs.ITEM,
        timeline.EVENTS,
    ):
        assert len({word.text for word in table.values()}) == len(table)
        tones = {(word.glyph, word.tone) for word in table.values() if word.tone in (Tone.GOOD, Tone.BAD)}
        assert len({glyph for glyph, _ in tones}) == len(tones)


@pytest.mark.parametrize(
    ("environment", "sample", "mark"),
    [
        ("production", False, "  "),
        ("production", True, " ~"),
        ("testing", False, "T "),
        ("testing", True, "T~"),
    ],
)
def test_a_row_of_the_log_says_testing_and_sample_each_for_itself(environment: str, sample: bool, mark: str):
    row = failed().model_copy(update={"environment": Environment(environment), "sample": sample})
    assert log.log_cells(row, VIEW)[1].text == mark


def test_a_record_of_testing_says_so_first_where_a_narrow_title_is_cut_last():
    detail = FakeDesk(total=10)._detail(failed().id, masked=True)
    assert record.record_title(detail).endswith("production")
    testing = detail.model_copy(update={"environment": Environment.TESTING})
    assert record.record_title(testing).startswith("TESTING · ")


def test_times_are_in_the_operators_zone():
    tokyo = times.View(NOW, ZoneInfo("Asia/Tokyo"))
    assert times.stamp(NOW, tokyo) == "22 Nov 23:05"
    assert times.full(NOW, tokyo).endswith("JST")
    assert log.log_columns(tokyo)[2].title.endswith("JST")


@pytest.mark.parametrize(
    ("seconds", "told"), [(20, "20 s"), (180, "3 min"), (7200, "2 h"), (400_000, "4 d"), (-5, "0 s")]
)
def test_ages_have_one_unit(seconds: int, told: str):
    assert times.span(seconds) == told


def test_json_is_indented_with_every_digit_kept():
    assert json_view.indent('{"a":1.10,"b":[],"c":[12345678901234567890]}') == (
        '{\n  "a": 1.10,\n  "b": [],\n  "c": [\n    12345678901234567890\n  ]\n}'
    )


@pytest.mark.parametrize("text", ["{", "plain", "[" * 100_000, '{"a": }', "[1]]"])
def test_what_is_not_json_is_shown_as_it_is(text: str):
    assert json_view.indent(text) is None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (None, "(nothing)"),
        (Body(text=None), "(removed by retention)"),
        (Body(text=""), "(nothing)"),
        (Body(base64="AAE=", size=2), "2 bytes that are not text"),
        (Body(text="abc", cut=True, size=9000), "cut; the whole was 9,000 bytes"),
    ],
)
def test_bodies_say_what_they_are(body: Body | None, told: str):
    assert told in plain(json_view.body_lines(body))


async def test_a_problem_of_a_connection_counts_no_records():
    row = (await FakeDesk().problems_list()).items[0]
    assert "Holds up" in plain(problems.problem_explain(row, VIEW))
    alone = row.model_copy(update={"count": 0, "total": 0})
    for told in (problems.problem_explain(alone, VIEW), problems.problem_head(alone, VIEW)):
        assert "record" not in plain(told)
    assert plain(problems.problem_explain(alone, VIEW)).startswith("Last at ")


async def test_a_problem_of_a_connection_says_how_many_are_held_behind_it():
    row = (await FakeDesk().problems_list()).items[0]
    failing = row.model_copy(update={"count": 1, "held": 63, "total": 64})
    assert "64" in [cell.text for cell in problems.problem_cells(failing, VIEW)]
    assert "Holds up 64 records, 64 in all · 63 held behind it" in plain(
        problems.problem_explain(failing, VIEW)
    )
    assert "64 records now, 63 held behind it, 64 in all since" in plain(problems.problem_head(failing, VIEW))


async def test_a_problem_of_testing_says_so_wherever_it_stands():
    row = (await FakeDesk().problems_list()).items[0]
    testing = row.model_copy(update={"environment": Environment.TESTING})
    production = row.model_copy(update={"environment": Environment.PRODUCTION})
    for shown in (
        lambda problem: " ".join(cell.text for cell in problems.problem_cells(problem, VIEW)),
        lambda problem: plain(problems.problem_head(problem, VIEW)),
        lambda problem: plain(fixing_head(FakeDesk(total=10).record_at(3), None, problem, sent=True)),
    ):
        assert f"{row.where} · TESTING" in shown(testing)
        assert "TESTING" not in shown(production)


def test_the_log_counts_the_tries_before_a_resend_too():
    desk = FakeDesk(total=10)
    row = desk.record_at(3).model_copy(update={"tries": 1, "attempts_total": 4})
    assert [cell.text for cell in log.log_cells(row, VIEW)][7] == "4"


@pytest.mark.parametrize(
    ("state", "seconds", "told"),
    [
        (ProblemState.OPEN, 86_399, "muted 24 h"),
        (ProblemState.ACKNOWLEDGED, 86_399, "ack bob · muted 24 h"),
        (ProblemState.ACKNOWLEDGED, -1, "ack bob"),
        (ProblemState.OPEN, 600, "muted 10 min"),
        (ProblemState.RESOLVED, 600, "resolved"),
    ],
)
async def test_the_state_of_a_problem_says_who_has_it_and_how_long_it_is_muted(
    state: ProblemState, seconds: int, told: str
):
    problem = (await FakeDesk().problems_list()).items[0]
    changes = {"state": state, "acknowledged_by": "bob", "muted_until": NOW + timedelta(seconds=seconds)}
    assert problems.state_words(problem.model_copy(update=changes), VIEW) == told


def test_a_record_held_by_a_pause_waits_for_the_resume():
    desk = FakeDesk(total=10)
    desk.overrides[3] = RecordState.HELD
    row = desk.record_at(3)
    assert "sent when that is resumed" in plain(log.log_explain(row, VIEW))
    failing = row.model_copy(update={"hold_reason": HoldReason.CONNECTION})
    assert "sent on recovery" in plain(log.log_explain(failing, VIEW))


@pytest.mark.parametrize(
    ("environ", "encoding", "utf8_mode", "letters"),
    [
        ({"LANG": "C.UTF-8"}, "UTF-8", False, False),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "UTF-8", True, True),
        ({"LC_ALL": "C"}, "ANSI_X3.4-1968", True, True),
        ({"LANG": "de_DE.ISO-8859-1"}, "ISO-8859-1", False, True),
        ({"PYTHONUTF8": "1", "LANG": "C.UTF-8"}, "UTF-8", True, False),
        ({"HEALTHDESK_ASCII": "1"}, "UTF-8", False, True),
        ({"HEALTHDESK_ASCII": "0", "LC_ALL": "C"}, "ANSI_X3.4-1968", True, False),
    ],
)
def test_glyphs_are_letters_where_the_locale_is_not_utf8(
    environ: dict[str, str], encoding: str, utf8_mode: bool, letters: bool
):
    assert wants_ascii(environ, encoding, utf8_mode=utf8_mode) is letters


async def test_accounts_show_the_worst_thing_as_a_number():
    rows = await FakeDesk().accounts()
    assert accounts.account_cells(rows[0], VIEW)[4].text == "✗ 12 / 40"
    assert accounts.account_cells(rows[1], VIEW)[4].text == "✗ 131 rec"
    assert accounts.account_cells(rows[2], VIEW)[3].text == "Checking again 2/3"
    assert accounts.account_cells(rows[0], VIEW)[2].text == "Jira · ops@acme.io"
    assert accounts.account_cells(rows[1], VIEW)[2].text == "crm.acme.io"
    assert "the credential" in plain(accounts.account_explain(rows[0], VIEW)).lower()
    assert [row.id for row in rows if accounts.keep_account(row, {"state": "trouble"})] == [
        "con_jira",
        "int_crm",
        "con_git",
    ]
    assert rows[4].state is ConnectionState.UNKNOWN


def test_chips_become_the_filter_of_the_api():
    chosen = log_filters.record_filter(
        {"source": "sleep", "state": "failed", "environment": "testing", "when": "24h"}, VIEW
    )
    assert chosen.states == [RecordState.FAILED]
    assert chosen.source == "sleep"
    assert chosen.environment == "testing"
    assert chosen.arrived_from == NOW - timedelta(days=1)
    assert log_filters.record_filter({}, VIEW) == RecordFilter()


def test_a_range_of_days_is_whole_days_of_the_operators_zone():
    view = times.View(NOW, ZoneInfo("Asia/Tokyo"))
    begin, end = filters.when_range({"when": "2026-11-20/2026-11-21"}, view)
    assert begin is not None
    assert end is not None
    assert (end - begin) == timedelta(days=2)
    assert begin.hour == 15


@pytest.mark.parametrize(("first", "last"), [("22.11.", ""), ("2026-11-22", "2026-11-20")])
def test_wrong_days_are_refused(first: str, last: str):
    assert filters.custom_range(first, last) is None


async def test_the_plan_of_a_resend_names_groups_filter_and_open_problems():
    plan = await FakeDesk().job_plan(RecordFilter())
    told = plain(resend.plan_lines(plan, "failed · production", VIEW))
    assert "failed · production" in told
    assert "127  422 risk_level is required  ← problem still open" in told
    assert "3  already delivered (skipped)" in told


def test_columns_give_way_at_80_cells_and_come_back_at_160():
    columns = log.log_columns(VIEW)
    narrow = [slot.column.title for slot in lay_out(columns, 78)]
    assert "Tries" in narrow
    assert "Level" not in narrow
    assert sum(slot.width for slot in lay_out(columns, 78)) + len(narrow) - 1 <= 78
    source = next(slot.width for slot in lay_out(columns, 78) if slot.column.title == "Source")
    assert source >= len("Diabetes risk")
    beside_the_preview = {slot.column.title: slot.width for slot in lay_out(columns, 101)}
    assert beside_the_preview["Integration"] >= len("CRM endpoint")
    assert beside_the_preview["Source"] >= len("Diabetes risk")


@pytest.mark.parametrize("context", CONTEXTS)
def test_footers_have_at_most_seven_keys_and_no_key_two_meanings(context: str):
    assert 1 <= len(footer_of(context)) <= 7
    assert footer_of(context)[-1].id == "help"
    keys = [action.key for action in actions_of(context)]
    assert len(keys) == len(set(keys))


def test_members_only_read():
    assert not allowed(Role.MEMBER, Role.MANAGER)
    assert allowed(Role.ADMINISTRATOR, Role.MANAGER)


async def test_the_top_line_says_the_worst_thing_and_the_banner_counts_down():
    status = await FakeDesk().status()
    assert "131 records failed" in plain([left_line(status, LIVE, "")])
    assert any(tab.count == "4" for tab in area_tabs(status))
    lost = Link(live=False, since=NOW, retry_at=NOW + timedelta(seconds=4))
    assert "since 14:05:00, retry in 4 s" in plain(banner_lines(lost, VIEW))
    assert banner_lines(LIVE, VIEW) == []
