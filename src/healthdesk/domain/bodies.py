"""Bodies: what a document is as JSON, as a form or as XML, the same bytes each time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn
from urllib.parse import urlencode

import xmltodict

from healthdesk.domain.fields import kind_of
from healthdesk.domain.states import BodyFormat
from healthdesk.domain.templating import join_path, text_of
from healthdesk.errors import MappingError

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
XML_TYPE = "application/xml; charset=utf-8"

# Names of XML 1.0 (www.w3.org/TR/xml, production 5) as far as the Basic Multilingual Plane goes, without the colon, which
# is for namespaces: a prefix may be written, once.
_START = "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff"
_REST = _START + r"\-.0-9\u00b7\u0300-\u036f\u203f\u2040"
_XML_NAME = re.compile(f"[{_START}][{_REST}]*(:[{_START}][{_REST}]*)?")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_FIX = "set, rename or remove it in the mapping"


def check_xml_root(name: str) -> None:
    """Raise MappingError for what cannot be the name of an element."""
    if not _XML_NAME.fullmatch(name):
        raise MappingError(
            f"“{name}” cannot be the name of an element", fix="such as record", field="xml_root"
        )


def _constant(_text: str) -> NoReturn:
    raise ValueError("no JSON")


def parse_data(data: bytes) -> Any:
    """Return a record's data. Raises MappingError where it is no JSON, or holds a number that nobody can keep."""
    try:
        return json.loads(data, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise MappingError(
            "the record's body is no JSON, and a mapping needs it", fix="post JSON as data"
        ) from None


def plain_data(data: bytes) -> Any:
    """Return a record's data as far as it can be read: to be looked through for its values, never to be sent."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode(errors="replace")


def render_body(body: BodyFormat, document: Any, xml_root: str = "record") -> tuple[bytes, str]:
    """Return a document's bytes and their content type. Raises MappingError for what the format has no way to say."""
    try:
        if body is BodyFormat.FORM:
            return _form(document), FORM_TYPE
        if body is BodyFormat.XML:
            return _xml(document, xml_root), XML_TYPE
        return _json(document), JSON_TYPE
    except RecursionError:
        raise MappingError(f"the record's data is nested too deeply for {body.value}", fix=_FIX) from None


def _json(document: Any) -> bytes:
    try:
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode()
    except ValueError:  # also of a lone surrogate, which UTF-8 has no bytes for
        raise MappingError("the record's data cannot be written as JSON", fix=_FIX) from None


def _form(document: Any) -> bytes:
    """Return `a=1&b.c=2&list=x&list=y`: members of objects by their path, elements of lists by the name of the list."""
    if not isinstance(document, dict):
        raise MappingError(f"a form is made of an object, and this is {kind_of(document)}", fix=_FIX)
    try:
        return urlencode(list(_pairs(document, ()))).encode()
    except UnicodeEncodeError:
        raise MappingError("the record's data cannot be written as a form", fix=_FIX) from None


def _pairs(value: Any, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _pairs(each, (*names, name))
    elif isinstance(value, list) and not any(isinstance(each, dict | list) for each in value):
        for each in value:
            yield join_path(names), _text_at(each, join_path(names))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _pairs(each, (*names, str(number)))
    else:
        yield join_path(names), _text_at(value, join_path(names))


def _text_at(value: Any, place: str) -> str:
    try:
        return text_of(value)
    except MappingError as error:
        raise MappingError(f"at {place} {error.what}", fix=_FIX) from None


def _xml(document: Any, root: str) -> bytes:
    """Return an element `root`: members are elements, lists repeat theirs, `@name` is an attribute, `#text` its text."""
    made = _element(document, root)
    if isinstance(made, list):
        made = {"item": made}
    text: str = xmltodict.unparse({root: made}, short_empty_elements=True)
    return text.encode()


def _element(value: Any, place: str) -> Any:
    if isinstance(value, dict):
        for name in value:
            if name != "#text" and not _XML_NAME.fullmatch(name.removeprefix("@")):
                raise MappingError(f"“{name}” at {place} cannot be the name of an element", fix=_FIX)
            if name.startswith(("@", "#")) and isinstance(value[name], dict | list):
                raise MappingError(f"{name} at {place} is {kind_of(value[name])}, not a text", fix=_FIX)
        return {name: _element(each, f"{place}.{name}") for name, each in value.items()}
    if isinstance(value, list):
        return [
            {"item": _element(each, place)} if isinstance(each, list) else _element(each, place)
            for each in value
        ]
    if value is None:
        return None
    text = _text_at(value, place)
    if _NOT_XML.search(text):
        raise MappingError(f"the value at {place} holds a character that XML has no place for", fix=_FIX)
    return text
