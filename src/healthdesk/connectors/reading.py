"""Reads issues, statuses and rows from an app's answers, as its manifest's expressions say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from healthdesk.connectors.paths import as_text, find, holds, one_line, text_at
from healthdesk.connectors.results import MOST_DESCRIPTION, ExternalTask, TaskStatus
from healthdesk.connectors.spec import (
    ColumnManifest,
    DatasetManifest,
    FieldManifest,
    StatusesManifest,
    TaskLookup,
    TaskResult,
)
from healthdesk.connectors.texts import text

MOST_CELL = 4_000
_MOST_LINE = 1_000
_MOST_URL = 2_000
_MOST_TITLE = 100
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")


def given(fields: Iterable[FieldManifest], inputs: Mapping[str, object]) -> dict[str, object]:
    """Return inputs as templates want them: a blank one has no value, or the default of its field."""
    known = {name: value for name, value in inputs.items() if value not in (None, "")}
    for each in fields:
        if each.default:
            known.setdefault(each.key, each.default)
    return known


def read_task(result: TaskResult, item: object, values: Mapping[str, object]) -> ExternalTask | None:
    """Return the issue that one item of an answer describes; None where it has no id. `values` are for its URL."""
    known_as = text_at(result.id, item)
    if not known_as:
        return None
    read = {
        "id": known_as,
        "key": text_at(result.key, item),
        "title": text_at(result.title, item, _MOST_LINE),
        "description": as_text(find(result.description, item), MOST_DESCRIPTION)
        if result.description
        else "",
        "status": text_at(result.status, item),
        "status_name": text_at(result.status_name, item),
        "due": _day(result, text_at(result.due, item)),
        "assignee": text_at(result.assignee, item),
        "updated_at": _moment(result, text_at(result.updated_at, item)),
    }
    url = text_at(result.url, item, _MOST_URL)
    if not url and result.url_template:
        named = {**values, **{name: value for name, value in read.items() if value}}
        made = text(result.url_template).render(named)
        url = made if isinstance(made, str) else ""
    return ExternalTask(**read, url=url, done=result.done is not None and holds(result.done, item))


def _day(result: TaskResult, told: str) -> str:
    """Return a due date as an ISO date, where the app tells one or a moment.

    Apps that keep a day as milliseconds put it at four in the morning of the account's own zone (ClickUp): eight hours
    later it is that day in UTC too, from UTC-11 to UTC+12.
    """
    if result.times == "epoch_ms" and told:
        moment = _from_milliseconds(told)
        return "" if moment is None else (moment + timedelta(hours=8)).date().isoformat()
    return told[:10] if _ISO_DAY.match(told) else told


def _moment(result: TaskResult, told: str) -> str:
    """Return a time as ISO where the app tells milliseconds, else as it is told."""
    if result.times != "epoch_ms" or not told:
        return told
    moment = _from_milliseconds(told)
    return "" if moment is None else moment.isoformat()


def _from_milliseconds(told: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(told) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def matching(match: str | None, found: list[object], wanted: str) -> list[object]:
    """Return the items in which an expression has every word of a text, whatever its case; all without an expression."""
    if match is None:
        return found
    words = wanted.casefold().split()
    return [
        item
        for item in found
        if (said := text_at(match, item, MOST_DESCRIPTION).casefold()) and all(word in said for word in words)
    ]


def read_statuses(statuses: StatusesManifest, found: Iterable[object]) -> list[TaskStatus]:
    """Return the statuses that the items of an answer describe, each id once."""
    read: dict[str, TaskStatus] = {}
    for item in found:
        key = text_at(statuses.id, item)
        if key and key not in read:
            done = statuses.done is not None and holds(statuses.done, item)
            read[key] = TaskStatus(key, text_at(statuses.name, item) or key, done)
    return list(read.values())


def fixed_statuses(statuses: StatusesManifest) -> list[TaskStatus]:
    """Return the statuses that the manifest lists."""
    return [TaskStatus(each.id, each.name, each.done) for each in statuses.values]


def read_reference(lookup: TaskLookup, pasted: str) -> dict[str, str] | None:
    """Return what a pasted URL or key tells of an issue, by the names of the expressions' groups; None for anything else."""
    pasted = pasted.strip()[:_MOST_URL]
    found = re.search(lookup.url, pasted) if lookup.url else None
    if found is None and lookup.key:
        found = re.fullmatch(lookup.key, pasted)
    if found is None:
        return None
    return {name: value for name, value in found.groupdict().items() if value}


def read_row(columns: Iterable[ColumnManifest], item: object) -> dict[str, str]:
    """Return a row of a dataset: every column, as text on one line."""
    return {each.key: text_at(each.path, item, MOST_CELL) for each in columns}


def dataset_title(dataset: DatasetManifest, inputs: Mapping[str, object]) -> str:
    """Return the name that a proof sync of a dataset gets by itself, of at most 100 characters."""
    made = text(dataset.title).render(given(dataset.fields, inputs)) if dataset.title else ""
    return one_line(made if isinstance(made, str) and made else dataset.name, _MOST_TITLE)
