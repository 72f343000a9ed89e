"""How long an app asks to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from healthdesk.connectors.spec import RateLimits
from healthdesk.connectors.times import read_time
from healthdesk.domain.retry_after import retry_after_s
from healthdesk.domain.states import ErrorKind

_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


def wait_s(
    limits: RateLimits, headers: Mapping[str, str], kind: ErrorKind, answered_at: datetime
) -> float | None:
    """Return how long the app asks to wait: Retry-After, else until its limit is reset where nothing is left of it."""
    if (
        asked := retry_after_s({"retry-after": headers.get(limits.retry_after.lower(), "")}, answered_at)
    ) is not None:
        return asked
    if not limits.reset or (reset := headers.get(limits.reset.lower(), "").strip()) == "":
        return None
    left = headers.get(limits.remaining.lower(), "").strip() if limits.remaining else ""
    if kind is not ErrorKind.RATE_LIMITED and left not in ("0", "0.0"):
        return None
    if limits.reset_format == "seconds":
        return seconds(reset)
    at = read_time(reset, limits.reset_format)
    return None if at is None else max(0.0, (at - answered_at).total_seconds())


def seconds(told: object) -> float | None:
    """Return a number of seconds that an app tells, or None where it is none."""
    written = "" if isinstance(told, bool) or not isinstance(told, str | int | float) else str(told).strip()
    return float(written) if _SECONDS.fullmatch(written) else None
