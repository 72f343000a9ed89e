"""How the health of connections reads, in lists and windows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from healthdesk.api.accounts import AccountRow
from healthdesk.api.desk import Status
from healthdesk.api.problems import ProblemDetail, ProblemRow
from healthdesk.domain.states import ConnectionState, ProblemState
from healthdesk.tui.feed import LIVE
from healthdesk.tui.flows.health import check_ping, ping_fields
from healthdesk.tui.format import Tone, plain
from healthdesk.tui.screens.problems import problem_refusal
from healthdesk.tui.view import accounts, chrome, problems
from healthdesk.tui.view.check import check_head, check_lines
from healthdesk.tui.view.connection import callbacks_word, heartbeat_cells
from healthdesk.tui.view.evidence import evidence_lines
from healthdesk.tui.view.pings import ping_line
from healthdesk.tui.view.times import View
from healthdesk.tui.view.words import connection_label
from tests.harness import wire
from tests.tui.fake_health import NOW, a_ping

VIEW = View(NOW)


def row(**more: Any) -> AccountRow:
    fields: dict[str, Any] = {
        "kind": "connection", "id": "con_1", "app": "Okta", "account": "acme.okta.com", "state": ConnectionState.CONNECTED,
        "state_word": "Connected",
    }  # fmt: skip
    return AccountRow(**(fields | more))


@pytest.mark.parametrize(
    ("more", "glyph", "words"),
    [
        ({}, "●", "Connected"),
        ({"expires_in": "6 days"}, "◷", "Connected · 6 days"),
        ({"expires_in": "less than an hour"}, "◷", "Connected · < 1 hour"),
        ({"flapping": True, "expires_in": "6 days"}, "⚠", "Connected · flapping"),
        ({"drifted": True}, "⚠", "Connected · changed"),
        ({"state": ConnectionState.SUSPECT, "state_word": "Checking again", "suspect_checks": 2}, "↻", "Checking again 2/3"),
        ({"state": ConnectionState.UNKNOWN, "state_word": "Waiting for first ping"}, "○", "Waiting for first ping"),
        ({"state": ConnectionState.FAILING, "state_word": "Late"}, "✗", "Late"),
        ({"state": ConnectionState.FAILING, "state_word": "Connection failure", "flapping": True}, "✗", "Connection failure"),
    ],
)  # fmt: skip
def test_status_of_an_account_is_glyph_and_words(more: dict[str, Any], glyph: str, words: str):
    cells = accounts.account_cells(row(**more), VIEW)
    assert (cells[0].text, cells[3].text) == (glyph, words)
    assert len(words) <= accounts.ACCOUNT_COLUMNS[3].width


@pytest.mark.parametrize(
    ("app", "name", "account", "label"),
    [
        ("GitHub", "GitHub · acme-bot", "acme-bot", "acme-bot"),
        ("GitHub", "GitHub", "acme-bot", "acme-bot"),
        ("Jira Cloud", "acme", "ops@acme.io", "acme · ops@acme.io"),
        ("GitLab", "GitLab production", "", "production"),
    ],
)
def test_nothing_is_told_twice_beside_the_app(app: str, name: str, account: str, label: str):
    assert connection_label(app, name, account) == label


def problem(kind: str, **more: Any) -> ProblemRow:
    fields: dict[str, Any] = {
        "id": "prb_1", "state": ProblemState.OPEN, "cause": "token expires in 6 days", "kind": kind, "blame": "credential",
        "next_action": "Make a new token", "where": "Okta", "connection_id": "con_1", "count": 0, "total": 0,
        "since": NOW - timedelta(hours=2), "last_at": NOW,
    }  # fmt: skip
    return ProblemRow(**(fields | more))


@pytest.mark.parametrize(
    ("kind", "glyph", "told"),
    [
        ("expiring", "⚠", "Warned of since 12:05"),
        ("drift", "⚠", "Changed since 12:05"),
        ("flapping", "⚠", "To and fro since 12:05"),
        ("offline", "⚠", "Offline since 12:05"),
        ("late", "✗", "Last at 14:05"),
        ("authentication", "✗", "Last at 14:05"),
    ],
)
def test_warnings_among_problems_have_their_glyph(kind: str, glyph: str, told: str):
    cells = problems.problem_cells(problem(kind), VIEW)
    assert (cells[0].text, cells[0].tone) == (glyph, Tone.WARN if glyph == "⚠" else Tone.BAD)
    assert cells[2].text == "–"
    assert plain(problems.problem_explain(problem(kind), VIEW)[:1]).startswith(told)
    assert plain(problems.problem_head(problem(kind), VIEW)).startswith(f"{glyph} token expires in 6 days")
    resolved = problem(kind, state=ProblemState.RESOLVED)
    assert problems.problem_cells(resolved, VIEW)[0].text == "✓"


def test_a_standing_problem_leads_to_its_connection_and_holds_up_no_record():
    shown = ProblemDetail(**problem("drift").model_dump())
    assert "o opens the connection" in plain(problems.evidence_lines(shown, VIEW))
    assert problem_refusal("connection", shown) == ""
    assert problem_refusal("log", shown) == "it holds up no record"
    assert problem_refusal("connection", problem("missing_field", connection_id=None))
    assert problem_refusal("log", problem("missing_field", total=3)) == ""


def test_an_offline_desk_says_so_in_a_banner_and_red_on_top():
    status = Status(**(wire.status().model_dump() | {"offline_since": NOW - timedelta(minutes=9)}))
    told = plain(chrome.banner_lines(LIVE, VIEW, status))
    assert "reaches no other host since 13:56" in told
    assert chrome.left_line(status, LIVE, "")[-1].tone is Tone.BAD
    assert chrome.banner_lines(LIVE, VIEW, wire.status()) == []


@pytest.mark.parametrize("width", [76, 156])
def test_evidence_without_a_bad_check_shows_the_good_one(width: int):
    whole = wire.evidence(first_bad=None, differences=[], sentence="Nothing is wrong.", comparison="")
    told = plain(evidence_lines(whole, VIEW, width))
    assert told.startswith("Nothing is wrong.")
    assert "Last good  200" in told
    assert "First bad" not in told
    nothing = wire.evidence(first_bad=None, last_good=None, differences=[])
    assert "No check is kept yet." in plain(evidence_lines(nothing, VIEW, width))


def test_evidence_names_what_it_is_by_now():
    latest = wire.check_evidence(id="hbt_9", status=503, sentence="CRM answered 503.")
    told = plain(evidence_lines(wire.evidence(latest=latest), VIEW, 156))
    assert "By now: 503" in told
    assert "CRM answered 503." in told


def test_evidence_beside_each_other_fits_its_width_with_wide_characters():
    wide = "ログイン" * 60
    bad = wire.check_evidence(response_body=wide, url="https://crm.example/" + "a" * 300)
    for item in evidence_lines(wire.evidence(first_bad=bad), VIEW, 120)[3:]:
        assert len(plain([item]).rstrip()) <= 120


def test_pings_tell_what_came_last_and_when_one_is_late():
    assert plain([ping_line(a_ping(), VIEW)]) == "every 1h, 5m grace · none came yet · late at 15:10"
    failed = a_ping(last_at=NOW, last_kind="fail", due_at=None)
    assert plain([ping_line(failed, VIEW)]) == "every 1h, 5m grace · last 14:05: it failed · late by now"
    nightly = a_ping(
        schedule={"cron": "0 3 * * *", "zone": "Europe/Berlin"}, last_at=NOW, last_kind="success"
    )
    assert "0 3 * * * (Europe/Berlin), 5m grace · last 14:05: all is well" in plain(
        [ping_line(nightly, VIEW)]
    )


@pytest.mark.parametrize(
    ("every", "why"),
    [("1h", ""), ("59s", "is 1m to 366d"), ("367d", "is 1m to 366d"), ("soon", "is a length of time")],
)
def test_lengths_of_time_are_checked_before_they_are_sent(every: str, why: str):
    wrong = check_ping({"kind": "every", "every": every, "grace": "5m"}).get("every", "")
    assert wrong.startswith(why)
    assert bool(wrong) == bool(why)


def test_a_push_heartbeat_is_asked_for_as_it_is():
    shown = {field.name: field.value for field in ping_fields(a_ping(grace_s=90), "UTC")}
    assert (shown["kind"], shown["every"], shown["grace"]) == ("every", "1h", "90s")


def test_a_check_by_a_ping_names_no_request():
    ping = wire.check_evidence(
        trigger="ping", url="", method="POST", status=None, response_body="", response_headers={}
    )
    assert plain(check_lines(ping)) == "The job pinged this desk with POST."
    late = ping.model_copy(update={"method": ""})
    assert plain(check_lines(late)) == "No ping came in time."
    put_off = wire.check_evidence(kind="offline", status=None)
    assert plain(check_head(put_off, VIEW)).startswith("· Put off")
    assert heartbeat_cells(put_off, VIEW)[0].tone is Tone.DIM
    assert heartbeat_cells(late, VIEW)[0].text == "✗"


def test_evidence_does_not_repeat_what_stands_above_it():
    found = wire.evidence()
    assert plain(evidence_lines(found, VIEW, 76)).startswith(found.sentence)
    assert found.sentence not in plain(evidence_lines(found, VIEW, 76, said=found.sentence))


def test_headers_that_differ_between_any_two_answers_are_left_out():
    good = wire.check_evidence(
        ok=True, sentence="", response_headers={"Date": "1", "x-request-id": "a", "Server": "nginx"}
    )
    bad = wire.check_evidence(response_headers={"date": "2", "x-request-id": "b", "Server": "proxy"})
    told = plain(evidence_lines(wire.evidence(last_good=good, first_bad=bad, differences=[]), VIEW, 156))
    assert "server" in told
    assert "x-request-id" not in told


@pytest.mark.parametrize(
    ("scheme", "hint", "word"),
    [
        ("none", "", "not verified"),
        ("github", "••••2345", "github ••••2345"),
        ("github", "", "github, rejected: no secret"),
        ("asana", "", "asana, waits for its secret"),
    ],
)
def test_what_becomes_of_callbacks_without_a_secret_is_said(scheme: str, hint: str, word: str):
    shown = wire.connection(verification={"scheme": scheme}, callback_secret_hint=hint)
    assert callbacks_word(shown) == word
