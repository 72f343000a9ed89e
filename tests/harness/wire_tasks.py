"""Tasks and templates as the operator API answers them, for tests: each with what a test wants different."""

from __future__ import annotations

from typing import Any

from healthdesk.api import tasks
from tests.harness.wire import NOW
from tests.harness.wire_instances import instance, issue


def task(**more: Any) -> tasks.Task:
    """A task that is linked, and whose sync failed."""
    fields: dict[str, Any] = {
        "id": "tsk_1",
        "name": "Rotate root keys",
        "description": "All of them.",
        "status": "in_progress",
        "status_word": "In progress",
        "due": "2027-01-31",
        "assignee": "bob",
        "template_id": "tpl_1",
        "template_name": "Quarterly keys",
        "version": 3,
        "created_at": NOW,
        "created_by": "alice",
        "updated_at": NOW,
        "updated_by": "bob",
        "instance": instance(),
        "issue": issue(),
    }
    return tasks.Task(**(fields | more))


def template(**more: Any) -> tasks.Template:
    """A repeating task whose last one could not be created."""
    fields: dict[str, Any] = {
        "id": "tpl_1",
        "name": "Quarterly keys",
        "task": {"name": "Rotate root keys {date}", "assignee": "bob", "due_in_days": 7},
        "schedule": {"cron": "0 9 1 */3 *", "zone": "Europe/Berlin"},
        "schedule_word": "0 9 1 */3 * (Europe/Berlin)",
        "integration_id": "int_2",
        "integration_name": "Jira tasks",
        "owner": "alice",
        "next_at": NOW,
        "error": "alice has no connection to Jira Cloud",
        "tasks": 4,
        "created_at": NOW,
        "created_by": "alice",
    }
    return tasks.Template(**(fields | more))
