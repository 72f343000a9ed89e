"""The fields of an environment, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from healthdesk.api.connections import Connection
from healthdesk.api.integrations import EnvironmentEdit, EnvironmentView
from healthdesk.domain.states import Environment, OnUnknown
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.view.environment import UNKNOWN

NEW = "new"
METHODS = tuple((method, method) for method in ("POST", "PUT", "PATCH", "GET", "DELETE"))
BODILESS = ("It has no body: the path has to name what of the record is meant.",)
NUMBERS: Mapping[str, type[int | float]] = {
    "concurrency": int,
    "rate_per_s": float,
    "timeout_s": float,
    "accept_limit_per_minute": int,
}
LEFT_EMPTY = "empty: as the desk has it"


def connection_options(
    found: Sequence[Connection], now: EnvironmentView | None
) -> tuple[tuple[str, str], ...]:
    """Return what an environment can deliver on: what it does now, the others, a new connection."""
    options = [(each.id, f"{each.name} · {each.base_url}") for each in found]
    if now is not None and now.connection_id not in dict(options):
        options.insert(0, (now.connection_id, now.connection_name or now.connection_id))
    return (*options, (NEW, "a new connection"))


def environment_fields(
    which: Environment, now: EnvironmentView | None, options: tuple[tuple[str, str], ...]
) -> list[Field]:
    """Return the fields of an environment as it is, or of a new one."""
    place = which.value
    chosen = now.connection_id if now is not None else NEW
    headers = "\n".join(f"{name}: {value}" for name, value in now.headers.items()) if now else ""
    return [
        Field("connection_id", "Delivers on", chosen, options=options, path=f"{place}.connection_id"),
        Field(
            "path",
            "Path",
            now.path if now else "",
            "/v2/hra; empty: the base URL itself",
            path=f"{place}.path",
            help=lambda _: ("On the base URL. May hold {source}, {level}, {id}, {webhook_id}, {data.path}.",),
        ),
        Field(
            "method",
            "Method",
            now.method if now else "POST",
            options=METHODS,
            help=lambda values: BODILESS if values.get("method") in ("GET", "DELETE") else (),
        ),
        Field(
            "headers",
            "Headers",
            headers,
            long=True,
            path=f"{place}.headers",
            help=lambda _: ("One a line, as `Name: value`. Credentials belong to the connection.",),
        ),
        _number("rate_per_s", "At most, a second", now, "empty: as fast as it goes"),
        _number("concurrency", "At once", now, LEFT_EMPTY),
        _number("timeout_s", "Timeout, seconds", now, LEFT_EMPTY),
        Field(
            "on_unknown",
            "On unknown",
            now.on_unknown.value if now else OnUnknown.RESEND.value,
            options=tuple((each.value, words) for each, words in UNKNOWN.items()),
            help=lambda _: ("A request that may have arrived: a timeout after sending, a crash.",),
        ),
        _number("accept_limit_per_minute", "Accepts, a minute", now, "empty: as many as come"),
    ]


def _number(name: str, label: str, now: EnvironmentView | None, hint: str) -> Field:
    value = getattr(now, name) if now is not None else None
    return Field(name, label, f"{value:g}" if value is not None else "", hint)


def check_environment(values: Values) -> dict[str, str]:
    """Return what is plainly wrong; the daemon checks the rest."""
    wrong: dict[str, str] = {}
    for name, kind in NUMBERS.items():
        text = values.get(name, "").strip()
        try:
            if text and kind(text) <= 0:
                wrong[name] = "is more than 0"
        except ValueError:
            wrong[name] = "is a whole number" if kind is int else "is a number"
    path = values.get("path", "").strip()
    if path and not path.startswith(("/", "?")):
        wrong["path"] = "begins with /"
    try:
        headers_of(values.get("headers", ""))
    except ValueError as error:
        wrong["headers"] = str(error)
    return wrong


def headers_of(text: str) -> dict[str, str]:
    """Return the headers that were entered; ValueError says which line is none."""
    headers: dict[str, str] = {}
    for row in text.splitlines():
        if not row.strip():
            continue
        name, colon, value = row.partition(":")
        if not colon or not name.strip():
            raise ValueError(f"{row.strip()!r} is not `Name: value`")
        headers[name.strip()] = value.strip()
    return headers


def environment_edit(values: Values, before: EnvironmentView | None) -> EnvironmentEdit:
    """Return what was changed of an environment, and nothing else; of a new one all that was entered."""
    known: dict[str, Any] = {}
    for name in ("connection_id", "path", "method"):
        value = values[name].strip()
        if before is None or value != getattr(before, name):
            known[name] = value
    headers = headers_of(values["headers"])
    if headers != (before.headers if before is not None else {}):
        known["headers"] = headers
    on_unknown = OnUnknown(values["on_unknown"])
    if before is None or on_unknown is not before.on_unknown:
        known["on_unknown"] = on_unknown
    for name, kind in NUMBERS.items():
        text = values[name].strip()
        amount = kind(text) if text else None
        if amount != (getattr(before, name) if before is not None else None):
            known[name] = amount
    return EnvironmentEdit(**known)
