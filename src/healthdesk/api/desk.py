"""The desk itself: status, activity, live events and preferences."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from healthdesk.api.common import Input, Output
from healthdesk.domain.states import Role


class You(Output):
    """The operator the kernel named on this socket."""

    user: str
    role: Role


class Status(Output):
    """How the desk is. `sentence` is the worst thing first; `counts` are the numbers behind it.

    `counts` keys: connections, connections_failing, connections_suspect, problems_open, problems_acknowledged,
    records_queued, records_sending, records_retrying, records_failed, records_held, records_unknown,
    records_awaiting_receipt, records_delivered, records_accepted, the same of testing as testing_queued and so on,
    tasks_failed, proof_failed, callbacks_rejected_24h, alerts_failed. `records_…` are those of production.
    """

    version: str
    api_version: int
    daemon_id: str
    started_at: datetime
    now: datetime
    database: str
    """`sqlite` or `postgresql`."""
    writable: bool
    offline_since: datetime | None = None
    """Since when this daemon reaches no other host, so that it judges none; null while it does."""
    public_url: str
    you: You
    sentence: str
    counts: dict[str, int]
    administrators: list[str] = []
    """Whom to ask."""
    connectors_left_out: list[str] = []
    """Connectors that cannot be used: file, line and reason of each."""


class Activity(Output):
    """Who did what. `detail` never holds a secret or a value of a record."""

    id: str
    at: datetime
    user: str
    verb: str
    object_kind: str
    object_id: str
    object_name: str = ""
    detail: dict[str, Any] = {}


class Event(Output):
    """A change, as sent on `/v1/events`: `id` orders and resumes, `kind` is `<noun>.changed` or `reset`.

    `reset` says that events were missed: read again what is shown.
    Nouns: record, attempt, connection, integration, source, callback, problem, alert, channel, rule, activity.
    """

    id: str
    at: datetime
    kind: str
    object_id: str = ""
    data: dict[str, Any] = {}


class Preference(Input):
    """A value kept per operator, such as the log's filter."""

    value: Any
