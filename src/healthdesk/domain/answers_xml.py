"""An answer of XML, SOAP faults among them, as the objects, lists and texts that the same answer has in JSON."""

from __future__ import annotations

from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

_MAX_CHARS = 65_536
_MAX_DEPTH = 30
_MAX_ELEMENTS = 5_000
_TEXT = "text"


def read_xml(text: str) -> dict[str, Any]:
    """Return `{root: value}`, names without prefixes; an element with neither children nor attributes is its text.

    Attributes are members, the text beside them is `text`, and one named `value` alone is the value (as FHIR has it).
    Raises ValueError for what is no XML, is too large or too deep, or declares a document type: entities may stand for
    anything.
    """
    if len(text) > _MAX_CHARS:
        raise ValueError("it is too large")
    reader = _Reader()
    parser = ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refused
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(text, True)  # of a text, the encoding that it declares does not count
    except (ExpatError, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from error
    return reader.root


def _refused(*_declared: Any) -> None:
    raise ValueError("a document type is declared")


class _Reader:
    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []
        self._elements = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if len(self._open) >= _MAX_DEPTH or self._elements > _MAX_ELEMENTS:
            raise ValueError("it is too deep or too large")
        own = {key: value for key, value in attributes.items() if ":" not in key and key != "xmlns"}
        self._open.append((name.rpartition(":")[2], own, []))

    def text(self, text: str) -> None:
        self._open[-1][2].append(text)

    def end(self, _name: str) -> None:
        name, members, texts = self._open.pop()
        text = "".join(texts).strip()
        value: Any = members
        if not members:
            value = text
        elif list(members) == ["value"] and not text:
            value = members["value"]
        elif text:
            members.setdefault(_TEXT, text)
        into = self._open[-1][1] if self._open else self.root
        if name not in into:
            into[name] = value
        elif isinstance(into[name], list):
            into[name].append(value)
        else:
            into[name] = [into[name], value]
