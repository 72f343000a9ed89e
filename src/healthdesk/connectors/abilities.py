"""Which fields of a task an app tells and takes, as its manifest's requests and expressions show."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from healthdesk.connectors.spec import TaskOperation, TasksManifest
from healthdesk.domain.task_sync import Abilities

_INPUTS: Mapping[str, frozenset[str]] = {
    "name": frozenset({"title"}),
    "description": frozenset({"description", "description_adf"}),
    "status": frozenset({"status", "done", "percent"}),
    "due": frozenset({"due", "due_ms"}),
    "assignee": frozenset({"assignee", "assignee_id", "assignees"}),
}
"""By the desk's name of a field, what requests call it; docs/connectors.md lists the inputs."""


def abilities_of(tasks: TasksManifest) -> Abilities:
    """Return what an app does with the fields of a task: it tells what has an expression, and takes what a request names."""
    result = tasks.get.result or tasks.result
    told = {
        "name": result.title,
        "description": result.description,
        "status": result.status,
        "due": result.due,
        "assignee": result.assignee,
    }
    return Abilities(
        read=frozenset(name for name, expression in told.items() if expression is not None),
        create=_taken(tasks.create),
        update=_taken(tasks.update) | _taken(tasks.transition),
        clear=frozenset({"description", *tasks.clears}),
    )


def _taken(operation: TaskOperation | None) -> frozenset[str]:
    named: Collection[str] = operation.request.names() if operation is not None else ()
    return frozenset(name for name, inputs in _INPUTS.items() if not inputs.isdisjoint(named))
