"""The words for what tasks and proof syncs are, and for what their runs did."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from healthdesk.domain.instance_states import InstanceKind, InstanceState, LinkState, RunOutcome

NOUNS: Mapping[InstanceKind, str] = MappingProxyType(
    {InstanceKind.TASK: "task", InstanceKind.PROOF: "proof sync"}
)

FIELD_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "name": "Name",
        "description": "Description",
        "status": "Status",
        "due": "Due date",
        "assignee": "Assignee",
    }
)
"""What people call the fields of a task."""

_STATES = {
    InstanceState.PENDING: "Not run yet",
    InstanceState.SUCCEEDED: "Succeeded",
    InstanceState.CREATION_FAILED: "Creation failed",
    InstanceState.SYNC_FAILED: "Sync failed",
    InstanceState.FAILED: "Failed",
}

_OUTCOMES = {
    RunOutcome.RUNNING: "Running",
    RunOutcome.CREATED: "Created",
    RunOutcome.FOUND: "Found again",
    RunOutcome.ATTACHED: "Attached",
    RunOutcome.PULLED: "Pulled",
    RunOutcome.PUSHED: "Pushed",
    RunOutcome.MERGED: "Pulled and pushed",
    RunOutcome.CONFLICT: "Conflict, theirs taken",
    RunOutcome.UNCHANGED: "Unchanged",
    RunOutcome.COLLECTED: "Collected",
    RunOutcome.FAILED: "Failed",
    RunOutcome.INTERRUPTED: "Interrupted",
}


def instance_word(state: InstanceState, link: LinkState | None = None) -> str:
    """Return the word for a task's or proof sync's status; `link` is a task's."""
    if link is LinkState.UNLINKED:
        return "Unlinked"
    return _STATES[state]


def outcome_word(outcome: RunOutcome) -> str:
    """Return the words for what a run did."""
    return _OUTCOMES[outcome]


def counted(kind: InstanceKind, number: int) -> str:
    """Return `1 task`, `11 proof syncs`, with thousands apart."""
    return f"{number:,} {NOUNS[kind]}{'' if number == 1 else 's'}"
