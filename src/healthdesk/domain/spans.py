"""Stretches of a text, by where they begin and end."""

from __future__ import annotations

from collections.abc import Iterator

MASK = "••••"

Span = tuple[int, int]


def stands_alone(text: str, start: int, end: int) -> bool:
    """Tell whether a stretch of a text is no part of a longer word."""
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    return not (before.isalnum() or before == "_" or after.isalnum() or after == "_")


def places(shown: str, word: str, *, alone: bool = True) -> Iterator[Span]:
    """Find where a word stands, alone or anywhere."""
    at = shown.find(word)
    while at >= 0:
        if not alone or stands_alone(shown, at, at + len(word)):
            yield at, at + len(word)
        at = shown.find(word, at + 1)


def is_within(span: Span, place: Span) -> bool:
    """Tell whether a span lies in a place, its ends included."""
    return place[0] <= span[0] and span[1] <= place[1]


def masked(shown: str, hidden: list[Span]) -> str:
    """Return the text with spans, in the order they begin, masked: those that touch become one mask."""
    pieces: list[str] = []
    position = 0
    for start, end in hidden:
        if end <= position:
            continue
        between = shown[position:start]
        if not pieces or between.strip(" -./,"):
            pieces += [between, MASK]
        position = end
    return "".join(pieces) + shown[position:]
