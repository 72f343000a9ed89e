"""Bodies for people: JSON indented and coloured, anything else as it is, long ones cut."""

from __future__ import annotations

import json
import re

from healthdesk.api.records import Body
from healthdesk.tui.format import Line, Span, Tone, block, dim, line
from healthdesk.tui.view.words import plural

MOST_LINES = 2000
PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b')


def body_lines(body: Body | None, *, nothing: str = "nothing") -> list[Line]:
    """Return a stored body as lines."""
    if body is None:
        return [line(dim(f"({nothing})"))]
    if body.base64 is not None:
        return [
            line(dim(f"({plural(body.size, 'byte')} that are not text, shown as base64)")),
            line(body.base64),
        ]
    if body.text is None:
        return [line(dim("(removed by retention)"))]
    if not body.text:
        return [line(dim(f"({nothing})"))]
    lines = text_lines(body.text)
    if body.cut:
        lines.append(line(Span(f"… cut; the whole was {plural(body.size, 'byte')}", Tone.WARN)))
    return lines


def text_lines(text: str) -> list[Line]:
    """Return text as lines: coloured when it is JSON."""
    pretty = indent(text)
    raw = block(text if pretty is None else pretty)
    lines = [line(item) if pretty is None else highlight(item) for item in raw[:MOST_LINES]]
    if len(raw) > MOST_LINES:
        lines.append(line(dim(f"… {plural(len(raw) - MOST_LINES, 'more line')}; `y` copies all")))
    return lines


def indent(text: str) -> str | None:
    """Return JSON text indented, or None when it is not JSON. Every token stays as it was written."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    out: list[str] = []
    depth = 0
    pieces = PIECE.findall(text)
    for index, piece in enumerate(pieces):
        if piece in ("{", "["):
            depth += 1
            empty = pieces[index + 1] in ("}", "]")
            out.append(piece if empty else piece + _margin(depth))
        elif piece in ("}", "]"):
            depth -= 1
            empty = pieces[index - 1] in ("{", "[")
            out.append(piece if empty else _margin(depth) + piece)
        elif piece == ",":
            out.append("," + _margin(depth))
        elif piece == ":":
            out.append(": ")
        else:
            out.append(piece)
    return "".join(out)


def _margin(depth: int) -> str:
    return "\n" + "  " * depth


def highlight(text: str) -> Line:
    """Return one line of JSON with keys, strings and numbers told apart."""
    spans: list[Span] = []
    at = 0
    for match in TOKEN.finditer(text):
        if match.start() > at:
            spans.append(Span(text[at : match.start()], Tone.DIM))
        string, colon, number, word = match.groups()
        if string is not None:
            masked = set(string[1:-1]) == {"•"}
            tone = Tone.ACCENT if colon else Tone.DIM if masked else Tone.GOOD
            spans.append(Span(string, tone))
            if colon:
                spans.append(Span(colon, Tone.DIM))
        else:
            spans.append(Span(number or word, Tone.WARN))
        at = match.end()
    if at < len(text):
        spans.append(Span(text[at:], Tone.DIM))
    return tuple(spans)
