"""When a credential ends: which warning is due, and how long it still has in words."""

from __future__ import annotations

from datetime import datetime, timedelta

WARN_DAYS: tuple[int, ...] = (30, 14, 7, 1)
"""Days ahead at which an end is told, each once; 0 stands for the end itself."""

_DAY_S = 86_400.0
_HOUR_S = 3_600.0


def threshold(expires_at: datetime, now: datetime) -> int | None:
    """Return the nearest threshold that is reached: 30, 14, 7, 1, 0 once it is over; None more than 30 days ahead."""
    left = expires_at - now
    if left <= timedelta(0):
        return 0
    reached = [days for days in WARN_DAYS if left <= timedelta(days=days)]
    return min(reached) if reached else None


def due_warning(expires_at: datetime, now: datetime, warned: int | None) -> int | None:
    """Return the threshold to warn of now, or None. `warned` is that of the last warning.

    Thresholds passed meanwhile are one warning, the nearest: a credential with five days to go is told of once.
    """
    reached = threshold(expires_at, now)
    if reached is None or (warned is not None and warned <= reached):
        return None
    return reached


def days_left(expires_at: datetime, now: datetime) -> int:
    """Return the days left, rounded; negative once it is over."""
    return round((expires_at - now).total_seconds() / _DAY_S)


def left_words(expires_at: datetime, now: datetime) -> str:
    """Return how long is left: `6 days`, `1 day`, `5 hours`, `less than an hour` or `expired`."""
    left_s = (expires_at - now).total_seconds()
    if left_s <= 0:
        return "expired"
    hours = round(left_s / _HOUR_S)
    if hours >= 24:
        return _count(max(1, round(left_s / _DAY_S)), "day")
    return _count(hours, "hour") if hours else "less than an hour"


def near_words(expires_at: datetime | None, now: datetime) -> str:
    """Return `left_words` within 30 days of the end, else nothing."""
    if expires_at is None or threshold(expires_at, now) is None:
        return ""
    return left_words(expires_at, now)


def what_ends(auth: str) -> str:
    """Return the word for what ends of the credentials of a method of authentication."""
    return "client certificate" if auth == "mtls" else "token"


def cause_words(expires_at: datetime, now: datetime, auth: str) -> str:
    """Return the cause of the problem: `token expires in 6 days`, `token expired`; of `mtls` it is the certificate's."""
    left = left_words(expires_at, now)
    return f"{what_ends(auth)} expired" if left == "expired" else f"{what_ends(auth)} expires in {left}"


def renewal_words(auth: str) -> str:
    """Return what to do about an end."""
    if auth == "mtls":
        return "Have a new client certificate issued and update the credentials"
    return "Make a new token at the app and update the credentials"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
