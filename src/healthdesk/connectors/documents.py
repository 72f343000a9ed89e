"""Reads the body of an answer as what was asked for: JSON, XML or text; or says what came instead."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Never
from xml.parsers.expat import ExpatError

import xmltodict

from healthdesk.domain.exchange import Exchange
from healthdesk.domain.states import ErrorKind

Wanted = Literal["json", "xml", "text", "none"]

_HTML = re.compile(rb"\s*<(?:!doctype\s+html|html|head)\b", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,40}/[\w.+-]{1,60}", re.ASCII)
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})", re.ASCII | re.IGNORECASE)
# Decoders that are cheap whatever the bytes are; anything else is read as UTF-8.
_CHARSETS = {
    "us-ascii": "utf-8",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "iso-8859-1": "latin-1",
    "iso-8859-15": "iso8859-15",
    "windows-1252": "cp1252",
    "utf-16": "utf-16",
}
_ANY_TYPE = frozenset({"", "*/*"})
_NAMES = {"json": "JSON", "xml": "XML", "text": "text"}
# A value takes some hundred bytes once it is read, whatever it took in the answer: `[]` is two.
_FEW_BYTES = 65_536
_BYTES_A_VALUE = 13


@dataclass(frozen=True, slots=True)
class Document:
    """What a body holds. `value` is None where it could not be read; `fault` says what came instead, and is empty else.

    `fault` ends a sentence such as `GitHub answered 200 …`; `safe` is the same in our own words only.
    """

    value: object = None
    fault: str = ""
    safe: str = ""
    kind: ErrorKind = ErrorKind.UNEXPECTED_ANSWER


def read_document(
    exchange: Exchange, headers: Mapping[str, str], wanted: Wanted, most_bytes: int
) -> Document:
    """Read the body of an answer. `headers` have lower-case names. Never raises."""
    content_type = headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    body = exchange.response_body
    if wanted in ("none", "text"):
        return _loosely(body, media_type, content_type, exchange, most_bytes, wanted)
    if "html" in media_type or (_HTML.match(body) and "xml" not in media_type):
        return _fault("a web page", wanted, shown=media_type)
    if wanted not in media_type and media_type not in _ANY_TYPE:
        return _other_type(media_type, wanted)
    if not exchange.response_cut and not body.strip():
        return _fault("an empty answer", wanted)
    if (cut := _cut(exchange, most_bytes)) is not None:
        return cut
    return _parsed(body, content_type, wanted, most_bytes)


def _loosely(
    body: bytes, media_type: str, content_type: str, exchange: Exchange, most_bytes: int, wanted: Wanted
) -> Document:
    """Read a body whose form does not matter: what can be read serves the error rules."""
    if wanted == "text":
        if (cut := _cut(exchange, most_bytes)) is not None:
            return cut
        try:
            return Document(_decoded(body, content_type))
        except ValueError:
            return _fault("text that is not in its encoding", "")
    if exchange.response_cut or not body:
        return Document()
    for each in ("json", "xml"):
        if each in media_type and "html" not in media_type:
            return Document(_parsed(body, content_type, each, most_bytes).value)
    return Document()


def _cut(exchange: Exchange, most_bytes: int) -> Document | None:
    if not exchange.response_cut:
        return None
    if (error := exchange.body_error) is not None:
        return Document(
            fault="and broke off: " + error.sentence, safe="and its answer broke off", kind=error.kind
        )
    return _too_large(f"more than {most_bytes // 1024} KiB, which is not read")


def _too_large(what: str) -> Document:
    return Document(fault=f"with {what}", safe=f"with {what}", kind=ErrorKind.RESPONSE_TOO_LARGE)


def _other_type(media_type: str, wanted: Wanted) -> Document:
    if _MEDIA_TYPE.fullmatch(media_type):
        return Document(
            fault=f"with {media_type} instead of {_NAMES[wanted]}",
            safe=f"with something else than {_NAMES[wanted]}",
        )
    return _fault("something else", wanted)


def _fault(what: str, wanted: str, *, shown: str = "") -> Document:
    instead = f" instead of {_NAMES[wanted]}" if wanted in _NAMES else ""
    kind = f" ({shown})" if _MEDIA_TYPE.fullmatch(shown) else ""
    return Document(fault=f"with {what}{kind}{instead}", safe=f"with {what}{instead}")


def _parsed(body: bytes, content_type: str, wanted: str, most_bytes: int) -> Document:
    if len(body) > _FEW_BYTES and _values_in(body) > max(most_bytes // _BYTES_A_VALUE, 20_000):
        return _too_large("more values than are read")
    try:
        if wanted == "xml":
            return Document(xmltodict.parse(body))
        return Document(_JSON.decode(_decoded(body, content_type).removeprefix("\ufeff")))
    except UnicodeDecodeError:
        return _fault("text that is not UTF-8", wanted)
    except RecursionError:
        return _fault(f"{_NAMES[wanted]} that is nested too deeply", "")
    except (ValueError, ExpatError, LookupError):
        return _fault(f"something that is not {_NAMES[wanted]}", "")


def _values_in(body: bytes) -> int:
    """Return about how many values a body holds, without reading it."""
    return body.count(b",") + body.count(b"[") + body.count(b"{") + 2 * body.count(b"<")


def _decoded(body: bytes, content_type: str) -> str:
    given = _CHARSET.search(content_type)
    return body.decode(_CHARSETS.get(given[1].lower(), "utf-8") if given else "utf-8")


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


_JSON = json.JSONDecoder(parse_constant=_no_constant)
