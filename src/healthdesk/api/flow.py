"""What keeps deliveries in check: circuits, silence, receipts, lookups."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from healthdesk.api.common import Input, Output
from healthdesk.domain.states import CircuitState, Environment, RecordEventKind


class Circuit(Output):
    """The circuit of an environment. `step` counts the ramp: the concurrency doubles with each."""

    state: CircuitState = CircuitState.CLOSED
    since: datetime | None = None
    next_probe_at: datetime | None = None
    step: int = 0
    reason: str = ""


class CircuitChange(Input):
    """Close an open circuit now (`close`), probe it now (`probe`), or open it by hand (`open`)."""

    environment: Environment
    do: Literal["close", "probe", "open"]


class Silence(Input):
    """When a source's silence is a problem: `after_s` seconds; 0 never; None as learnt from its usual gaps."""

    integration_id: str
    environment: Environment = Environment.PRODUCTION
    after_s: float | None = Field(default=None, ge=0, le=366 * 86400)


class SourcePulse(Output):
    """How often a source sends to an integration. `usual_s` is learnt, `after_s` when its silence becomes a problem."""

    source: str
    integration_id: str
    integration_name: str = ""
    environment: Environment
    last_at: datetime | None = None
    usual_s: float | None = None
    set_s: float | None = None
    after_s: float | None = None
    silent_at: datetime | None = None
    silent: bool = False


class RecordEvent(Output):
    """What happened to a record beside its attempts: a fix, a lookup, a receipt, a deadline."""

    id: str
    at: datetime
    kind: RecordEventKind
    by: str = ""
    sentence: str = ""


class LookedUp(Output):
    """What the endpoint said when it was asked for a record. `found` is None when it left it open.

    `asked_at` is when it is asked, where its rate allows no question before: the answer is in the record's timeline then.
    """

    found: bool | None
    sentence: str
    status: int | None = None
    asked_at: datetime | None = None
