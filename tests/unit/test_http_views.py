"""What operators read: explanations, the rows of the Connections area, the sentence on top. Pure rows in and out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.api.accounts import AccountRow
from healthdesk.api.records import OperatorRecordCreate
from healthdesk.domain.advice import next_action
from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.pings import late
from healthdesk.domain.rawjson import split_record
from healthdesk.domain.states import (
    Blame,
    ConnectionState,
    Environment,
    ErrorKind,
    HoldReason,
    IntegrationKind,
    IntegrationState,
    OnUnknown,
    ProblemState,
    RecordState,
    Trigger,
)
from healthdesk.domain.verdicts import verdict_for_status, verdict_for_transport
from healthdesk.errors import Malformed
from healthdesk.operations.account_groups import accounts_of
from healthdesk.operations.account_rows import account_rows
from healthdesk.operations.accounts import _severity, integration_rows
from healthdesk.operations.evidence import evidence_of
from healthdesk.operations.explain import explain_connection, explain_record, sentence
from healthdesk.operations.posted import data_of, posted_body
from healthdesk.operations.status import worst_first
from healthdesk.store.rows import (
    AttemptRow,
    ConnectionRow,
    EnvironmentRow,
    HeartbeatRow,
    IntegrationRow,
    ProblemRow,
    RecordRow,
    VerificationSettings,
)
from healthdesk.store.rows_health import CheckEvidenceRow

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

REFUSED = Failure(
    kind=ErrorKind.AUTHENTICATION,
    blame=Blame.CREDENTIAL,
    permanent=True,
    sentence="the token was refused (401)",
    safe_sentence="the token was refused (401)",
    next_action="Update the credentials.",
    sent=Sent.YES,
    status=401,
)


def connection(state: ConnectionState = ConnectionState.CONNECTED, **more: Any) -> ConnectionRow:
    row = ConnectionRow(
        id="con_1",
        app="http-endpoint",
        name="CRM",
        account="",
        base_url="https://crm.acme.io/api",
        auth="none",
        credential_hint="",
        owner="alice",
        state=state,
        state_since=NOW,
        judged_by_deliveries=False,
        suspect_checks=0,
        verification=VerificationSettings(),
        callback_secret_hint="",
        created_at=NOW,
        created_by="alice",
    )
    return replace(row, **more)


def connection_rows(
    connections: list[ConnectionRow], names: dict[str, str], now: datetime = NOW
) -> list[AccountRow]:
    return account_rows(accounts_of(connections), lambda app: names.get(app, app), now)


def record(state: RecordState, **more: Any) -> RecordRow:
    row = RecordRow(
        id="rec_1",
        webhook_id="rec_1",
        integration_id="int_1",
        integration_name="CRM endpoint",
        environment=Environment.PRODUCTION,
        source="heart",
        source_name="Heart health",
        level=None,
        completed_at=NOW,
        arrived_at=NOW,
        state=state,
        hold_reason=None,
        tries=1,
        attempts=1,
        first_attempt_at=NOW,
        last_attempt_at=NOW,
        next_attempt_at=None,
        last_status=422,
        last_duration_ms=38.0,
        error_kind="",
        error="risk_level is required",
        problem_id=None,
        sample=False,
    )
    return replace(row, **more)


def attempt(**more: Any) -> AttemptRow:
    from healthdesk.domain.states import AttemptOutcome, Trigger

    row = AttemptRow(
        id="att_1",
        record_id="rec_1",
        number=1,
        trigger=Trigger.FIRST,
        triggered_by="",
        outcome=AttemptOutcome.REFUSED,
        started_at=NOW,
        finished_at=NOW,
        duration_ms=38.4,
        status=422,
        error_kind="missing_field",
        blame="them",
        error="risk_level is required",
        next_action="Mend the mapping.",
        webhook_id="rec_1",
    )
    return replace(row, **more)


def test_a_record_that_is_final_is_not_told_that_it_is_tried_again() -> None:
    last = attempt(status=503, error_kind="server_error", next_action="Nothing now: it is tried again.")
    failed = explain_record(record(RecordState.FAILED), last)
    retrying = explain_record(record(RecordState.RETRYING), last)
    assert failed is not None
    assert retrying is not None
    assert failed.next_action == "No more tries: have the endpoint mended, then resend"
    assert retrying.next_action == "Nothing now: it is tried again."


def test_no_failure_that_may_pass_is_told_that_nothing_is_to_be_done_once_its_tries_are_over() -> None:
    verdicts = [verdict_for_transport(kind) for kind in ErrorKind]
    verdicts += [verdict_for_status(status) for status in range(300, 600)]
    for verdict in verdicts:
        said = next_action(verdict.kind, verdict.next_action, final=True)
        if verdict.permanent:
            assert said == verdict.next_action
        else:
            assert said.startswith("No more tries: "), verdict.kind
            assert said.endswith("resend"), verdict.kind


def test_a_failing_connection_says_what_whose_fault_and_which_key_helps() -> None:
    said = explain_connection(connection(ConnectionState.FAILING, failure=REFUSED))
    assert said is not None
    assert said.sentence == "CRM: The token was refused (401)."
    assert (said.blame, said.key, said.since, said.next_action) == (
        "credential",
        "u",
        NOW,
        "Update the credentials.",
    )
    timeout = replace(REFUSED, kind=ErrorKind.TIMEOUT, blame=Blame.THEM, sentence="no answer within 30 s")
    said = explain_connection(connection(ConnectionState.FAILING, failure=timeout))
    assert said is not None
    assert said.key == "c"


def test_a_doubtful_connection_says_how_far_the_rechecks_are() -> None:
    said = explain_connection(connection(ConnectionState.SUSPECT, failure=REFUSED, suspect_checks=2))
    assert said is not None
    assert said.sentence.endswith("Checking again, 2 of 3.")
    timeout = replace(REFUSED, kind=ErrorKind.TIMEOUT, blame=Blame.THEM)
    said = explain_connection(connection(ConnectionState.SUSPECT, failure=timeout, suspect_checks=3))
    assert said is not None
    assert said.sentence.endswith("Checking again, 3 of 3, 15 min after the check before.")


OPS = {"account_id": "7", "account": "ops", "site": "acme", "scopes": ["read", "write"], "expires_at": None}


def test_connection_that_pings_is_not_to_be_checked_but_looked_at() -> None:
    said = explain_connection(
        connection(ConnectionState.FAILING, failure=late(started=False), pinged=True, heartbeat=None)
    )
    assert said is not None
    assert said.key == "enter"


def test_connection_that_is_called_as_its_app_is_not_named_twice() -> None:
    refused = replace(REFUSED, sentence="Jira Cloud refused email and token")
    said = explain_connection(connection(ConnectionState.FAILING, failure=refused, name="Jira Cloud"))
    assert said is not None
    assert said.sentence == "Jira Cloud refused email and token."


def test_a_connection_that_works_says_what_is_to_be_looked_at() -> None:
    flapping = explain_connection(connection(flapping_since=NOW, identity=OPS, identity_connected=OPS))
    assert flapping is not None
    assert "goes to and fro" in flapping.sentence
    fewer = connection(identity={**OPS, "scopes": ["read"]}, identity_connected=OPS)
    drift = explain_connection(fewer)
    assert drift is not None
    assert (drift.sentence, drift.blame, drift.key) == (
        "The scopes of the credential changed: it lost write.",
        "permission",
        "u",
    )
    ending = connection(expires_at=NOW + timedelta(days=6))
    said = explain_connection(ending, NOW)
    assert said is not None
    assert said.sentence == "CRM: token expires in 6 days."
    assert explain_connection(replace(ending, expires_at=NOW + timedelta(days=31)), NOW) is None


def test_an_account_says_when_the_first_of_its_credentials_ends() -> None:
    mine = connection(id="con_1", account="acme", expires_at=NOW + timedelta(days=6))
    yours = connection(id="con_2", account="acme", expires_at=NOW + timedelta(days=3), flapping_since=NOW)
    (row,) = connection_rows([mine, yours], {}, NOW)
    assert (row.expires_in, row.expires_at, row.flapping) == ("3 days", yours.expires_at, True)
    (later,) = connection_rows([replace(mine, expires_at=NOW + timedelta(days=90))], {}, NOW)
    assert (later.expires_in, later.expires_at) == ("", None)


def check_row(row_id: str, **more: Any) -> HeartbeatRow:
    row = HeartbeatRow(
        id=row_id,
        connection_id="con_1",
        at=NOW,
        trigger=Trigger.SCHEDULE,
        ok=more.get("status") == 200,
        duration_ms=5.0,
        state_after=ConnectionState.CONNECTED,
        method="GET",
        url="https://acme.example/me",
    )
    return replace(row, **more)


def test_evidence_says_what_stayed_and_what_differs() -> None:
    good = check_row("hbt_1", status=200, identity=OPS, response_headers={"Content-Type": "application/json"})
    bad = check_row(
        "hbt_2",
        status=401,
        kind="authentication",
        sentence="the token was refused",
        response_headers={"content-type": "text/html", "WWW-Authenticate": "Bearer", "date": "x"},
        response_body=b"<html>\xff",
    )
    failing = connection(ConnectionState.FAILING, failure=REFUSED, identity=OPS, identity_connected=OPS)
    seen = evidence_of(failing, CheckEvidenceRow(good, bad, bad), bodies=True)
    assert (seen.comparison, seen.latest) == ("same account, same site", None)
    assert seen.sentence == "CRM: The token was refused."
    assert [(each.what, each.before, each.after) for each in seen.differences] == [
        ("status", "200", "401"),
        ("content-type", "application/json", "text/html"),
        ("www-authenticate", "", "Bearer"),
    ]
    assert seen.first_bad is not None
    assert seen.first_bad.response_body == "<html>\ufffd"
    moved = replace(bad, url="https://other.example/me")
    other = replace(failing, identity={**OPS, "account_id": "8"})
    seen = evidence_of(other, CheckEvidenceRow(good, moved, moved), bodies=False)
    assert seen.comparison == "another account, another site"
    assert [each.what for each in seen.drift] == ["account"]
    assert seen.first_bad is not None
    assert seen.first_bad.response_body == ""
    later = replace(bad, id="hbt_3", kind="timeout", sentence="no answer within 30 s")
    seen = evidence_of(failing, CheckEvidenceRow(good, bad, later), bodies=False)
    assert seen.latest is not None
    assert seen.sentence.endswith("By now: No answer within 30 s.")
    assert (
        evidence_of(failing, CheckEvidenceRow(None, bad, bad), bodies=False).comparison == "never good before"
    )
    pings = (replace(each, url="", identity=None) for each in (good, bad))
    assert evidence_of(connection(), CheckEvidenceRow(*pings), bodies=False).comparison == ""
    well = evidence_of(connection(), CheckEvidenceRow(good, None, good), bodies=False)
    assert (well.sentence, well.first_bad) == ("Nothing is wrong: the last check was good.", None)


def test_what_is_well_needs_no_explanation() -> None:
    assert explain_connection(connection()) is None
    assert explain_connection(connection(judged_by_deliveries=True)) is None
    assert explain_record(record(RecordState.DELIVERED), attempt(status=200)) is None
    assert explain_record(record(RecordState.QUEUED), None) is None


@pytest.mark.parametrize(
    ("row", "last", "said", "key"),
    [
        (
            record(RecordState.FAILED),
            attempt(),
            "Failed: the endpoint refused the record, 422 in 38 ms. risk_level is required.",
            "s",
        ),
        (
            record(RecordState.RETRYING, error="internal error"),
            attempt(status=500, duration_ms=2300.0),
            "Retrying: the endpoint did not take the record, 500 in 2.3 s. Internal error.",
            "s",
        ),
        (
            record(RecordState.FAILED, error="no receipt came"),
            attempt(status=202, duration_ms=6.0),
            "Failed: the endpoint answered 202 in 6 ms. No receipt came.",
            "s",
        ),
        (
            record(RecordState.FAILED, error="no such host"),
            attempt(status=None, duration_ms=None),
            "Failed: no answer. No such host.",
            "s",
        ),
        (
            record(RecordState.UNKNOWN, error=""),
            attempt(status=None),
            "It is not known whether the endpoint has this record.",
            "s",
        ),
        (
            record(RecordState.UNKNOWN, error="no answer", next_attempt_at=NOW),
            attempt(status=None),
            "It is not known whether the endpoint has this record: it is asked. No answer.",
            "s",
        ),
        (
            record(RecordState.AWAITING_RECEIPT, error="", next_attempt_at=NOW),
            attempt(status=202),
            "The endpoint took it and confirms later: its receipt is awaited.",
            "enter",
        ),
        (
            record(RecordState.HELD, hold_reason=HoldReason.PAUSED),
            None,
            "Held: the integration is paused.",
            "p",
        ),
        (
            record(RecordState.HELD, hold_reason=HoldReason.CONNECTION),
            None,
            "Held: its connection is failing.",
            "c",
        ),
    ],
)
def test_a_record_says_why_it_is_not_delivered(
    row: RecordRow, last: AttemptRow | None, said: str, key: str
) -> None:
    explanation = explain_record(row, last)
    assert explanation is not None
    assert (explanation.sentence, explanation.key) == (said, key)
    assert explanation.next_action


def test_names_are_not_capitalised() -> None:
    assert sentence("risk_level is required") == "risk_level is required."
    assert sentence(" what now? ") == "What now?"
    assert sentence("") == ""


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, "No connections yet"),
        ({"connections": 1}, "The connection is healthy"),
        ({"connections": 18}, "All 18 connections healthy"),
        (
            {"connections": 18, "connections_failing": 1, "records_failed": 131},
            "1 connection failing · 131 records failed",
        ),
        (
            {"connections_failing": 2, "connections_suspect": 1},
            "2 connections failing · 1 connection being checked again",
        ),
        ({"connections": 2, "records_held": 1200}, "1,200 records held"),
        (
            {"connections": 2, "records_failed": 1, "tasks_failed": 12, "proof_failed": 1},
            "1 record failed · 12 tasks failed · 1 proof sync failed",
        ),
        ({"connections": 2, "alerts_failed": 1}, "1 alert not sent"),
        ({"connections": 2, "problems_open": 1}, "1 problem open"),
    ],
)
def test_the_worst_comes_first(counts: dict[str, int], said: str) -> None:
    assert worst_first(counts, writable=True) == said


def test_a_database_that_cannot_be_written_comes_before_everything() -> None:
    said = worst_first({"connections": 3, "connections_failing": 1}, writable=False)
    assert said == "The database cannot be written · 1 connection failing"


def environment(connection_id: str = "con_1", **more: Any) -> EnvironmentRow:
    row = EnvironmentRow(
        integration_id="int_1",
        environment=Environment.PRODUCTION,
        connection_id=connection_id,
        connection_name="CRM",
        base_url="https://crm.acme.io/api",
        path="/hra",
        method="POST",
        headers={},
        on_unknown=OnUnknown.RESEND,
        state=IntegrationState.ACTIVE,
    )
    return replace(row, **more)


def integration(*environments: EnvironmentRow) -> IntegrationRow:
    return IntegrationRow("int_1", IntegrationKind.DELIVERY, "CRM endpoint", NOW, "alice", list(environments))


def problem(count: int, **more: Any) -> ProblemRow:
    row = ProblemRow(
        id="prb_1",
        fingerprint="f",
        state=ProblemState.OPEN,
        cause="422 risk_level is required",
        safe_cause="422",
        kind="missing_field",
        blame="them",
        next_action="Mend the mapping.",
        where="CRM endpoint",
        integration_id="int_1",
        connection_id=None,
        environment=Environment.PRODUCTION,
        owner="alice",
        count=count,
        total=count,
        retrying=0,
        since=NOW,
        last_at=NOW,
    )
    return replace(row, **more)


def test_connections_of_one_account_are_one_row_with_the_worst_shown() -> None:
    rows = connection_rows(
        [
            connection(id="con_1", account="acme"),
            connection(ConnectionState.FAILING, id="con_2", account="acme", name="Nightly", failure=REFUSED),
            connection(id="con_3", account="other"),
        ],
        {"http-endpoint": "HTTP endpoint"},
    )
    assert [(row.app, row.account, row.id, row.state_word) for row in rows] == [
        ("HTTP endpoint", "acme", "con_2", "Connection failure"),
        ("HTTP endpoint", "other", "con_3", "Connected"),
    ]
    assert rows[0].details["connections"] == ["con_2", "con_1"]
    assert rows[0].name == "Nightly"


def test_connections_of_an_app_without_accounts_are_a_row_each_also_on_one_host() -> None:
    rows = connection_rows(
        [connection(id="con_1"), connection(ConnectionState.FAILING, id="con_2", failure=REFUSED)], {}
    )
    assert [(row.id, row.account, row.details["connections"]) for row in rows] == [
        ("con_1", "crm.acme.io", ["con_1"]),
        ("con_2", "crm.acme.io", ["con_2"]),
    ]


def test_how_often_a_connection_was_checked_again_is_in_its_row_and_its_integrations() -> None:
    doubt = connection(ConnectionState.SUSPECT, failure=REFUSED, suspect_checks=2)
    rows = [*connection_rows([doubt], {}), *integration_rows([integration(environment())], [doubt], [])]
    assert [row.suspect_checks for row in rows] == [2, 2]


def test_a_delivery_integration_shows_its_records_and_its_worst_problem() -> None:
    totals = {"failed": 131, "held": 2, "delivered": 1000, "retrying": 3}
    [row] = integration_rows(
        [integration(environment(totals=totals))],
        [connection()],
        [problem(4, cause="500 Internal Server Error"), problem(127)],
    )
    assert (row.failed, row.held, row.retrying, row.total, row.unit) == (131, 2, 3, 1136, "records")
    assert row.explanation is not None
    assert row.explanation.sentence == "127 records of 131 failed: 422 risk_level is required."
    assert (row.explanation.since, row.explanation.blame) == (NOW, "them")


def test_a_failing_connection_explains_its_integration() -> None:
    failing = connection(ConnectionState.FAILING, failure=REFUSED)
    [row] = integration_rows([integration(environment(totals={"held": 5}))], [failing], [])
    assert row.state is ConnectionState.FAILING
    assert row.explanation is not None
    assert row.explanation.sentence.endswith("5 records held until it is repaired.")


def test_paused_is_shown_when_every_environment_is() -> None:
    paused = environment(state=IntegrationState.PAUSED, totals={"held": 2})
    testing = environment(environment=Environment.TESTING)
    [row] = integration_rows([integration(paused)], [connection()], [])
    assert row.paused is True
    assert row.explanation is not None
    assert (row.explanation.sentence, row.explanation.key) == ("Paused: 2 records held.", "p")
    [row] = integration_rows([integration(paused, testing)], [connection()], [])
    assert row.paused is False


def test_the_worst_rows_come_first() -> None:
    ok = connection(id="ok", base_url="https://a.example")
    never = connection(ConnectionState.UNKNOWN, id="never", base_url="https://b.example")
    doubt = connection(ConnectionState.SUSPECT, id="doubt", base_url="https://c.example")
    dead = connection(
        ConnectionState.FAILING, id="dead", base_url="https://d.example", state_since=NOW - timedelta(1)
    )
    rows = connection_rows([ok, never, doubt, dead], {})
    rows += integration_rows([integration(environment("ok", totals={"failed": 1}))], [ok], [])
    assert [row.id for row in sorted(rows, key=_severity)] == ["dead", "int_1", "doubt", "never", "ok"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
SPACE = st.text(alphabet=" \t\r\n", max_size=3)


@given(data=JSON, before=SPACE, after=SPACE, last=st.booleans(), escape=st.booleans())
def test_the_exact_bytes_of_data_are_kept(
    data: Any, before: str, after: str, last: bool, escape: bool
) -> None:
    text = json.dumps(data, ensure_ascii=escape)
    try:
        exact = text.encode()
    except UnicodeEncodeError:
        return
    member = f'{before}"data"{after}:{before}{text}{after}'
    other = f'{after}"source"{before}:"a\\"b, \\u007d"{after}'
    raw = ("{" + ",".join([other, member] if last else [member, other]) + "}" + after).encode()
    assert data_of(raw) == exact
    new = OperatorRecordCreate(
        source="heart", completed_at=NOW, data=None, integration_id="i", environment=Environment.TESTING
    )
    body = posted_body(new, exact)
    assert json.loads(body)["data"] == data
    try:
        parsed = split_record(body)
    except Malformed:
        return
    assert body[parsed.data_start : parsed.data_end] == exact


@pytest.mark.parametrize(
    "raw", [b'{"a": 1}', b'{"data": 1, "data": 2}', b'{"data": 1', b"{}", b"", b'{"data": \xff}']
)
def test_a_body_without_one_data_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        data_of(raw)
