"""Connected accounts: which connections are one row, their instance health, and the worst thing. Pure rows in and out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.unit.test_instance_explanations import NOW, connection

from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import ConnectionState, IntegrationKind, ProblemState
from healthdesk.operations.account_groups import accounts_of
from healthdesk.operations.account_rows import account_rows
from healthdesk.operations.account_window import Card, cards_of, connected_on
from healthdesk.store.rows import IntegrationRow, MemberRow, ProblemRow
from healthdesk.store.rows_instances import InstanceTotals

TASK, PROOF = InstanceKind.TASK, InstanceKind.PROOF
FAILING = ConnectionState.FAILING


def integration(admin: str | None = "con_bob", **more: Any) -> IntegrationRow:
    row = IntegrationRow(
        id="int_1",
        kind=IntegrationKind.TASKS,
        name="GitHub tasks",
        created_at=NOW,
        created_by="bob",
        app="github",
        connection_id=admin,
    )
    return replace(row, **more)


BOB = connection(id="con_bob", account="bob", owner="bob", name="GitHub of bob")
ALICE = connection(id="con_alice", account="alice")
OTHER = connection(id="con_zoe", account="zoe", owner="zoe", name="GitHub of zoe")
TOTALS = {
    ("con_alice", "int_1", TASK): InstanceTotals(total=40, succeeded=28, failed=12, blocked=11),
    ("con_bob", "int_1", TASK): InstanceTotals(total=2, succeeded=2),
}


def rows(connections, integrations=(), totals=None, problems=()):
    return account_rows(
        accounts_of(connections, integrations, totals),
        lambda app: {"github": "GitHub"}.get(app, app),
        NOW,
        integrations=integrations,
        totals=totals,
        problems=problems,
    )


def test_an_integration_ties_its_admin_connection_and_those_of_its_tasks() -> None:
    found = accounts_of([BOB, ALICE, OTHER], [integration()], TOTALS)
    assert [sorted(each.ids) for each in found] == [["con_alice", "con_bob"], ["con_zoe"]]
    assert found[0].admin_ids == {"con_bob"}
    assert found[0].counted() == InstanceTotals(total=42, succeeded=30, failed=12, blocked=11)
    assert found[1].counted() == InstanceTotals()


def test_connections_of_another_app_are_never_tied() -> None:
    jira = replace(ALICE, app="jira-cloud")
    assert len(accounts_of([BOB, jira], [integration()], TOTALS)) == 2


def test_two_integrations_that_share_one_connection_are_one_row() -> None:
    second = integration("con_zoe", id="int_2", name="More tasks")
    totals = {**TOTALS, ("con_alice", "int_2", TASK): InstanceTotals(total=1, succeeded=1)}
    [account] = accounts_of([BOB, ALICE, OTHER], [integration(), second], totals)
    assert account.ids == {"con_bob", "con_alice", "con_zoe"}
    assert account.admin_ids == {"con_bob", "con_zoe"}
    assert [each.id for each in account.integrations] == ["int_1", "int_2"]


def test_proof_ties_nothing_and_shows_where_it_collects() -> None:
    proof = integration(None, id="int_p", kind=IntegrationKind.PROOF, name="Proof")
    totals = {
        ("con_alice", "int_p", PROOF): InstanceTotals(total=3, failed=1, succeeded=2),
        ("con_zoe", "int_p", PROOF): InstanceTotals(total=1, succeeded=1),
    }
    alice, zoe = rows([ALICE, OTHER], [proof], totals)
    assert (alice.failed, alice.total, alice.unit, zoe.failed, zoe.total) == (1, 3, "proof syncs", 0, 1)
    assert alice.details["integrations"] == zoe.details["integrations"] == ["int_p"]


def test_a_row_is_as_bad_as_its_worst_connection_and_says_who_is_blocked() -> None:
    failing = connection(FAILING, id="con_alice", account="alice")
    [row] = rows([BOB, failing], [integration()], TOTALS)
    assert (row.id, row.state_word, row.account) == ("con_alice", "Connection failure", "bob, alice")
    assert (row.failed, row.blocked, row.total, row.unit) == (12, 11, 42, "tasks")
    assert row.explanation is not None
    assert row.explanation.sentence == (
        "GitHub of alice: The token was refused (401). 11 tasks of alice are blocked; they are synced again when"
        " this is repaired."
    )
    assert row.details["connections"] == ["con_alice", "con_bob"]


def problem(count: int, **more: Any) -> ProblemRow:
    row = ProblemRow(
        id="prb_1",
        fingerprint="f",
        state=ProblemState.OPEN,
        cause="the field 'Team' is required",
        safe_cause="",
        kind="missing_field",
        blame="configuration",
        next_action="Fill in the field.",
        where="GitHub tasks",
        integration_id="int_1",
        connection_id=None,
        environment=None,
        owner="alice",
        count=count,
        total=count,
        retrying=0,
        since=NOW,
        last_at=NOW,
    )
    return replace(row, **more)


def test_connected_and_yet_failed_is_told_by_the_problem_that_counts_most() -> None:
    totals = {("con_alice", "int_1", TASK): InstanceTotals(total=5, succeeded=3, failed=2)}
    worst = problem(2)
    others = [problem(1, cause="another"), problem(9, cause="elsewhere", integration_id="int_9")]
    [row] = rows([BOB, ALICE], [integration()], totals, [*others, worst])
    assert row.state is ConnectionState.CONNECTED
    assert row.explanation is not None
    assert row.explanation.sentence == (
        "GitHub is connected, and yet 2 tasks failed: The field 'Team' is required."
    )
    assert (row.explanation.blame, row.explanation.next_action) == ("configuration", "Fill in the field.")
    [bare] = rows([BOB, ALICE], [integration()], totals)
    assert bare.explanation is not None
    assert "a heartbeat proves who you are" in bare.explanation.sentence


def test_tasks_that_lost_their_connection_are_counted_and_told() -> None:
    totals = {(None, "int_1", TASK): InstanceTotals(total=3, succeeded=3)}
    [row] = rows([BOB], [integration()], totals)
    assert row.total == 3
    assert row.explanation is not None
    assert row.explanation.sentence == "3 tasks in GitHub lost their connection: it was disconnected."


def test_an_integration_without_any_connection_has_a_row_of_its_own() -> None:
    totals = {(None, "int_1", TASK): InstanceTotals(total=3, failed=1, succeeded=2)}
    [row] = rows([], [integration(None)], totals)
    assert (row.kind, row.id, row.app, row.state_word) == ("integration", "int_1", "GitHub", "Disconnected")
    assert (row.failed, row.total) == (1, 3)
    assert row.explanation is not None
    assert "has no admin connection any more" in row.explanation.sentence
    [row] = rows(
        [ALICE], [integration(None)], {("con_alice", "int_1", TASK): InstanceTotals(total=1, succeeded=1)}
    )
    assert row.explanation is not None
    assert "has no admin connection any more" in row.explanation.sentence


def test_proof_that_lost_its_connection_has_a_row_beside_those_that_collect() -> None:
    proof = integration(None, id="int_p", kind=IntegrationKind.PROOF, name="Proof")
    totals = {
        ("con_alice", "int_p", PROOF): InstanceTotals(total=3, succeeded=3),
        (None, "int_p", PROOF): InstanceTotals(total=2, succeeded=2),
    }
    mine, lost = rows([ALICE], [proof], totals)
    assert (mine.total, lost.total, lost.kind) == (3, 2, "integration")
    assert lost.explanation is not None
    assert lost.explanation.sentence == "2 proof syncs of Proof lost their connection: it was disconnected."


def cards(user, connections, integrations=(), totals=None):
    """Return the roles that the window opens with, by connection, and whose the others are."""
    [account] = accounts_of(connections, integrations, totals)
    shown, others = cards_of(account, user)
    return [(each.role, each.row.id) for each in shown], [each.row.id for each in others]


def test_two_connections_are_seen_the_admins_first_and_then_mine() -> None:
    assert cards("alice", [ALICE, BOB], [integration()], TOTALS) == (
        [("admin", "con_bob"), ("mine", "con_alice")],
        [],
    )


def test_one_connection_is_seen_by_the_admin_who_uses_the_same_credentials() -> None:
    assert cards("bob", [ALICE, BOB], [integration()], TOTALS) == ([("both", "con_bob")], ["con_alice"])


def test_an_admin_with_another_connection_for_their_tasks_sees_both() -> None:
    own = replace(ALICE, owner="bob")
    assert cards("bob", [own, BOB], [integration()], TOTALS)[0] == [
        ("admin", "con_bob"),
        ("mine", "con_alice"),
    ]


def test_who_has_none_of_their_own_sees_what_they_hold_a_grant_on() -> None:
    shared = replace(ALICE, members=[MemberRow("mia", "user")])
    assert cards("mia", [shared, BOB], [integration()], TOTALS) == (
        [("admin", "con_bob"), ("mine", "con_alice")],
        [],
    )
    assert cards("zoe", [shared, BOB], [integration()], TOTALS) == ([("admin", "con_bob")], ["con_alice"])


def test_a_window_never_opens_with_none() -> None:
    assert cards("zoe", [ALICE]) == ([("other", "con_alice")], [])
    assert cards("alice", [ALICE]) == ([("mine", "con_alice")], [])


def test_connected_on_is_what_the_card_is_about() -> None:
    established, used, collected = (NOW - timedelta(days=each) for each in (9, 2, 1))
    times = {"connected_on": established, "used_at": used, "collected_at": collected}
    bob, alice = replace(BOB, **times), replace(ALICE, **times)
    [account] = accounts_of([bob, alice], [integration()], TOTALS)
    assert connected_on(account, Card("admin", bob)) == established
    assert connected_on(account, Card("mine", alice)) == used
    proof = integration(None, id="int_p", kind=IntegrationKind.PROOF)
    collecting = {("con_alice", "int_p", PROOF): InstanceTotals(total=1)}
    [account] = accounts_of([alice], [proof], collecting)
    assert connected_on(account, Card("mine", alice)) == collected
    [account] = accounts_of([alice])
    assert connected_on(account, Card("mine", alice)) == established
    never = replace(alice, used_at=None)
    [account] = accounts_of([bob, never], [integration()], TOTALS)
    assert connected_on(account, Card("mine", never)) is None
