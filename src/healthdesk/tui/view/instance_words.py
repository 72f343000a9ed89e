"""Tasks and proof syncs in words and glyphs: status, what became of a run, how a field was synced."""

from __future__ import annotations

from healthdesk.api.instances import FieldChange, Instance, Run
from healthdesk.domain.instance_states import (
    FieldDirection,
    InstanceKind,
    InstanceState,
    LinkState,
    RunOutcome,
    WorkStatus,
)
from healthdesk.domain.states import Trigger
from healthdesk.tui.format import Tone
from healthdesk.tui.view.words import Word

INSTANCE = {
    InstanceState.PENDING: Word("○", "Not run yet", Tone.DIM),
    InstanceState.SUCCEEDED: Word("✓", "Succeeded", Tone.GOOD),
    InstanceState.CREATION_FAILED: Word("✗", "Creation failed", Tone.BAD),
    InstanceState.SYNC_FAILED: Word("✗", "Sync failed", Tone.BAD),
    InstanceState.FAILED: Word("✗", "Failed", Tone.BAD),
}
UNLINKED = Word("–", "Unlinked", Tone.DIM)
BLOCKED = Word("▪", "Blocked", Tone.WARN)

WORK = {
    WorkStatus.NOT_STARTED: Word("○", "Not started", Tone.DIM),
    WorkStatus.IN_PROGRESS: Word("▸", "In progress", Tone.ACCENT),
    WorkStatus.DONE: Word("✓", "Done", Tone.GOOD),
}

RUN = {
    RunOutcome.RUNNING: Word("→", "Running"),
    RunOutcome.CREATED: Word("✓", "Created", Tone.GOOD),
    RunOutcome.FOUND: Word("✓", "Found again", Tone.GOOD),
    RunOutcome.ATTACHED: Word("✓", "Attached", Tone.GOOD),
    RunOutcome.PULLED: Word("✓", "Pulled", Tone.GOOD),
    RunOutcome.PUSHED: Word("✓", "Pushed", Tone.GOOD),
    RunOutcome.MERGED: Word("✓", "Merged", Tone.GOOD),
    RunOutcome.CONFLICT: Word("⚠", "Conflict", Tone.WARN),
    RunOutcome.UNCHANGED: Word("·", "Unchanged", Tone.DIM),
    RunOutcome.COLLECTED: Word("✓", "Collected", Tone.GOOD),
    RunOutcome.FAILED: Word("✗", "Failed", Tone.BAD),
    RunOutcome.INTERRUPTED: Word("?", "Interrupted", Tone.WARN),
}

TRIGGERS = {
    Trigger.FIRST: "first",
    Trigger.SCHEDULE: "schedule",
    Trigger.OPERATOR: "by hand",
    Trigger.CALLBACK: "callback",
    Trigger.EDIT: "edit",
    Trigger.RECOVERY: "recovery",
}

DIRECTIONS = {
    FieldDirection.BOTH: "both ways",
    FieldDirection.PUSH: "to the app",
    FieldDirection.PULL: "from the app",
    FieldDirection.OFF: "not at all",
}

FIELDS = {
    "name": "Name",
    "description": "Description",
    "status": "Status",
    "due": "Due date",
    "assignee": "Assignee",
}
"""Fields of a task that are synced, as people call them."""


def instance_word(instance: Instance) -> Word:
    """Return how an instance is shown: the server's word with the glyph of its state; unlinked and blocked show."""
    if instance.link is LinkState.UNLINKED:
        return Word(UNLINKED.glyph, instance.state_word or UNLINKED.text, UNLINKED.tone)
    word = INSTANCE[instance.state]
    if instance.blocked:
        return Word(BLOCKED.glyph, instance.state_word or word.text, BLOCKED.tone)
    return Word(word.glyph, instance.state_word or word.text, word.tone)


def noun(instance: Instance) -> str:
    """Return `task` or `proof sync`."""
    return "task" if instance.kind is InstanceKind.TASK else "proof sync"


def failed(instance: Instance) -> bool:
    """Return whether its last run failed."""
    return instance.state in (InstanceState.CREATION_FAILED, InstanceState.SYNC_FAILED, InstanceState.FAILED)


def told(instance: Instance) -> str:
    """Return what a sync left behind, as a sentence."""
    head = f"{instance.name}: {instance.state_word}"
    if instance.running:
        return f"{head}; it is under way and goes on by itself."
    if failed(instance) or instance.blocked:
        return f"{head}. {instance.error}".strip()
    return f"{head}."


def trigger_words(run: Run) -> str:
    """Return `schedule`, `by hand · bob`."""
    word = TRIGGERS.get(run.trigger, run.trigger.value)
    return f"{word} · {run.triggered_by}" if run.triggered_by else word


def direction_words(change: FieldChange) -> str:
    """Return which way a value went."""
    return "from the issue" if change.taken == "theirs" else "to the issue"


def field_word(change: FieldChange) -> str:
    """Return what a field is called."""
    return change.label or FIELDS.get(change.field, change.field)
