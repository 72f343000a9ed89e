"""XML with its values masked: elements and the names of attributes stay, and their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

from healthdesk.domain.scrubbing import MASK

_MAX_DEPTH = 100
_INDENT = "  "


def mask_xml(body: bytes, mask_name: Callable[[str], str]) -> str:
    """Return a document with each text and the value of each attribute masked; comments are left out.

    `mask_name` returns what is shown of a name. Raises ValueError for what is no XML, is nested too deeply, or declares a
    document type: entities may stand for anything.
    """
    writer = _Writer(mask_name)
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

    def __init__(self, mask_name: Callable[[str], str]) -> None:
        self.lines: list[str] = []
        self._name = mask_name
        self._open: list[int] = []
        """On which line each element that is open begins."""

    def start(self, name: str, attributes: list[str]) -> None:
        if len(self._open) >= _MAX_DEPTH:
            raise ValueError("it is nested too deeply")
        pairs = zip(attributes[::2], attributes[1::2], strict=True)
        written = "".join(f' {self._name(key)}="{MASK if value else ""}"' for key, value in pairs)
        self._line(f"<{self._name(name)}{written}>")
        self._open.append(len(self.lines) - 1)

    def text(self, text: str) -> None:
        if text.strip() and self.lines[-1].strip() != MASK:
            self._line(MASK)

    def end(self, name: str) -> None:
        first = self._open.pop()
        last = f"</{self._name(name)}>"
        if len(self.lines) == first + 1:
            self.lines[first] = f"{self.lines[first][:-1]}/>"
        elif len(self.lines) == first + 2 and self.lines[-1].strip() == MASK:
            self.lines[first:] = [f"{self.lines[first]}{MASK}{last}"]
        else:
            self._line(last)

    def _line(self, text: str) -> None:
        self.lines.append(f"{_INDENT * len(self._open)}{text}")
