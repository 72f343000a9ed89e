"""Channels, rules and the outbox of alerts."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, SecretStr

from healthdesk.api.common import Input, Name, Output
from healthdesk.domain.states import AlertEvent, AlertState, Environment


class ChannelCreate(Input):
    """A new channel: an Apprise URL, which holds secrets and is never returned whole."""

    name: Name
    url: SecretStr


class Channel(Output):
    """An alert target. `url` is masked in the middle."""

    id: str
    name: str
    url: str
    kind: str = ""
    """What Apprise calls the service, such as Email or Slack."""
    last_sent_at: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None
    created_at: datetime
    created_by: str


class ChannelTest(Output):
    """What became of a test message. `log` is what Apprise said, secrets left out."""

    ok: bool
    sentence: str
    duration_ms: float
    log: str = ""


class RuleCreate(Input):
    """Which problems go to which channels: an integration's (or a connection's) problems to these only.

    With neither id the rule is for all problems. No `environments` means production: testing is silent unless named.
    """

    name: Name
    integration_id: str | None = None
    connection_id: str | None = None
    environments: list[Environment] = []
    channel_ids: list[str] = Field(min_length=1, max_length=50)
    recoveries: bool = True


class RuleEdit(Input):
    """Changes to a rule; what is absent stays."""

    name: Name | None = None
    environments: list[Environment] | None = None
    channel_ids: list[str] | None = Field(default=None, min_length=1, max_length=50)
    recoveries: bool | None = None
    enabled: bool | None = None


class Rule(Output):
    """A rule as it is."""

    id: str
    name: str
    integration_id: str | None = None
    connection_id: str | None = None
    environments: list[Environment] = []
    channel_ids: list[str]
    recoveries: bool = True
    enabled: bool = True
    created_at: datetime
    created_by: str


class Alert(Output):
    """A message of the outbox: one problem's news to one channel."""

    id: str
    problem_id: str | None = None
    channel_id: str
    channel_name: str = ""
    event: AlertEvent
    state: AlertState
    title: str
    body: str
    tries: int
    created_at: datetime
    sent_at: datetime | None = None
    next_attempt_at: datetime | None = None
    error: str = ""
