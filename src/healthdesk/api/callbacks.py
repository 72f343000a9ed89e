"""Callbacks: inbound webhooks from apps."""

from __future__ import annotations

from datetime import datetime

from healthdesk.api.common import Input, Output
from healthdesk.api.records import Body
from healthdesk.domain.states import CallbackState, Environment


class Callback(Output):
    """A row of the Callbacks area. `reason` says why it was rejected or failed, or had no effect; `duplicates` counts repeats.

    A receipt has an integration instead of a connection, and once it is verified an environment.
    """

    id: str
    connection_id: str
    connection_name: str = ""
    delivery_id: str
    received_at: datetime
    state: CallbackState
    reason: str = ""
    event: str = ""
    duplicates: int = 0
    size: int = 0
    processed_at: datetime | None = None
    instances: list[str] = []
    """The app's ids of the issues it is about."""
    records: list[str] = []
    """The webhook-ids of the records it is a receipt of."""
    integration_id: str | None = None
    integration_name: str = ""
    environment: Environment | None = None

    @property
    def sender_name(self) -> str:
        """Return the name of the connection or, of a receipt, of the integration."""
        return self.integration_name if self.integration_id else self.connection_name

    @property
    def event_words(self) -> str:
        """Return the event, of a receipt what it says of its record: `receipt (testing): failed`."""
        if self.integration_id is None:
            return self.event
        of = "" if self.environment in (None, Environment.PRODUCTION) else f" ({self.environment})"
        return f"receipt{of}: {self.event}" if self.event else f"receipt{of}"


class CallbackDetail(Callback):
    """A callback with headers and body; a rejected one's body is capped."""

    headers: dict[str, str] = {}
    body: Body | None = None


class CallbackFilter(Input):
    """Which callbacks."""

    connection_id: str | None = None
    integration_id: str | None = None
    """Its receipts."""
    states: list[CallbackState] = []
    arrived_from: datetime | None = None
    arrived_to: datetime | None = None
