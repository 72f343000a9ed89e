"""The text of alerts. No value of a record is ever in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from healthdesk.domain.states import AlertEvent, Blame, Environment


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """A problem as an alert tells it. `where` is the integration's or connection's name, `at` when this is written."""

    problem_id: str
    where: str
    environment: Environment | None
    safe_cause: str
    status: int | None
    count: int
    since: datetime
    at: datetime
    blame: Blame
    next_action: str
    owner: str = ""
    retrying: int = 0
    total: int = 0


def render_alert(event: AlertEvent, facts: AlertFacts) -> tuple[str, str]:
    """Return title and body: what failed, how many, why, since when, whose fault, and the command that opens it."""
    raise NotImplementedError


def render_test(channel_name: str, at: datetime) -> tuple[str, str]:
    """Return title and body of a channel's test message."""
    raise NotImplementedError
