"""What is wrong with a connector folder, each with file, line, reason and fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from healthdesk.errors import ManifestRefused


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One mistake. `key` is its dotted place in the manifest. A `warning` may be meant; an `error` cannot work."""

    file: str
    line: int
    key: str
    reason: str
    fix: str = ""
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.file}:{self.line}: {key}{self.reason}"


def refusal(findings: Sequence[Finding]) -> ManifestRefused:
    """Return the error for the first of `findings`, which says how many more there are."""
    first, *others = findings
    more = f" (and {len(others)} more)" if others else ""
    what = f"{first.key}: {first.reason}{more}" if first.key else f"{first.reason}{more}"
    return ManifestRefused(
        what, file=first.file, line=first.line, fix=first.fix, field=first.key, findings=findings
    )
