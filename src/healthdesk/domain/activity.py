"""What the activity log says that operators did."""

from __future__ import annotations

from enum import StrEnum


class Verb(StrEnum):
    """What was done to a thing. docs/api.md lists each with the things it is said of."""

    ADDED = "added"
    EDITED = "edited"
    REMOVED = "removed"
    ENABLED = "enabled"
    DISABLED = "disabled"
    PAUSED = "paused"
    RESUMED = "resumed"
    CHECKED = "checked"
    UPDATED_CREDENTIALS = "updated credentials"
    PUT_CREDENTIALS_BACK = "put credentials back"
    ACCEPTED_DRIFT = "accepted drift"
    DISCONNECTED = "disconnected"
    ROTATED_KEY = "rotated key"
    SET_PING = "set push heartbeat"
    REMOVED_PING = "removed push heartbeat"
    MADE_KEY = "made key"
    MADE_SIGNING_SECRET = "made signing secret"  # noqa: S105 - words, no secret
    TESTED = "tested"
    REVEALED = "revealed"
    RESENT = "resent"
    RESENT_MARKED = "resent marked"
    RESENT_ALL = "resent all"
    REPROCESSED = "reprocessed"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    UNMUTED = "unmuted"
    RESOLVED = "resolved"
    SYNCED = "synced"
    UNLINKED = "unlinked"
    ATTACHED = "attached"
    RECONNECTED = "reconnected"
    CREATED_ISSUE = "asked for a new issue"
    CHANGED_CONNECTION = "changed connection"
    ADDED_MEMBER = "added member"
    REMOVED_MEMBER = "removed member"
    MADE_OWNER = "made owner"
    HANDED_OVER = "handed over"
    VIEWED = "viewed"
    EXPORTED = "exported"
