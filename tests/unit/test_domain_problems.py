"""Failures with one cause fold into one problem; it opens, is told and clears as operators expect."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.exchange import Exchange, Failure, Sent, TransportError
from healthdesk.domain.outcome import judge_check, judge_response
from healthdesk.domain.problems import (
    ProblemChange,
    ProblemFacts,
    ProblemKey,
    announces,
    key_for_connection,
    key_for_delivery,
    on_cleared,
    on_failure,
    on_tick,
)
from healthdesk.domain.states import AlertEvent, Blame, Environment, ErrorKind, ProblemState

NOW = datetime(2025, 11, 22, 14, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
P = ProblemState


def refusal(status: int, body: object = "", data: object = None) -> Failure:
    exchange = Exchange("POST", "u", {}, NOW, 1.0, status, {}, json.dumps(body).encode())
    failure = judge_response(exchange, data)
    assert failure is not None
    return failure


def unanswered(kind: ErrorKind, sentence: str = "no answer") -> Failure:
    failure = judge_response(
        Exchange("POST", "u", {}, NOW, 1.0, error=TransportError(kind, Sent.NO, sentence)), None
    )
    assert failure is not None
    return failure


def key(
    failure: Failure, integration: str = "int_1", environment: Environment = Environment.PRODUCTION
) -> ProblemKey:
    return key_for_delivery(failure, integration, environment, "con_1", "CRM", "alice")


def prints(failures: list[Failure]) -> set[str]:
    return {key(failure).fingerprint for failure in failures}


NAMES = ["John Smith", "jane", "Li", "O'Neil", "no", "required", "Ana María", "12345", "risk", "a"]


def test_127_records_without_a_risk_level_are_one_problem() -> None:
    failures = [
        refusal(
            422,
            {"message": "risk_level is required"},
            {"name": NAMES[i % 10], "score": i, "note": f"note {i}"},
        )
        for i in range(127)
    ]
    assert len(prints(failures)) == 1
    assert key(failures[0]).cause == "422 risk_level is required"


def test_another_missing_field_another_status_integration_or_environment_is_another_problem() -> None:
    risk = refusal(422, {"message": "risk_level is required"})
    keys = {
        key(risk).fingerprint,
        key(refusal(422, {"message": "consent is required"})).fingerprint,
        key(refusal(400, {"message": "risk_level is required"})).fingerprint,
        key(risk, "int_2").fingerprint,
        key(risk, environment=Environment.TESTING).fingerprint,
        key(refusal(422, {"message": "risk_level is too high"})).fingerprint,
    }
    assert len(keys) == 6


@pytest.mark.parametrize(
    "shape",
    [
        "Participant {name} was not found",
        "participant {name} was not found",
        "Participant '{name}' was not found",
        'User "{name}" has score {score}',
        "{name}: score {score} is too high",
        "record 7f{score}ab-{score} exists since 2025-11-{score}",
        "req_{score}: duplicate key value ({name}, {score})",
        "see https://crm.acme.io/trace/{score}{score}",
        "contact {score}@example.org",
    ],
)
def test_what_varies_between_records_does_not_split_a_problem(shape: str) -> None:
    failures = []
    for i, name in enumerate(
        ["John Smith", "jane", "Li", "O'Neil", "Ana María", "12345", "X Æ A-12", "jsmith99"]
    ):
        score = 10 + i
        data = {"name": name, "score": score, "smoker": ["yes", "no"][i % 2]}
        failures.append(refusal(422, {"message": shape.format(name=name, score=score)}, data))
    assert len(prints(failures)) == 1


def test_a_name_that_is_not_written_as_in_the_record_does_not_split_a_problem() -> None:
    said = ["Participant Johnson was not found", "Participant Miller was not found"]
    assert len(prints([refusal(422, {"message": message}, {"id": 7}) for message in said])) == 1


def test_one_missing_field_is_one_problem_however_it_is_said() -> None:
    bodies: list[object] = [
        {"message": "risk_level is required"},
        {"errors": {"risk_level": ["can't be blank"]}},
        {"errors": {"risk_level": ["is required"], "consent": ["is required"]}},
        {"detail": [{"loc": ["body", "Risk_Level"], "msg": "Field required", "type": "missing"}]},
    ]
    assert len(prints([refusal(422, body) for body in bodies])) == 1


def test_answers_that_happen_to_be_words_of_the_message_do_not_split_a_problem() -> None:
    answers = ["no", "yes", "not", "must be", "high", "is", "value", "true", "Too High"]
    failures = [
        refusal(422, {"message": "value is too high, not valid"}, {"answer": answer}) for answer in answers
    ]
    assert len(prints(failures)) <= 2


def test_the_noise_of_a_failing_server_is_one_problem() -> None:
    assert len(prints([refusal(500, {"message": f"{name} at line x of y"}) for name in NAMES])) == 1
    assert prints([refusal(500)]) != prints([refusal(503)])
    assert key(refusal(500, {"message": "boom"})).cause == "500 Internal Server Error"


def test_an_answer_that_is_not_what_was_asked_for_is_not_called_ok() -> None:
    check = judge_check(Exchange("GET", "u", {}, NOW, 1.0, 204), 200)
    assert check is not None
    assert (
        key_for_connection(check, "con_1", "CRM", "alice").cause == "204 No Content, not what was asked for"
    )


def test_different_refusals_are_different_problems() -> None:
    messages = [
        "record exists already",
        "consent was withdrawn",
        "score out of range",
        "duplicate submission",
    ]
    assert len(prints([refusal(422, {"message": message}) for message in messages])) == 4


REACHABILITY = [
    ErrorKind.DNS,
    ErrorKind.CONNECT_TIMEOUT,
    ErrorKind.CONNECTION_REFUSED,
    ErrorKind.TLS,
    ErrorKind.ADDRESS_BLOCKED,
]


def test_a_refused_credential_folds_under_the_connection_with_its_heartbeat() -> None:
    delivery = key(refusal(401, {"message": "token expired"}))
    other = key(refusal(401), "int_2", Environment.TESTING)
    check = judge_check(Exchange("GET", "u", {}, NOW, 1.0, 401), 200)
    assert check is not None
    connection = key_for_connection(check, "con_1", "CRM", "alice")
    assert delivery.fingerprint == other.fingerprint == connection.fingerprint
    assert (delivery.integration_id, delivery.environment, delivery.connection_id) == (None, None, "con_1")
    assert delivery.cause == connection.cause == "credential refused (401)"
    assert (delivery.owner, delivery.where) == ("alice", "CRM")
    assert key_for_connection(check, "con_2", "CRM", "alice").fingerprint != connection.fingerprint


@pytest.mark.parametrize("kind", REACHABILITY)
def test_an_unreachable_host_folds_under_the_connection_with_its_heartbeat(kind: ErrorKind) -> None:
    delivery = key(unanswered(kind, "one sentence"))
    connection = key_for_connection(unanswered(ErrorKind.CONNECT_TIMEOUT), "con_1", "CRM", "alice")
    assert delivery.fingerprint == connection.fingerprint
    assert (delivery.integration_id, delivery.connection_id) == (None, "con_1")


@pytest.mark.parametrize("kind", sorted(set(ErrorKind) - {*REACHABILITY, ErrorKind.AUTHENTICATION}))
def test_everything_else_is_the_integrations(kind: ErrorKind) -> None:
    made = key(replace(unanswered(ErrorKind.TIMEOUT), kind=kind))
    assert (made.integration_id, made.environment, made.connection_id) == (
        "int_1",
        Environment.PRODUCTION,
        "con_1",
    )
    assert made.where == ""


def test_an_outage_of_a_connection_is_one_problem_while_its_errors_change() -> None:
    kinds = [
        ErrorKind.TIMEOUT,
        ErrorKind.SERVER_ERROR,
        ErrorKind.DNS,
        ErrorKind.RESET,
        ErrorKind.RATE_LIMITED,
    ]
    made = {
        key_for_connection(replace(unanswered(kind), kind=kind), "con_1", "CRM", "a").fingerprint
        for kind in kinds
    }
    assert len(made) == 1
    wrong = judge_check(Exchange("GET", "u", {}, NOW, 1.0, 204), 200)
    assert wrong is not None
    assert key_for_connection(wrong, "con_1", "CRM", "a").fingerprint not in made


def test_a_failure_without_a_pattern_folds_by_its_sentence() -> None:
    plain = Failure(ErrorKind.REFUSED, Blame.THEM, True, "code 12 of 'x'", "s", "n", Sent.YES, 422)
    assert prints([plain, replace(plain, sentence="code 13 of 'y'")]) == prints([plain])
    assert prints([plain, replace(plain, sentence="something else")]) != prints([plain])


PERMANENT = key(refusal(422))
PASSING = key(refusal(500))


def facts(state: ProblemState, **known: object) -> ProblemFacts:
    base = ProblemFacts(state, 1, NOW - MINUTE, opened_before=state != P.FORMING)
    return replace(base, **known)


def test_a_permanent_refusal_opens_at_once_and_is_told() -> None:
    change = on_failure(None, PERMANENT, NOW, 1)
    assert change == ProblemChange(P.OPEN, NOW, opened=True, announced=True, announce=AlertEvent.OPENED)


def test_a_passing_failure_forms_until_three_attempts_of_one_record() -> None:
    assert on_failure(None, PASSING, NOW, 1) == ProblemChange(P.FORMING, NOW)
    second = on_failure(facts(P.FORMING), PASSING, NOW, 2)
    assert (second.state, second.since, second.announce) == (P.FORMING, NOW - MINUTE, None)
    third = on_failure(facts(P.FORMING), PASSING, NOW, 3)
    assert (third.state, third.since, third.announce) == (P.OPEN, NOW - MINUTE, AlertEvent.OPENED)


def test_five_minutes_of_failing_open_it_by_failure_or_by_time() -> None:
    old = facts(P.FORMING, first_failed_at=NOW - 5 * MINUTE)
    young = facts(P.FORMING, first_failed_at=NOW - 5 * MINUTE + timedelta(seconds=1))
    assert on_failure(old, PASSING, NOW, 1).opened
    assert not on_failure(young, PASSING, NOW, 1).opened
    ticked = on_tick(old, NOW)
    assert ticked is not None
    assert (ticked.opened, ticked.announce) == (True, AlertEvent.OPENED)
    assert on_tick(young, NOW) is None
    assert on_tick(replace(old, count=0), NOW) is None


def test_a_forming_problem_that_cleared_vanishes_and_starts_afresh() -> None:
    cleared = on_cleared(facts(P.FORMING, count=0), NOW)
    assert cleared is not None
    assert (cleared.vanished, cleared.resolved, cleared.announce) == (True, False, None)
    dormant = facts(P.FORMING, count=0, first_failed_at=NOW - 60 * MINUTE)
    assert on_failure(dormant, PASSING, NOW, 1) == ProblemChange(P.FORMING, NOW)


@pytest.mark.parametrize("state", [P.OPEN, P.ACKNOWLEDGED])
def test_more_of_the_same_says_nothing_new(state: ProblemState) -> None:
    change = on_failure(facts(state, announced=True), PERMANENT, NOW, 8)
    assert (change.state, change.announce, change.announced) == (state, None, True)
    assert not change.opened
    assert not change.reopened


def test_a_resolved_problem_reopens_by_the_same_rule() -> None:
    resolved = facts(P.RESOLVED, count=1)
    change = on_failure(resolved, PERMANENT, NOW, 1)
    assert (change.state, change.reopened, change.opened) == (P.OPEN, True, False)
    assert (change.since, change.announce) == (NOW, AlertEvent.REOPENED)
    hiccup = on_failure(resolved, PASSING, NOW, 1)
    assert (hiccup.state, hiccup.since, hiccup.announce) == (P.FORMING, NOW, None)
    again = facts(P.FORMING, opened_before=True)
    assert on_failure(again, PASSING, NOW, 3).announce is AlertEvent.REOPENED
    back = on_cleared(replace(again, count=0), NOW)
    assert back is not None
    assert (back.state, back.vanished, back.announce) == (P.RESOLVED, False, None)


@pytest.mark.parametrize("state", [P.OPEN, P.ACKNOWLEDGED])
def test_recovery_is_told_to_whom_the_opening_was_told(state: ProblemState) -> None:
    told = on_cleared(facts(state, count=0, announced=True), NOW)
    untold = on_cleared(facts(state, count=0), NOW)
    assert told is not None
    assert untold is not None
    assert (told.state, told.resolved, told.announced, told.announce) == (
        P.RESOLVED,
        True,
        False,
        AlertEvent.RECOVERED,
    )
    assert (untold.state, untold.announce) == (P.RESOLVED, None)


@pytest.mark.parametrize("state", list(P))
def test_what_still_holds_something_up_is_not_cleared(state: ProblemState) -> None:
    assert on_cleared(facts(state), NOW) is None
    assert on_cleared(facts(state, count=0, connection_failing=True), NOW) is None


def test_a_muted_problem_says_nothing_until_the_mute_ends() -> None:
    muted = facts(P.FORMING, muted_until=NOW + MINUTE)
    change = on_failure(muted, PERMANENT, NOW, 1)
    assert (change.state, change.opened, change.announce, change.announced) == (P.OPEN, True, None, False)
    opened = facts(P.OPEN, muted_until=NOW + MINUTE)
    assert on_tick(opened, NOW) is None
    later = on_tick(opened, NOW + MINUTE)
    assert later is not None
    assert (later.state, later.announce, later.announced) == (P.OPEN, AlertEvent.OPENED, True)
    assert on_tick(replace(opened, announced=True), NOW + MINUTE) is None
    recovered = on_cleared(facts(P.OPEN, count=0, announced=True, muted_until=NOW + MINUTE), NOW)
    assert recovered is not None
    assert recovered.announce is None


def test_an_acknowledged_problem_tells_only_its_recovery() -> None:
    known = facts(P.ACKNOWLEDGED, announced=True)
    told = {event for event in AlertEvent if announces(known, NOW, event)}
    assert told == {AlertEvent.RECOVERED}
    assert not any(announces(replace(known, muted_until=NOW + MINUTE), NOW, event) for event in AlertEvent)


@given(
    st.lists(
        st.tuples(st.sampled_from(["fail", "refuse", "clear", "tick", "ack", "mute"]), st.integers(0, 400)),
        max_size=40,
    )
)
def test_openings_and_recoveries_told_alternate(steps: list[tuple[str, int]]) -> None:
    known: ProblemFacts | None = None
    told: list[AlertEvent] = []
    now, tries = NOW, 0
    for step, seconds in steps:
        now += timedelta(seconds=seconds)
        change: ProblemChange | None = None
        if step in {"fail", "refuse"}:
            tries += 1
            count = 1 if known is None else known.count + 1
            known = replace(known, count=count) if known else None
            change = on_failure(known, PASSING if step == "fail" else PERMANENT, now, tries)
            known = known or ProblemFacts(P.FORMING, count, now)
        elif known is not None and step == "clear":
            known, tries = replace(known, count=0), 0
            change = on_cleared(known, now)
        elif known is not None and step == "tick":
            change = on_tick(known, now)
        elif known is not None and step == "ack" and known.state is P.OPEN:
            known = replace(known, state=P.ACKNOWLEDGED)
        elif known is not None and step == "mute":
            known = replace(known, muted_until=now + timedelta(seconds=300))
        if change is None or known is None:
            continue
        if change.announce:
            told.append(change.announce)
        assert not (change.opened and change.reopened)
        known = replace(
            known,
            state=change.state,
            first_failed_at=change.since,
            announced=change.announced,
            opened_before=known.opened_before or change.opened or change.reopened,
        )
        if change.vanished:
            known = None
    openings = {AlertEvent.OPENED, AlertEvent.REOPENED}
    assert all(event in openings for event in told[:1])
    for event, following in itertools.pairwise(told):
        # a recovery that was muted is not told, so an opening may follow an opening; a recovery never a recovery
        assert event in openings or following in openings
