"""Problems: failures with one cause, folded together."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from healthdesk.api.alerts import Alert
from healthdesk.api.common import Input, Note, Output
from healthdesk.api.connections import Heartbeat
from healthdesk.api.instances import Run
from healthdesk.api.records import Attempt
from healthdesk.domain.states import Environment, ProblemState


class ProblemRow(Output):
    """A row of the Problems area. `count` is how many of its `unit` that failed it holds up now."""

    id: str
    state: ProblemState
    cause: str
    kind: str
    blame: str
    next_action: str
    where: str
    integration_id: str | None = None
    connection_id: str | None = None
    environment: Environment | None = None
    owner: str = ""
    count: int
    total: int
    """How many it ever held up since it opened."""
    retrying: int = 0
    held: int = 0
    """How many more wait behind it: their connection fails, so they are held and not tried."""
    since: datetime
    last_at: datetime
    opened_at: datetime | None = None
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    muted_until: datetime | None = None
    muted_by: str = ""
    resolved_at: datetime | None = None
    resolved_by: str = ""
    sample_record_id: str | None = None
    sample_instance_id: str | None = None
    """A task or proof sync that is in it; `GET /v1/instances?problem_id=` lists all it holds up."""
    unit: str = "record"
    """What it counts: `record`, `task` or `proof` (a proof sync)."""
    instances: int = 0
    """How many tasks and proof syncs it holds up: that failed, or are blocked while their connection fails."""
    blocked: dict[str, int] = {}
    """Of those blocked by their connection, how many of each kind: `task`, `proof`."""
    repaired: dict[str, int] = {}
    """How many of each kind were blocked when the connection worked again: they are synced again by themselves."""
    waiting: str = ""
    """What it holds up, in words: `3 records`, `11 tasks and 2 proof syncs`; empty when that is nothing."""

    @property
    def place(self) -> str:
        """Where it is, for people: what is of testing says so."""
        return self.where + (
            f" · {Environment.TESTING.shown}" if self.environment is Environment.TESTING else ""
        )


class ProblemDetail(ProblemRow):
    """A problem with its evidence: last good beside first bad, what was announced to whom and its fate."""

    last_good: Attempt | None = None
    first_bad: Attempt | None = None
    last_good_check: Heartbeat | None = None
    first_bad_check: Heartbeat | None = None
    last_good_run: Run | None = None
    """Of `sample_instance_id`: the last run before the problem that went well, where one is kept."""
    first_bad_run: Run | None = None
    alerts: list[Alert] = []


class Acknowledge(Input):
    """Take a problem: no further alerts but its recovery."""

    note: Note = ""


class Mute(Input):
    """Silence a problem for `for_s` seconds (default a day, at most 30 days). 0 unmutes."""

    for_s: int = Field(default=86400, ge=0, le=30 * 86400)
    note: Note = ""


class Resolve(Input):
    """Close a problem by hand; a new failure with the same cause reopens it."""

    note: Note = ""
