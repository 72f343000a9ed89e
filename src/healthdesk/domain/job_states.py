"""The words of jobs: what one does, how far it is, and what became of each of its records."""

from __future__ import annotations

from enum import StrEnum


class JobKind(StrEnum):
    """What a job does to its records."""

    RESEND = "resend"
    FIX = "fix"
    SAMPLE = "sample"


class JobState(StrEnum):
    """`preparing` until all its records are written down; nothing is sent before.

    `stopped` ended by itself because the failure came back; it can be resumed as a paused one can, and is `done` once
    others delivered all that it had left or that had failed in it.
    """

    PREPARING = "preparing"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"
    CANCELLED = "cancelled"


class JobStage(StrEnum):
    """How careful a job is still: one record, then five, then the rest."""

    ONE = "one"
    FIVE = "five"
    REST = "rest"


class JobItemState(StrEnum):
    """What became of one record in a job. `sent` waits for its attempt; `retrying` failed in the job and goes on by itself."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    AWAITING_RECEIPT = "awaiting_receipt"
    RETRYING = "retrying"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
