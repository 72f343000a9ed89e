"""How what came differs from what a fixture says, in sentences."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from healthdesk.connectors.fixtures import Asked

ANY = "*"
OF_THE_TRANSPORT = frozenset(
    {"host", "user-agent", "accept-encoding", "content-length", "connection", "transfer-encoding"}
)


def differences(wanted: Any, came: Any, place: str) -> Iterator[str]:
    """List where JSON values differ; `*` is any value."""
    if wanted == ANY and came is not None:
        return
    if isinstance(wanted, dict) and isinstance(came, dict):
        for name in {**wanted, **came}:
            below = f"{place}.{name}"
            if name not in came:
                yield f"{below} is missing"
            elif name not in wanted:
                yield f"{below} is new: {_short(came[name])}"
            else:
                yield from differences(wanted[name], came[name], below)
    elif isinstance(wanted, list) and isinstance(came, list) and len(wanted) == len(came):
        for at, (left, right) in enumerate(zip(wanted, came, strict=True)):
            yield from differences(left, right, f"{place}[{at}]")
    elif wanted != came or isinstance(wanted, bool) != isinstance(came, bool):
        yield f"{place} is {_short(came)}, not {_short(wanted)}"


def differs(wanted: Asked, came: Asked) -> list[str]:
    """List how a request differs from the one a fixture expects: method, path, query, headers and body."""
    found: list[str] = []
    if wanted.method != came.method:
        found.append(f"the method is {came.method}, not {wanted.method}")
    left, right = urlsplit(wanted.url), urlsplit(came.url)
    for what, one, other in (
        ("origin", f"{left.scheme}://{left.netloc}", f"{right.scheme}://{right.netloc}"),
        ("path", left.path or "/", right.path or "/"),
    ):
        if one != other:
            found.append(f"the {what} is {other}, not {one}")
    found += differences(_pairs(left.query), _pairs(right.query), "the parameter")
    found += differences(_headers(wanted.headers), _headers(came.headers), "the header")
    found += differences(_body(wanted), _body(came), "the body")
    return found


def outcome_differs(wanted: Mapping[str, Any], came: Mapping[str, Any]) -> list[str]:
    """List how an outcome differs. Of objects only the members that are wanted are compared, rows are compared whole."""
    found: list[str] = []
    for name, value in wanted.items():
        if name not in came:
            found.append(f"there is no {name}, but {_short(dict(came))}")
        elif isinstance(value, dict) and isinstance(came[name], dict):
            found += differences(value, {key: each for key, each in came[name].items() if key in value}, name)
        else:
            found += differences(value, came[name], name)
    return found


def _pairs(query: str) -> dict[str, Any]:
    """Return parameters by name; those that are repeated as a sorted list."""
    pairs = parse_qsl(query, keep_blank_values=True)
    counts = Counter(name for name, _ in pairs)
    return {
        name: sorted(value for each, value in pairs if each == name) if counts[name] > 1 else value
        for name, value in pairs
    }


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() not in OF_THE_TRANSPORT}


def _body(asked: Asked) -> dict[str, Any]:
    if asked.json_body is not None:
        return {"json": asked.json_body}
    if asked.form is not None:
        return {"form": asked.form}
    return {"text": asked.text} if asked.text else {}


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:299]}…"
