"""How the demo's CRM misbehaves: which fault a record meets, decided by the record and the order of arrival. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """What the CRM does instead of taking a record."""

    MISSING_FIELD = "422"
    SERVER_ERROR = "500"
    TOO_MANY = "429"
    TIMEOUT = "timeout"
    RESET = "reset"


CYCLE: tuple[tuple[Fault | None, bool], ...] = (
    (None, False),
    (Fault.TOO_MANY, False),
    (None, False),
    (Fault.SERVER_ERROR, True),
    (None, False),
    (Fault.TIMEOUT, False),
    (None, False),
    (Fault.RESET, False),
    (None, False),
    (Fault.SERVER_ERROR, False),
    (None, False),
    (None, False),
)
"""What new records meet, in turn, and whether it lasts until the CRM is repaired (else the next try passes)."""


@dataclass(slots=True)
class Misbehaviour:
    """The CRM's state of mind. While `broken`, records meet their faults; repaired, all are taken."""

    broken: bool = True
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Fault, 0))
    _fates: dict[str, tuple[Fault | None, bool]] = field(default_factory=dict)
    _met: int = 0

    def fault_for(self, webhook_id: str, data: Mapping[str, Any]) -> Fault | None:
        """Return what this request meets, and count it."""
        if not self.broken:
            return None
        fault = Fault.MISSING_FIELD if "risk_level" not in data else self._fate(webhook_id)
        if fault is not None:
            self.counts[fault] += 1
        return fault

    def _fate(self, webhook_id: str) -> Fault | None:
        met_before = webhook_id in self._fates
        if not met_before:
            self._fates[webhook_id] = CYCLE[self._met % len(CYCLE)]
            self._met += 1
        fault, lasts = self._fates[webhook_id]
        return None if met_before and not lasts else fault

    def repair(self) -> None:
        """Take everything from now on."""
        self.broken = False
        self._fates.clear()

    def break_again(self) -> None:
        """Misbehave again."""
        self.broken = True
