"""Rows of callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from healthdesk.domain.states import CallbackState, Environment


@dataclass(frozen=True, slots=True)
class NewCallback:
    """A callback to store; `body` of a rejected one is capped by the caller, `body_cut` says so."""

    id: str
    connection_id: str
    delivery_id: str
    received_at: datetime
    state: CallbackState
    headers: Mapping[str, str]
    body: bytes
    reason: str = ""
    event: str = ""
    body_cut: bool = False
    content_type: str = ""
    size: int | None = None
    """Bytes received, where `body` was cut."""
    integration_id: str | None = None
    """Of a receipt, as `environment` is once it is verified."""
    environment: Environment | None = None


@dataclass(frozen=True, slots=True)
class StoredCallback:
    """The answer to a stored callback; `duplicate` means that this delivery id was stored before as `id`."""

    id: str
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class CallbackRow:
    """A row of the Callbacks area."""

    id: str
    connection_id: str
    connection_name: str
    delivery_id: str
    received_at: datetime
    state: CallbackState
    reason: str
    event: str
    duplicates: int
    size: int
    processed_at: datetime | None
    instances: tuple[str, ...] = ()
    """The app's ids of the issues it is about."""
    records: tuple[str, ...] = ()
    """The webhook-ids of the records it is a receipt of."""
    integration_id: str | None = None
    """Of a receipt."""
    integration_name: str = ""
    environment: Environment | None = None
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Filled by `callbacks.get` only, as `body` is."""
    body: bytes | None = None
    body_cut: bool = False


@dataclass(frozen=True, slots=True)
class WaitingCallback:
    """An accepted callback that is still to be processed. `app` is empty when its connection is gone."""

    id: str
    app: str
    event: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ProcessedCallback:
    """What a callback turned out to be about, by the app's ids; `error` says why that could not be told."""

    id: str
    instances: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    error: str = ""
