"""Lengths of time as people type them."""

from __future__ import annotations

import re

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SPAN = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)([smhdw]?)", re.ASCII)
DURATION = re.compile(r"([0-9]{1,6})([smhdw])")


def parse_duration(text: str) -> int:
    """Return the seconds in `90s`, `15m`, `2h`, `7d`, `1w`, or a plain number of seconds; else ValueError."""
    if text.isascii() and text.isdigit():
        return int(text)
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 90s, 15m, 2h or 7d")
    return int(match[1]) * UNITS_S[match[2]]


def parse_span(text: str) -> float:
    """Return the seconds in what `format_span` writes or `parse_duration` reads, parts of a unit too: `59.5s`; else ValueError."""
    match = SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time such as 59.5s, 15m, 2h or 7d")
    return float(match[1]) * UNITS_S[match[2] or "s"]


def format_span(seconds: float) -> str:
    """Return a time span as it is typed: `90s`, `59.5s`, `5m`, `1h`, `2d`."""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.15g}s"
