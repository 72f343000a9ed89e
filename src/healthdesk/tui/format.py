"""The only way from untrusted text to the terminal: no markup, no control characters, cell width measured.

View functions build `Line`s of `Span`s, which name a tone, never a colour. Here they become Textual `Content`
(for panes) or cells of an exact width (for tables).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len, set_cell_size
from textual.content import Content


class Tone(StrEnum):
    """What a piece of text means; the theme decides how that looks."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    ACCENT = "accent"
    BAD = "bad"
    WARN = "warn"
    GOOD = "good"


STYLES = {
    Tone.PLAIN: "",
    Tone.DIM: "dim",
    Tone.STRONG: "bold",
    Tone.ACCENT: "$text-accent",
    Tone.BAD: "$text-error",
    Tone.WARN: "$text-warning",
    Tone.GOOD: "$text-success",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text with a tone."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Span, ...]

ASCII = {
    "✗": "x", "✓": "v", "●": "o", "○": "-", "↻": "~", "⏸": "=", "◷": "@", "⚠": "!", "▪": "#", "⌂": "^", "…": "~",
    "–": "-", "—": "-", "·": "-", "›": ">", "•": "*", "→": ">", "←": "<", "↑": "^", "↓": "v", "─": "-", "│": "|",
    "▁": "_", "▃": "=", "▒": ":", "▓": "#", "░": ".", "█": "#", "⏎": " ", "“": '"', "”": '"', "’": "'", "‘": "'", "▸": ">", "▲": "^", "□": "?",
}  # fmt: skip


def clean(text: str, *, ascii_only: bool = False) -> str:
    """Return `text` as one line that cannot move the cursor, hide itself, or widen what follows."""
    if text.isascii() and text.isprintable():
        return text
    out: list[str] = []
    marks = 0
    for char in text:
        if char in "\n\r\t\u2028\u2029":
            out.append(" ")
            continue
        category = unicodedata.category(char)
        if category in ("Cf", "Cs", "Co", "Cn") or "\ufe00" <= char <= "\ufe0f":
            continue
        if category == "Cc":
            out.append("□")
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= 2:
            out.append(char)
    result = "".join(out)
    return to_ascii(result) if ascii_only else result


def to_ascii(text: str) -> str:
    """Return `text` for a terminal that is not UTF-8: our glyphs as letters, everything else as `?`."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else ASCII.get(char) or _plain_letter(char) for char in text)


def _plain_letter(char: str) -> str:
    base = unicodedata.normalize("NFKD", char)[:1]
    return base if base.isascii() and base.isprintable() and base else "?"


def fit(text: str, width: int, *, right: bool = False, ascii_only: bool = False) -> str:
    """Return cleaned `text` in exactly `width` cells, cut with an ellipsis or padded."""
    text = clean(text, ascii_only=ascii_only)
    if width <= 0:
        return ""
    length = cell_len(text)
    if length == width:
        return text
    if length < width:
        return " " * (width - length) + text if right else text + " " * (width - length)
    ellipsis = "~" if ascii_only else "…"
    return set_cell_size(text, width - 1) + ellipsis


def line(*parts: str | Span) -> Line:
    """Return a line of plain strings and spans."""
    return tuple(Span(part) if isinstance(part, str) else part for part in parts if part)


def dim(text: str) -> Span:
    """Return `text` in the quiet tone."""
    return Span(text, Tone.DIM)


def strong(text: str) -> Span:
    """Return `text` in the loud tone."""
    return Span(text, Tone.STRONG)


def key(text: str) -> Span:
    """Return `text` as the name of a key to press."""
    return Span(text, Tone.ACCENT)


def width_of(text: str) -> int:
    """Return how many cells `text` takes once cleaned."""
    return cell_len(clean(text))


def content(lines: Iterable[Line], *, ascii_only: bool = False) -> Content:
    """Return `lines` as Content for a Static: each span cleaned, nothing parsed as markup."""
    return Content("\n").join(one_line(item, ascii_only=ascii_only) for item in lines)


def one_line(parts: Line, *, ascii_only: bool = False) -> Content:
    """Return one line as Content."""
    return Content.assemble(*((clean(span.text, ascii_only=ascii_only), STYLES[span.tone]) for span in parts))


def plain(lines: Iterable[Line]) -> str:
    """Return `lines` as plain text, for the clipboard and for tests."""
    return "\n".join("".join(clean(span.text) for span in item) for item in lines)


def block(text: str) -> list[str]:
    """Split untrusted text into its lines, line ends of every kind; each is cleaned later."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
