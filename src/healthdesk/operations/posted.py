"""A record that an operator adds, as the bytes an upstream system would have posted."""

from __future__ import annotations

import json
import re

from healthdesk.api.records import OperatorRecordCreate
from healthdesk.errors import Malformed

_SPACE = re.compile(r"[ \t\n\r]*")
_decoder = json.JSONDecoder()


def data_of(raw: bytes) -> bytes:
    """Return the exact bytes of the member `data` of a JSON object that was parsed before."""
    try:
        text = raw.decode()
        return _scan(text).encode()
    except (ValueError, IndexError, RecursionError):
        raise Malformed("the body is not JSON in UTF-8", fix="send a JSON object") from None


def _scan(text: str) -> str:
    found: str | None = None
    position = _skip(text, 0) + 1
    while True:
        key, position = _decoder.raw_decode(text, _skip(text, position))
        start = _skip(text, _skip(text, position) + 1)
        _, position = _decoder.raw_decode(text, start)
        if key == "data":
            if found is not None:
                raise Malformed("data occurs twice", field="data")
            found = text[start:position]
        position = _skip(text, position)
        if text[position] != ",":
            break
        position += 1
    if found is None:
        raise Malformed("data is missing", field="data")
    return found


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def posted_body(new: OperatorRecordCreate, data: bytes) -> bytes:
    """Return the body of `{source, level, completed_at, data}` with `data` byte for byte."""
    head = {"source": new.source, "level": new.level, "completed_at": new.completed_at.isoformat()}
    return json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "data": ' + data + b"}"
