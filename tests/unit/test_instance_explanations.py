"""Why a task or proof sync is as it is, and what does not apply to it now. Pure rows in, sentences out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.instance_states import InstanceKind, InstanceState, LinkState, RunOutcome, WorkStatus
from healthdesk.domain.instance_words import counted, instance_word, outcome_word
from healthdesk.domain.states import Blame, ConnectionState, ErrorKind, Trigger
from healthdesk.operations.explain_instances import explain_instance, not_now
from healthdesk.store.rows import ConnectionRow, VerificationSettings
from healthdesk.store.rows_instances import InstanceRow, TaskRow

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
    failing = state in (ConnectionState.FAILING, ConnectionState.SUSPECT)
    row = ConnectionRow(
        id="con_1",
        app="github",
        name="GitHub of alice",
        account="alice",
        base_url="https://api.github.com",
        auth="token",
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
        failure=REFUSED if failing else None,
    )
    return replace(row, **more)


def instance(state: InstanceState = InstanceState.SUCCEEDED, **more: Any) -> InstanceRow:
    row = InstanceRow(
        id="tsk_1",
        kind=InstanceKind.TASK,
        integration_id="int_1",
        connection_id="con_1",
        app="github",
        owner="alice",
        name="Rotate keys",
        template_id=None,
        label_id=None,
        state=state,
        blocked=False,
        error_kind="",
        blame="",
        error="",
        next_action="",
        status=None,
        problem_id=None,
        failures=0,
        every_s=3600,
        last_checked=NOW,
        last_succeeded=None,
        next_at=None,
        next_trigger=Trigger.SCHEDULE,
        triggered_by="",
        lease_owner="",
        lease_until=None,
        version=0,
        created_at=NOW,
        created_by="alice",
    )
    return replace(row, **more)


def task(link: LinkState | None = LinkState.LINKED, **more: Any) -> TaskRow:
    row = TaskRow(
        id="tsk_1",
        name="Rotate keys",
        description="",
        status=WorkStatus.NOT_STARTED,
        due="",
        assignee="",
        template_id=None,
        version=0,
        created_at=NOW,
        created_by="alice",
        updated_at=NOW,
        updated_by="alice",
        link=link,
        external_id="7",
        external_key="acme/keys#7",
        external_url="https://github.com/acme/keys/issues/7",
        container={},
        fields={},
        external=None,
        synced=None,
        creating_at=None,
        creating_title="",
    )
    return replace(row, **more)


def test_connected_beside_creation_failed_is_explained() -> None:
    failed = instance(
        InstanceState.CREATION_FAILED, error="the field 'Team' is required", blame="configuration"
    )
    why = explain_instance(failed, "GitHub", connection(), task(LinkState.WANTED))
    assert why is not None
    assert why.sentence == (
        "GitHub is connected, and yet this task's creation failed: the heartbeat proves who you are, not that this"
        " issue can be created. The field 'Team' is required."
    )
    assert (why.blame, why.key) == ("configuration", "s")


def test_a_proof_sync_that_failed_on_a_connection_that_is_well_is_explained() -> None:
    failed = instance(InstanceState.FAILED, kind=InstanceKind.PROOF, error="no repository acme/keys (404)")
    why = explain_instance(failed, "GitHub", connection())
    assert why is not None
    assert "GitHub is connected, and yet this proof sync's collection failed" in why.sentence
    assert why.sentence.endswith("No repository acme/keys (404).")


def test_a_failing_connection_is_the_cause_and_not_what_failed_before() -> None:
    failing = connection(ConnectionState.FAILING)
    why = explain_instance(
        instance(InstanceState.SYNC_FAILED, blocked=True, error="x"), "GitHub", failing, task()
    )
    assert why is not None
    assert why.sentence == (
        "Blocked by its connection. GitHub of alice: The token was refused (401)."
        " It is synced again by itself when that is repaired."
    )
    assert (why.blame, why.next_action, why.key) == ("credential", "Update the credentials.", "u")
    assert explain_instance(instance(), "GitHub", connection(), task()) is None


def test_a_disconnected_task_says_that_reconnecting_repairs_the_others_too() -> None:
    lost = instance(connection_id=None)
    why = explain_instance(lost, "GitHub", None, task())
    assert why is not None
    assert why.next_action == "Reconnect it: that repairs all tasks of alice in GitHub that lost theirs, too."
    proof = explain_instance(replace(lost, kind=InstanceKind.PROOF), "GitHub", None)
    assert proof is not None
    assert proof.next_action == "Change its connection to another one of the app."


def test_a_deleted_issue_and_a_lost_answer_say_what_is_offered() -> None:
    deleted = instance(InstanceState.SYNC_FAILED, error="the issue was deleted", next_action="x")
    why = explain_instance(deleted, "GitHub", connection(), task(LinkState.DELETED))
    assert why is not None
    assert why.next_action == "Attach another issue, or create a new one; nothing is created by itself."
    begun = explain_instance(
        instance(InstanceState.PENDING), "GitHub", connection(), task(LinkState.CREATING)
    )
    assert begun is not None
    assert "looked for there before anything is created again" in begun.sentence


APPLY = {
    LinkState.WANTED: {"sync", "unlink", "attach"},
    LinkState.CREATING: {"sync", "unlink", "attach"},
    LinkState.LINKED: {"sync", "unlink"},
    LinkState.DELETED: {"sync", "unlink", "attach", "create_issue"},
    LinkState.UNLINKED: {"attach", "create_issue"},
}
OF_TASKS = {"sync", "unlink", "attach", "create_issue", "reconnect"}


@pytest.mark.parametrize("link", APPLY)
def test_each_link_has_its_actions(link: LinkState) -> None:
    refused = not_now(instance(), task(link), connection())
    assert OF_TASKS - set(refused) == APPLY[link]
    assert all(refused.values())
    assert {"view", "change_connection", "settings", "delete"} <= set(refused)


@pytest.mark.parametrize("link", LinkState)
def test_a_disconnected_task_can_be_reconnected_and_unlinked(link: LinkState) -> None:
    refused = not_now(instance(connection_id=None), task(link), None)
    left = {"reconnect"} if link is LinkState.UNLINKED else {"reconnect", "unlink"}
    assert OF_TASKS - set(refused) == left


def test_sync_of_a_blocked_task_names_the_connection_to_repair() -> None:
    refused = not_now(instance(blocked=True), task(), connection(ConnectionState.FAILING))
    assert refused["sync"] == (
        "repair the connection GitHub of alice first. GitHub of alice: The token was refused (401)."
    )
    assert "paused" in not_now(instance(), task(), connection(), paused=True)["sync"]


def test_a_proof_sync_has_no_actions_of_tasks() -> None:
    proof = instance(kind=InstanceKind.PROOF)
    assert set(not_now(proof, None, connection())) == {
        "unlink",
        "attach",
        "create_issue",
        "reconnect",
        "open",
    }
    lost = not_now(replace(proof, connection_id=None), None, None)
    assert lost["sync"] == "its connection was disconnected: change its connection first"


def test_every_state_and_outcome_has_a_word() -> None:
    assert [instance_word(each) for each in InstanceState] == [
        "Not run yet", "Succeeded", "Creation failed", "Sync failed", "Failed",
    ]  # fmt: skip
    assert instance_word(InstanceState.PENDING, LinkState.UNLINKED) == "Unlinked"
    assert all(outcome_word(each) for each in RunOutcome)
    assert (counted(InstanceKind.TASK, 1), counted(InstanceKind.PROOF, 1200)) == (
        "1 task",
        "1,200 proof syncs",
    )
