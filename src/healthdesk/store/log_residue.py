"""The parts of the log's filter that are conditions on a record, whichever index finds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from healthdesk.store.columns import to_micros
from healthdesk.store.rows import RecordQuery

DATES: Mapping[str, str] = {
    "completed": "completed_at",
    "first_attempt": "first_attempt_at",
    "last_attempt": "last_attempt_at",
}
"""Parts of the filter that are ranges of a date, and the column of each."""

ID_START = "rec_"
"""What every id and webhook-id of a record begins with: a text that does, too, is the beginning of one."""

_HIGHEST = "~"
"""Sorts after every character of an id."""


def residue(query: RecordQuery, params: dict[str, Any]) -> str:
    """Return the further conditions as ` AND …`, and add their parameters. Literal names are our own enumerations."""
    parts = [
        *_levels(query, params),
        *_dates(query, params),
        *_failure(query, params),
        *_text(query, params),
        *_elsewhere(query, params),
    ]
    if query.sample is not None:
        parts.append("sample" if query.sample else "NOT sample")
    return "".join(f" AND {part}" for part in parts)


def named(name: str, values: tuple[Any, ...], params: dict[str, Any]) -> str:
    """Return a list of parameters for IN, and add them."""
    names = [f"{name}_{number}" for number in range(len(values))]
    params |= dict(zip(names, values, strict=True))
    return ", ".join(f":{each}" for each in names)


def _levels(query: RecordQuery, params: dict[str, Any]) -> list[str]:
    return [f"level IN ({named('level', query.levels, params)})"] if query.levels else []


def _dates(query: RecordQuery, params: dict[str, Any]) -> list[str]:
    parts = []
    for date, column in DATES.items():
        for end, than in (("from", ">="), ("to", "<")):
            at = getattr(query, f"{date}_{end}")
            if at is not None:
                params[f"{date}_{end}"] = to_micros(at)
                parts.append(f"{column} {than} :{date}_{end}")
    return parts


def _failure(query: RecordQuery, params: dict[str, Any]) -> list[str]:
    parts = []
    if query.statuses:
        parts.append(f"last_status IN ({named('status', query.statuses, params)})")
    if query.error_kinds:
        parts.append(f"error_kind IN ({named('kind', query.error_kinds, params)})")
    if query.hold_reasons:
        reasons = tuple(reason.value for reason in query.hold_reasons)
        parts.append(f"hold_reason IN ({named('reason', reasons, params)})")
    return parts


def _text(query: RecordQuery, params: dict[str, Any]) -> list[str]:
    if not query.text:
        return []
    if query.text.startswith(ID_START):
        params["text_from"], params["text_to"] = query.text, query.text + _HIGHEST
        return [
            "((id >= :text_from AND id < :text_to) OR (webhook_id >= :text_from AND webhook_id < :text_to))"
        ]
    escaped = query.text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    params["text"] = f"%{escaped}%"
    return ["lower(error) LIKE :text ESCAPE '\\'"]


def _elsewhere(query: RecordQuery, params: dict[str, Any]) -> list[str]:
    """Conditions on what other tables say of a record."""
    parts = []
    for number, hashes in enumerate(query.lookups):
        wanted = named(f"hash_{number}", hashes, params)
        parts.append(f"id IN (SELECT record_id FROM record_lookups WHERE value_hash IN ({wanted}))")  # noqa: S608 - our own text; values are parameters
    if query.job_id is not None:
        params["job"] = query.job_id
        parts.append("id IN (SELECT record_id FROM job_records WHERE job_id = :job)")
    return parts
