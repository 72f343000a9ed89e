"""Reads Retry-After: seconds, or an HTTP date."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,6})?", re.ASCII)
_DATE = re.compile(
    r"[a-z]{3}, (\d{1,2})[ -]([a-z]{3})[ -](\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:gmt|utc|\+0000)", re.ASCII
)


def retry_after_s(headers: Mapping[str, str], answered_at: datetime) -> float | None:
    """Return how long the answer asks to wait, or None when it does not (or not understandably) say."""
    text = (
        next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip().lower()
    )
    if _SECONDS.fullmatch(text):
        return float(text)
    date = _DATE.fullmatch(text)
    if date is None or date[2] not in _MONTHS:
        return None
    try:
        at = datetime(
            int(date[3]),
            _MONTHS.index(date[2]) + 1,
            int(date[1]),
            int(date[4]),
            int(date[5]),
            int(date[6]),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return max(0.0, (at - answered_at).total_seconds())
