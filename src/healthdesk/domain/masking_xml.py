"""XML with its values masked: elements and the names of attributes stay, and their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import escape

from healthdesk.domain.scrubbing import MASK

_MAX_DEPTH = 100
_INDENT = "  "


def mask_xml(body: bytes, mask_name: Callable[[str], str], mask_text: Callable[[str, str], str]) -> str:
    """Return a document with the value of each attribute masked, and without comments.

    `mask_name` returns what is shown of a name, `mask_text` what is shown of a text in an element of a name. Raises ValueError for what is no XML, is nested too deeply, or declares a
    document type: entities may stand for anything.
    """
    writer = _Writer(mask_name, mask_text)
    parser = ParserCreate()
    parser.buffer_text = True
    parser.ordered_attributes = True
    parser.StartDoctypeDeclHandler = _refused
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.CharacterDataHandler = writer.text
    try:
        parser.Parse(body, True)
    except (ExpatError, LookupError) as error:
        raise ValueError(str(error)) from error
    return "\n".join(writer.lines)


def _refused(*_declared: Any) -> None:
    raise ValueError("a document type is declared")


class _Writer:
    """Writes each element on a line of its own, one that holds a text alone with it."""

    def __init__(self, mask_name: Callable[[str], str], mask_text: Callable[[str, str], str]) -> None:
        self.lines: list[str] = []
        self._name = mask_name
        self._shown = mask_text
        self._open: list[tuple[str, int]] = []
        """Of each element that is open its name, and on which line it begins."""
        self._last_is_text = False

    def start(self, name: str, attributes: list[str]) -> None:
        if len(self._open) >= _MAX_DEPTH:
            raise ValueError("it is nested too deeply")
        pairs = zip(attributes[::2], attributes[1::2], strict=True)
        written = "".join(f' {self._name(key)}="{MASK if value else ""}"' for key, value in pairs)
        self._line(f"<{self._name(name)}{written}>")
        self._open.append((name, len(self.lines) - 1))

    def text(self, text: str) -> None:
        shown = escape(self._shown(self._open[-1][0], text)) if text.strip() else ""
        if shown and not (self._last_is_text and shown == MASK):
            self._line(shown)
            self._last_is_text = True

    def end(self, name: str) -> None:
        first = self._open.pop()[1]
        last = f"</{self._name(name)}>"
        if len(self.lines) == first + 1:
            self.lines[first] = f"{self.lines[first][:-1]}/>"
        elif len(self.lines) == first + 2 and self._last_is_text:
            self.lines[first:] = [f"{self.lines[first]}{self.lines[-1].strip()}{last}"]
        else:
            self._line(last)
        self._last_is_text = False

    def _line(self, text: str) -> None:
        self._last_is_text = False
        self.lines.append(f"{_INDENT * len(self._open)}{text}")
