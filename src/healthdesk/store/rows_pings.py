"""Rows of push heartbeats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from healthdesk.domain.pings import PingSchedule


@dataclass(frozen=True, slots=True)
class PingRow:
    """What is expected of a connection or a proof sync that cannot be called.

    `due_at` is when the next ping is late, grace included; None after it was late and until the next one comes.
    `started_at` is when a run began that has not ended.
    """

    id: str
    object_kind: str
    object_id: str
    hint: str
    schedule: PingSchedule
    grace_s: float
    created_at: datetime
    created_by: str
    due_at: datetime | None = None
    started_at: datetime | None = None
    last_at: datetime | None = None
    last_kind: str = ""
    object_name: str = ""
