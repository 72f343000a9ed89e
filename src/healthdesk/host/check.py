"""One finding of `healthdesk doctor`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class CheckStatus(StrEnum):
    """`warn` lets the desk run; `fail` does not, or loses something."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found in a sentence, and what to do about it (empty when all is well)."""

    name: str
    status: CheckStatus
    sentence: str
    fix: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the finding as JSON values."""
        return {"name": self.name, "status": self.status.value, "sentence": self.sentence, "fix": self.fix}


def worst(checks: Iterable[Check]) -> CheckStatus:
    """Return the worst status of all."""
    found = {check.status for check in checks}
    return next(
        (status for status in (CheckStatus.FAIL, CheckStatus.WARN) if status in found), CheckStatus.OK
    )
