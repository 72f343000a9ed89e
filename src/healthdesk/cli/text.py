"""Untrusted text on a terminal: nothing that moves the cursor, hides, or widens what follows."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_ASCII = {
    "✗": "x", "✓": "v", "●": "*", "○": "-", "↻": "~", "⏸": "=", "◷": "@", "⚠": "!", "›": ">", "▸": ">",
    "…": "~", "–": "-", "—": "-", "·": "-", "•": "*", "→": ">", "←": "<", "“": '"', "”": '"', "’": "'",
    "‘": "'", "─": "-", "□": "?",
}  # fmt: skip
_BLANK = "\n\r\t\v\f\x85\u2028\u2029"
_HIDDEN = frozenset({"Cf", "Cs", "Co", "Cn"})
_MARKS = frozenset({"Mn", "Me"})
_MOST_MARKS = 2


def clean(text: str, *, ascii_only: bool = False) -> str:
    """Return `text` as one line of printable characters.

    Control characters become `□`, line ends and tabs a space; format characters (direction overrides,
    zero width) are left out, and no more than two combining marks stand on one character.
    """
    if text.isascii() and text.isprintable():
        return text
    out: list[str] = []
    marks = 0
    for char in text:
        if char in _BLANK:
            out.append(" ")
            continue
        category = unicodedata.category(char)
        if category in _HIDDEN or "\ufe00" <= char <= "\ufe0f":
            continue
        if category == "Cc":
            out.append("□")
            continue
        marks = marks + 1 if category in _MARKS else 0
        if marks <= _MOST_MARKS:
            out.append(char)
    line = "".join(out)
    return to_ascii(line) if ascii_only else line


def clean_block(text: str, *, ascii_only: bool = False) -> list[str]:
    """Return `text` as lines, each cleaned; tabs stay as blanks up to the next stop."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [clean(line.expandtabs(4), ascii_only=ascii_only) for line in lines]


def to_ascii(text: str) -> str:
    """Return `text` for a terminal that is not UTF-8: our glyphs as ASCII, other characters as `?`."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else _ASCII.get(char) or _base(char) for char in text)


def _base(char: str) -> str:
    base = unicodedata.normalize("NFKD", char)[:1]
    return base if base.isascii() and base.isprintable() else "?"


def char_cells(char: str) -> int:
    """Return how many cells of the terminal a cleaned character takes."""
    if char.isascii():
        return 1
    if unicodedata.category(char) in _MARKS:
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def cells(text: str) -> int:
    """Return how many cells of the terminal cleaned `text` takes."""
    if text.isascii():
        return len(text)
    return sum(char_cells(char) for char in text)


def cut(text: str, width: int, *, ascii_only: bool = False) -> str:
    """Return cleaned `text` in at most `width` cells, with an ellipsis where something is missing."""
    if cells(text) <= width:
        return text
    room = width - 1
    kept: list[str] = []
    for char in text:
        room -= char_cells(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + ("~" if ascii_only else "…") if width > 0 else ""


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` filled with blanks to `width` cells."""
    blanks = " " * max(0, width - cells(text))
    return blanks + text if right else text + blanks


def wrap(text: str, width: int, *, indent: str = "", hang: str = "") -> Iterator[str]:
    """Yield cleaned `text` as lines of at most `width` cells: the first after `indent`, those that follow after `hang`."""
    line, empty = indent, True
    for word in text.split():
        if not empty and cells(line) + 1 + cells(word) > width:
            yield line
            line, empty = hang, True
        line = cut(f"{line}{word}" if empty else f"{line} {word}", width)
        empty = False
    yield line
