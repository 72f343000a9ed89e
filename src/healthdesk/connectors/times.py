"""Reads the times that apps tell, in the formats they have for them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

TimeFormat = Literal["iso", "epoch_s", "epoch_ms", "http"]

_NUMBER = re.compile(r"\d{1,16}(?:\.\d{1,9})?", re.ASCII)
# GitHub writes `2026-12-31 23:59:59 UTC`, and an offset after a space where the account has another zone.
_ZONE = re.compile(r"\s+(?:UTC|GMT|Z)$", re.IGNORECASE)
_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")


def read_time(value: object, format: TimeFormat = "iso") -> datetime | None:
    """Return a time of an answer in UTC, or None where it is none. One without a zone is in UTC, a date its first moment."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        written = str(value).strip()[:64]
        if format in ("epoch_s", "epoch_ms"):
            if not _NUMBER.fullmatch(written):
                return None
            return datetime.fromtimestamp(float(written) / (1000 if format == "epoch_ms" else 1), UTC)
        if format == "http":
            at = parsedate_to_datetime(written)
        else:
            at = datetime.fromisoformat(_OFFSET.sub("", _ZONE.sub("+00:00", written)))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
