"""Push heartbeats: what cannot be called pings the desk within its period and grace."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from healthdesk.api.common import Input, Output


class PingSchedule(Input):
    """When pings are expected: every `every_s` seconds, or by a `cron` expression of five fields in `zone`."""

    every_s: float | None = Field(default=None, ge=60, le=366 * 86_400)
    cron: str = Field(default="", max_length=100)
    zone: str = Field(default="UTC", max_length=60)


class PingSet(Input):
    """What is expected, and how late it may be. `new_address` makes the one before invalid."""

    schedule: PingSchedule
    grace_s: float = Field(default=300, ge=10, le=30 * 86_400)
    new_address: bool = False


class Ping(Output):
    """A push heartbeat. `due_at` is when the next ping is late; none while it is late already.

    `url` is shown once, when it is made: whoever knows it can say that all is well.
    """

    id: str
    object_kind: Literal["connection", "proof_sync"]
    object_id: str
    object_name: str = ""
    schedule: PingSchedule
    grace_s: float
    hint: str = ""
    url: str = ""
    due_at: datetime | None = None
    started_at: datetime | None = None
    last_at: datetime | None = None
    last_kind: str = ""
    created_at: datetime
    created_by: str
