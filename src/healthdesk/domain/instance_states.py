"""The words of instances: tasks and proof syncs, their runs, their links and what they are filed under."""

from __future__ import annotations

from enum import StrEnum


class InstanceKind(StrEnum):
    """What an instance of an integration is."""

    TASK = "task"
    PROOF = "proof"


class InstanceState(StrEnum):
    """Status of a task or a proof sync. A task is never `failed`, a proof sync neither of the other two failures."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    CREATION_FAILED = "creation_failed"
    SYNC_FAILED = "sync_failed"
    FAILED = "failed"


class WorkStatus(StrEnum):
    """How far a task of the desk is."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    DONE = "done"


class LinkState(StrEnum):
    """How a task and its external issue stand to each other.

    `wanted` has no issue yet, `creating` may have one: a creation was begun and its answer is not here. `deleted` had
    one that the app no longer knows, `unlinked` had one that an operator parted from it.
    """

    WANTED = "wanted"
    CREATING = "creating"
    LINKED = "linked"
    DELETED = "deleted"
    UNLINKED = "unlinked"


class FieldDirection(StrEnum):
    """Which way a field of a task is synced: to the app, from it, both, or not at all."""

    BOTH = "both"
    PUSH = "push"
    PULL = "pull"
    OFF = "off"


class RunOutcome(StrEnum):
    """What became of one run of an instance. `running` is the committed intent; a crash leaves `interrupted`.

    Of a task: `created`, `found` (a creation whose answer was lost), `pulled`, `pushed`, `merged` (both), `conflict`
    (both sides had changed, and theirs was taken), `unchanged`. Of a proof sync: `collected` and `unchanged`.
    """

    RUNNING = "running"
    CREATED = "created"
    FOUND = "found"
    ATTACHED = "attached"
    PULLED = "pulled"
    PUSHED = "pushed"
    MERGED = "merged"
    CONFLICT = "conflict"
    UNCHANGED = "unchanged"
    COLLECTED = "collected"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class LabelKind(StrEnum):
    """What proof is filed under."""

    LABEL = "label"
    CONTROL = "control"
