"""An alert says what, how many, why, since when, whose fault and what to type; and nothing of a record."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.alerts import AlertFacts, render_alert, render_offline, render_test
from healthdesk.domain.exchange import Exchange
from healthdesk.domain.outcome import judge_response
from healthdesk.domain.problems import key_for_delivery
from healthdesk.domain.states import AlertEvent, Blame, Environment, ErrorKind

NOW = datetime(2025, 11, 22, 14, 2, tzinfo=UTC)
FACTS = AlertFacts(
    problem_id="prb_01JDZ6",
    where="CRM endpoint",
    environment=Environment.PRODUCTION,
    safe_cause="The endpoint refused the record: a required field is missing (422, field risk_level)",
    status=422,
    count=1127,
    since=NOW - timedelta(days=1, hours=2, minutes=42),
    at=NOW,
    blame=Blame.CONFIGURATION,
    next_action="Fill the field, then resend",
    owner="alice",
)


def test_an_opening_says_everything() -> None:
    title, body = render_alert(AlertEvent.OPENED, FACTS)
    assert title == "CRM endpoint (production): failing, 1,127 records"
    assert body.splitlines() == [
        "What: 1,127 records of CRM endpoint (production) not delivered",
        "Why: The endpoint refused the record: a required field is missing (422, field risk_level)",
        "Since: 2025-11-21 11:20 UTC (1 d 2 h 42 min)",
        "At fault: the configuration: the form, the mapping or the address",
        "Next: Fill the field, then resend",
        "Owner: alice",
        "",
        "Open it: healthdesk problems show prb_01JDZ6",
    ]


def test_a_reopening_says_so() -> None:
    title, _ = render_alert(AlertEvent.REOPENED, replace(FACTS, count=1))
    assert title == "CRM endpoint (production): failing again, 1 record"


def test_a_recovery_says_how_long_and_how_many() -> None:
    title, body = render_alert(AlertEvent.RECOVERED, replace(FACTS, count=0, total=131))
    assert title == "CRM endpoint (production): recovered"
    assert "From 2025-11-21 11:20 UTC to 2025-11-22 14:02 UTC (1 d 2 h 42 min)" in body
    assert "131" in body
    assert "healthdesk problems show prb_01JDZ6" in body


@pytest.mark.parametrize(
    ("count", "retrying", "words"),
    [
        (0, 0, "CRM endpoint (production) fails; no record waits for it so far"),
        (1, 1, "1 record of CRM endpoint (production) not delivered; it is tried again"),
        (3, 3, "3 records of CRM endpoint (production) not delivered; they are tried again"),
        (3, 1, "3 records of CRM endpoint (production) not delivered; 1 of them tried again"),
    ],
)
def test_how_many(count: int, retrying: int, words: str) -> None:
    _, body = render_alert(AlertEvent.OPENED, replace(FACTS, count=count, retrying=retrying))
    assert body.startswith(f"What: {words}\n")


@pytest.mark.parametrize(
    ("count", "retrying", "held", "words"),
    [
        (0, 0, 64, "64 records of CRM not delivered; they are held until it works again"),
        (0, 0, 1, "1 record of CRM not delivered; it is held until it works again"),
        (2, 0, 62, "64 records of CRM not delivered; 62 of them held until it works again"),
        (
            2,
            1,
            62,
            "64 records of CRM not delivered; 1 of them tried again; 62 of them held until it works again",
        ),
    ],
)
def test_what_waits_behind_a_connection_is_counted(count: int, retrying: int, held: int, words: str) -> None:
    facts = replace(FACTS, where="CRM", environment=None, count=count, retrying=retrying, held=held)
    title, body = render_alert(AlertEvent.REOPENED, facts)
    assert title == f"CRM: failing again, {'1 record' if count + held == 1 else '64 records'}"
    assert body.startswith(f"What: {words}\n")


def test_failed_tasks_are_called_tasks_and_what_they_say_is_not_told() -> None:
    facts = replace(
        FACTS, where="Jira tasks", environment=None, count=3, unit="task", safe_cause="Refused (400)", total=4
    )
    title, body = render_alert(AlertEvent.OPENED, facts)
    assert title == "Jira tasks: failing, 3 tasks"
    assert body.startswith("What: 3 tasks of Jira tasks failed\nWhy: Refused (400)\n")
    _, body = render_alert(AlertEvent.RECOVERED, replace(facts, count=0))
    assert "\nTasks it held up: 4\n" in body
    assert "record" not in body
    title, _ = render_alert(AlertEvent.OPENED, replace(facts, unit="proof", count=1))
    assert title == "Jira tasks: failing, 1 proof sync"


def test_a_connection_says_what_it_blocks_and_at_its_end_what_was_repaired() -> None:
    facts = replace(FACTS, where="Jira", environment=None, count=0, blocked={"task": 11, "proof": 2})
    title, body = render_alert(AlertEvent.OPENED, facts)
    assert title == "Jira: failing, 11 tasks and 2 proof syncs"
    assert body.startswith("What: Jira fails; 11 tasks and 2 proof syncs blocked until it works again\n")
    title, body = render_alert(AlertEvent.OPENED, replace(facts, held=5))
    assert title == "Jira: failing, 5 records, 11 tasks and 2 proof syncs"
    assert "held until it works again; 11 tasks and 2 proof syncs blocked" in body
    _, body = render_alert(
        AlertEvent.RECOVERED, replace(facts, blocked={}, repaired={"task": 11, "proof": 1})
    )
    assert "\nRepaired: 11 tasks are synced again, 1 proof sync is collected again\n" in body


def test_a_connection_has_no_environment() -> None:
    title, _ = render_alert(AlertEvent.OPENED, replace(FACTS, environment=None, count=0, since=NOW))
    assert title == "CRM endpoint: failing"


@given(st.text(max_size=300), st.sampled_from(AlertEvent), st.sampled_from(Blame))
def test_names_cannot_break_the_message(name: str, event: AlertEvent, blame: Blame) -> None:
    title, body = render_alert(event, replace(FACTS, where=name, owner=name, safe_cause=name, blame=blame))
    assert title.isprintable()
    assert len(title) < 200
    assert all(line.isprintable() for line in body.split("\n"))
    title.encode()
    body.encode()


def test_a_test_message_names_its_channel() -> None:
    title, body = render_test("Ops mail", NOW)
    assert "test" in title
    assert "Ops mail" in body
    assert render_alert(AlertEvent.TEST, FACTS)[0] == title


LEAF = st.text(min_size=1, max_size=12) | st.integers() | st.booleans()


def alert_for(said: object, status: int, data: object) -> tuple[str, str, str]:
    exchange = Exchange("POST", "u", {}, NOW, 1.0, status, {}, json.dumps(said).encode())
    failure = judge_response(exchange, data)
    assert failure is not None
    key = key_for_delivery(failure, "int_1", Environment.PRODUCTION, "con_1", "CRM", "alice")
    told = replace(FACTS, safe_cause=key.safe_cause, next_action=key.next_action, status=key.status)
    return failure.kind.value, *render_alert(AlertEvent.OPENED, told)


@given(
    first=st.dictionaries(st.sampled_from(["a", "b"]), LEAF, min_size=1),
    second=st.dictionaries(st.sampled_from(["a", "b"]), LEAF, min_size=1),
    shape=st.sampled_from(
        ["{} is required", "unknown {}", "'{}'", "{}", "field {} is missing, {}", "missing: {}"]
    ),
    status=st.sampled_from([400, 401, 404, 422, 500]),
    as_key=st.booleans(),
)
def test_alerts_of_two_records_that_fail_the_same_way_are_the_same(
    first: dict[str, object], second: dict[str, object], shape: str, status: int, as_key: bool
) -> None:
    alerts = []
    for data in (first, second):
        value = str(next(iter(data.values())))
        said = shape.replace("{}", value)
        body = {"errors": {value: [said]}} if as_key else {"message": said}
        alerts.append(alert_for(body, status, data))
    (one_kind, *one), (other_kind, *other) = alerts
    # a value may read like a sentence about a missing field; then the kinds, and only those, differ
    assert one_kind != other_kind or one == other


STANDING = replace(
    FACTS,
    where="Okta",
    environment=None,
    status=None,
    count=0,
    blame=Blame.CREDENTIAL,
    next_action="Renew it",
)


def test_an_expiry_says_the_days_in_its_title_and_counts_no_records() -> None:
    facts = replace(STANDING, kind=ErrorKind.EXPIRING, safe_cause="Token expires in 6 days")
    title, body = render_alert(AlertEvent.REOPENED, facts)
    assert title == "Okta: token expires in 6 days"
    assert body.splitlines() == [
        "What: Token expires in 6 days",
        "At fault: the credential of the connection",
        "Next: Renew it",
        "Owner: alice",
        "",
        "Open it: healthdesk problems show prb_01JDZ6",
    ]
    title, body = render_alert(AlertEvent.RECOVERED, facts)
    assert title == "Okta: the credential does not end soon any more"
    assert "records" not in body


@pytest.mark.parametrize(
    ("kind", "opened", "over"),
    [
        (ErrorKind.FLAPPING, "Okta: goes to and fro", "Okta: quiet again"),
        (
            ErrorKind.DRIFT,
            "Okta: the credential is another one",
            "Okta: the credential is what it should be",
        ),
    ],
)
def test_what_stands_is_called_what_it_is(kind: ErrorKind, opened: str, over: str) -> None:
    facts = replace(STANDING, kind=kind)
    title, body = render_alert(AlertEvent.OPENED, facts)
    assert title == opened
    assert "Since: 2025-11-21 11:20 UTC (1 d 2 h 42 min)" in body
    assert render_alert(AlertEvent.RECOVERED, facts)[0] == over


def test_the_time_offline_is_one_sentence_with_what_was_put_off() -> None:
    title, body = render_offline(NOW - timedelta(minutes=20), NOW, 14)
    assert title == "healthdesk: the desk was offline"
    assert body.startswith(
        "The desk was offline from 2025-11-22 13:42 UTC to 2025-11-22 14:02 UTC (20 min); 14 checks were put off."
    )
    assert "1 check was put off." in render_offline(NOW, NOW, 1)[1]
