"""Tasks, proof syncs and issues as the operator API answers them, for tests: each with what a test wants different."""

from __future__ import annotations

from typing import Any

from healthdesk.api import accounts, instances
from tests.harness.wire import NOW, connection


def instance(**more: Any) -> instances.Instance:
    """A task whose sync failed though its connection is well."""
    fields: dict[str, Any] = {
        "id": "tsk_1",
        "kind": "task",
        "name": "Rotate root keys",
        "integration_id": "int_2",
        "integration_name": "Jira tasks",
        "app": "jira-cloud",
        "app_name": "Jira Cloud",
        "connection_id": "con_1",
        "connection_name": "Jira of alice",
        "owner": "alice",
        "template_id": "tpl_1",
        "template_name": "Quarterly keys",
        "state": "sync_failed",
        "state_word": "Sync failed",
        "error": "the workflow needs a Resolution",
        "blame": "configuration",
        "next_action": "Fill in the Resolution in Jira, then sync.",
        "link": "linked",
        "external_key": "OPS-7",
        "external_url": "https://acme.atlassian.net/browse/OPS-7",
        "every_s": 3600,
        "last_checked": NOW,
    }
    return instances.Instance(**(fields | more))


def run(**more: Any) -> instances.Run:
    """A run in which both sides had changed the status."""
    fields: dict[str, Any] = {
        "id": "run_1",
        "instance_id": "tsk_1",
        "outcome": "conflict",
        "outcome_word": "Conflict, theirs taken",
        "trigger": "operator",
        "triggered_by": "bob",
        "started_at": NOW,
        "finished_at": NOW,
        "duration_ms": 38,
        "changes": [
            {"field": "status", "label": "Status", "before": "To do", "after": "Done", "lost": "In progress"}
        ],
    }
    return instances.Run(**(fields | more))


def issue(**more: Any) -> instances.Issue:
    fields: dict[str, Any] = {
        "id": "10007",
        "key": "OPS-7",
        "url": "https://acme.atlassian.net/browse/OPS-7",
        "title": "Rotate all keys",
        "status": "3",
        "status_name": "In Progress",
        "container": {"project": "OPS"},
    }
    return instances.Issue(**(fields | more))


def review(**more: Any) -> instances.AttachReview:
    fields: dict[str, Any] = {
        "issue": issue(),
        "changes": [
            {"field": "name", "label": "Name", "before": "Rotate root keys", "after": "Rotate all keys"}
        ],
        "warning": "The task is overwritten by the issue.",
        "digest": "d1",
    }
    return instances.AttachReview(**(fields | more))


def account(**more: Any) -> accounts.AccountView:
    """The connection window of Jira Cloud: bob's admin connection, and one of alice."""
    admin = connection(id="con_0", app="jira-cloud", app_name="Jira Cloud", owner="bob")
    fields: dict[str, Any] = {
        "app": "jira-cloud",
        "app_name": "Jira Cloud",
        "account": "acme",
        "state": "connected",
        "state_word": "Connected",
        "cards": [
            {"role": "admin", "title": "Admin connection", "connection": admin, "ask": "Ask bob."},
            {"role": "mine", "title": "My connection", "connection": connection(), "instances": 40},
        ],
        "integrations": [{"id": "int_2", "kind": "tasks", "name": "Jira tasks", "connection_id": "con_0"}],
        "tasks": {"total": 40, "succeeded": 28, "failed": 12, "blocked": 11},
    }
    return accounts.AccountView(**(fields | more))
