"""The parts of the log's filter as conditions on a record, whichever index finds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from healthdesk.domain.ids import first_id_at
from healthdesk.store.columns import to_micros
from healthdesk.store.rows import RecordQuery

PREFIX = "rec"
ID_START = "rec_"
"""What every id and webhook-id of a record begins with: a text that does, too, is the beginning of one."""

DATES: Mapping[str, str] = {
    "completed": "completed_at",
    "first_attempt": "first_attempt_at",
    "last_attempt": "last_attempt_at",
}
"""Parts of the filter that are ranges of a date, and the column of each."""

HIGHEST = "~"
"""Sorts after every character of an id."""

Params = dict[str, Any]


def residue(
    query: RecordQuery, params: Params, covered: frozenset[str] = frozenset(), *, error: str = "error"
) -> list[str]:
    """Return a condition for each part of the filter that is not covered, and add their parameters.

    `params` has `source` already where the filter names one: the id of the source. `error` is the SQL of the error, of which
    lower() must fold the letters of ASCII and may fold no others: in PostgreSQL they depend on the collation.
    """
    parts = [
        condition
        for part, conditions in _PARTS.items()
        if part not in covered
        for condition in conditions(query, params)
    ]
    return parts if "text" in covered or not query.text else [*parts, _text(query, params, error)]


def named(name: str, values: tuple[Any, ...], params: Params) -> str:
    """Return a list of parameters for IN, and add them."""
    names = [f"{name}_{number}" for number in range(len(values))]
    params |= dict(zip(names, values, strict=True))
    return ", ".join(f":{each}" for each in names)


def arrived(query: RecordQuery, params: Params) -> list[str]:
    """Arrival is in the id, so a range of time is a range of ids."""
    parts = []
    for at, name, than in ((query.arrived_from, "from_id", ">="), (query.arrived_to, "to_id", "<")):
        if at is not None:
            params[name] = first_id_at(PREFIX, at)
            parts.append(f"id {than} :{name}")
    return parts


def literals(values: tuple[Any, ...]) -> str:
    """Return members of our own enumerations for IN, as literals: partial indexes are found by them."""
    return ", ".join(f"'{each.value}'" for each in values)


def _integration(query: RecordQuery, params: Params) -> list[str]:
    if query.integration_id is None:
        return []
    params["integration"] = query.integration_id
    return ["integration_id = :integration"]


def _problem(query: RecordQuery, params: Params) -> list[str]:
    if query.problem_id is None:
        return []
    params["problem"] = query.problem_id
    return ["problem_id = :problem"]


def _job(query: RecordQuery, params: Params) -> list[str]:
    if query.job_id is None:
        return []
    params["job"] = query.job_id
    return ["id IN (SELECT record_id FROM job_records WHERE job_id = :job)"]


def bounds(query: RecordQuery, date: str, params: Params) -> list[str]:
    """Return the conditions of a range of a date, in microseconds."""
    parts = []
    for end, than in (("from", ">="), ("to", "<")):
        at = getattr(query, f"{date}_{end}")
        if at is not None:
            params[f"{date}_{end}"] = to_micros(at)
            parts.append(f"{DATES[date]} {than} :{date}_{end}")
    return parts


def _reasons(query: RecordQuery, params: Params) -> list[str]:
    del params
    return [f"hold_reason IN ({literals(query.hold_reasons)})"] if query.hold_reasons else []


def _text(query: RecordQuery, params: Params, error: str) -> str:
    if query.text.startswith(ID_START):
        id_bounds(query, params)
        both = (f"({name} >= :text_from AND {name} < :text_to)" for name in ("id", "webhook_id"))
        return f"({' OR '.join(both)})"
    folded = "".join(letter.lower() for letter in query.text)
    for number, (upper, lower) in enumerate(_folds(query.text, folded).items()):
        params[f"upper_{number}"], params[f"lower_{number}"] = upper, lower
        error = f"replace({error}, :upper_{number}, :lower_{number})"
    params["text"] = _like(folded)
    return f"lower({error}) LIKE :text ESCAPE '\\'"


def _folds(text: str, folded: str) -> dict[str, str]:
    """Return the letters beyond ASCII that an error may have for those of the text, and what each becomes: no database folds
    them alike, and SQLite none.
    """
    upper = {case: letter for letter in folded for case in (letter.upper(), letter.title())}
    pairs = {**upper, **{letter: letter.lower() for letter in text}}
    return {
        case: letter
        for case, letter in pairs.items()
        if not case.isascii() and case.lower() == letter != case
    }


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def id_bounds(query: RecordQuery, params: Params) -> None:
    """Add the parameters of the ids that begin with the text."""
    params["text_from"], params["text_to"] = query.text, query.text + HIGHEST


def _lookups(query: RecordQuery, params: Params) -> list[str]:
    parts = []
    for number, hashes in enumerate(query.lookups):
        wanted = named(f"hash_{number}", hashes, params)
        parts.append(f"id IN (SELECT record_id FROM record_lookups WHERE value_hash IN ({wanted}))")  # noqa: S608 - our own text; values are parameters
    return parts


_PARTS: Mapping[str, Callable[[RecordQuery, Params], list[str]]] = {
    "arrived": arrived,
    "integration_id": _integration,
    "environment": lambda query, _: (
        [f"environment = '{query.environment.value}'"] if query.environment else []
    ),
    "source": lambda query, _: ["source_id = :source"] if query.source is not None else [],
    "states": lambda query, _: [f"state IN ({literals(query.states)})"] if query.states else [],
    "problem_id": _problem,
    "job_id": _job,
    "levels": lambda query, params: (
        [f"level IN ({named('level', query.levels, params)})"] if query.levels else []
    ),
    "completed": lambda query, params: bounds(query, "completed", params),
    "first_attempt": lambda query, params: bounds(query, "first_attempt", params),
    "last_attempt": lambda query, params: bounds(query, "last_attempt", params),
    "statuses": lambda query, params: (
        [f"last_status IN ({named('status', query.statuses, params)})"] if query.statuses else []
    ),
    "error_kinds": lambda query, params: (
        [f"error_kind IN ({named('kind', query.error_kinds, params)})"] if query.error_kinds else []
    ),
    "hold_reasons": _reasons,
    "sample": lambda query, _: [] if query.sample is None else ["sample" if query.sample else "NOT sample"],
    "lookups": _lookups,
}
