"""The ledger: every record counted in one state, and of a period for one reason."""

from __future__ import annotations

from datetime import datetime

from healthdesk.api.common import Input, Output
from healthdesk.domain.states import (
    Environment,
    RecordState,
)


class LedgerRow(Output):
    """Totals of one environment. It balances when `accepted` equals the sum of `states` plus `removed`.

    Of a period, `accepted` are the records that arrived in it and are still there, counted by themselves; `samples` are
    how many of them are samples.
    """

    integration_id: str
    integration_name: str = ""
    environment: Environment
    accepted: int
    removed: int = 0
    states: dict[str, int]
    balanced: bool
    samples: int = 0


class LedgerLine(Output):
    """Records of a period in one state for one reason: why it is held, its kind of error, or that it was confirmed.

    `reason` is a hold reason, an error kind, `receipt` or empty.
    """

    integration_id: str
    environment: Environment
    state: RecordState
    reason: str = ""
    sample: bool = False
    count: int


class Ledger(Output):
    """The ledger of the desk, or of the records that arrived in [arrived_from, arrived_to). `lines` are a period's."""

    rows: list[LedgerRow]
    balanced: bool
    arrived_from: datetime | None = None
    arrived_to: datetime | None = None
    lines: list[LedgerLine] = []


class LedgerQuery(Input):
    """Which records the ledger counts; without any, all there ever were."""

    arrived_from: datetime | None = None
    arrived_to: datetime | None = None
    integration_id: str | None = None
    environment: Environment | None = None
