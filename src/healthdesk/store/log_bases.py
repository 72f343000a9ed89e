"""The indexes that can find what the log's filter matches, each as ranges that are sorted alike.

An index of `records` ends in (environment, state, id). A filter that leaves environment or state open is answered by
one range for each value they can have, each in the order of ids; merging ranges that are sorted costs no more than
reading the page. The index of sources begins (source, integration): a filter by source alone has ranges for every
integration. What is sparse (samples, failures, looked-up values, records of a job) has an index of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from healthdesk.domain.states import Environment, ErrorKind, RecordState
from healthdesk.store.log_residue import DATES, ID_START, Params, arrived, bounds, id_bounds, named
from healthdesk.store.rows import RecordQuery
from healthdesk.store.schema import FAILING, IN_PROBLEM, REFUSED, RENAMED, RETRIED, SAMPLES, TRIED, TROUBLED
from healthdesk.store.schema_setup import integrations

LOWEST_REFUSAL = 300
"""Statuses from here on are in the index of statuses: a success is what most records have."""


OF_FAILURES = frozenset({"source", "levels", "integration_id", "environment", "sample"})
"""Parts of the filter whose columns the indexes of failures have beside: `ASKED_BESIDE`."""

Lead = tuple[tuple[str, str], ...]
"""Columns that an index begins with, and the SQL of the one value that a range has of each."""


@dataclass(frozen=True, slots=True)
class Range:
    """One range of one index. Its entries are sorted by `at`, a date's column, and id; without `at` by id.

    Where the index begins with columns of which the range has one value each and ends in id, they are its `lead`, and
    `beyond` is what the condition says beside them.
    """

    condition: str
    table: str = "records"
    id: str = "id"
    at: str = ""
    lead: Lead = ()
    beyond: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Base:
    """Ranges that hold, together, all that the filter matches, and the parts of the filter that all of it fits.

    `sized` are fewer ranges, in no order, that hold the same where there are any. `tells` are parts that the entries of
    the index have the columns of: whether they fit is known without looking up their records.
    """

    ranges: tuple[Range, ...]
    covers: frozenset[str]
    sized: tuple[Range, ...] = ()
    tells: frozenset[str] = frozenset()


def sparse(query: RecordQuery, params: Params) -> Iterator[Base]:
    """Yield the bases that are usually small, the smallest first."""
    if query.text.startswith(ID_START):
        id_bounds(query, params)
        by_id = Range(_and("id >= :text_from AND id < :text_to", query, params))
        by_webhook = (
            f"webhook_id >= :text_from AND webhook_id < :text_to AND {RENAMED}"
            " AND NOT (id >= :text_from AND id < :text_to)"
        )
        yield Base((by_id, Range(_and(by_webhook, query, params))), frozenset({"text", "arrived"}))
    if query.lookups:
        names = named("hash_0", query.lookups[0], params).split(", ")
        ranges = tuple(
            Range(_and(f"value_hash = {name}", query, params, "record_id"), "record_lookups", "record_id")
            for name in names
        )
        yield Base(ranges, frozenset({"arrived"} | ({"lookups"} if len(query.lookups) == 1 else set())))
    if query.job_id is not None:
        params["job"] = query.job_id
        of_job = _and("job_id = :job", query, params, "record_id")
        yield Base((Range(of_job, "job_records", "record_id"),), frozenset({"job_id", "arrived"}))
    if query.problem_id is not None:
        params["problem"] = query.problem_id
        ranges = tuple(
            _led((("problem_id", ":problem"), ("state", f"'{state.value}'")), IN_PROBLEM, query, params)
            for state in query.states or RecordState
        )
        yield Base(ranges, frozenset({"problem_id", "states", "arrived"}))
    if query.sample:
        yield Base((Range(_and(SAMPLES, query, params)),), frozenset({"sample", "arrived"}))
    yield from _failures(query, params)


def _failures(query: RecordQuery, params: Params) -> Iterator[Base]:
    if query.statuses and min(query.statuses) >= LOWEST_REFUSAL:
        names = named("status", query.statuses, params).split(", ")
        ranges = tuple(_led((("last_status", name),), REFUSED, query, params) for name in names)
        yield Base(ranges, frozenset({"statuses", "arrived"}), tells=OF_FAILURES)
    in_errors = query.text and not query.text.startswith(ID_START)
    if query.error_kinds or in_errors:
        kinds = query.error_kinds or tuple(kind.value for kind in ErrorKind)
        names = named("kind", kinds, params).split(", ")
        ranges = tuple(_led((("error_kind", name),), FAILING, query, params) for name in names)
        yield Base(ranges, frozenset({"error_kinds", "arrived"}), tells=OF_FAILURES)


def has_structure(query: RecordQuery) -> bool:
    """Tell whether the filter says anything of integration, environment, source or state."""
    return bool(query.source or query.integration_id or query.environment or query.states)


def structure(conn: Connection, query: RecordQuery, params: Params) -> Base:
    """Return the base of integration, environment, source and state; `params` has the id of the source."""
    covers = frozenset({"integration_id", "environment", "source", "states", "arrived"})
    tells = frozenset({"levels"})
    heads: list[Lead]
    if query.source is not None:
        heads = _of_source(conn, query, params)
    elif query.integration_id is not None:
        params["integration"] = query.integration_id
        heads = [(("integration_id", ":integration"),)]
    elif query.environment is None and not query.states:
        return Base((Range(_and("1 = 1", query, params)),), covers)
    else:
        heads = [()]
    ranges = tuple(
        _led(
            (*head, ("environment", f"'{environment.value}'"), ("state", f"'{state.value}'")),
            "",
            query,
            params,
        )
        for head in heads
        for environment in ([query.environment] if query.environment else list(Environment))
        for state in query.states or RecordState
    )
    if query.environment or query.states or arrived(query, params):
        return Base(ranges, covers, tells=tells)
    return Base(ranges, covers, tuple(_led(head, "", query, params) for head in heads), tells=tells)


def _of_source(conn: Connection, query: RecordQuery, params: Params) -> list[Lead]:
    """Return one head for each integration the records can be of."""
    if query.integration_id is not None:
        possible = [query.integration_id]
    else:
        possible = list(conn.execute(select(integrations.c.id).order_by(integrations.c.id)).scalars())
    names = [f"integration_{number}" for number in range(len(possible))]
    params |= dict(zip(names, possible, strict=True))
    return [(("source_id", ":source"), ("integration_id", f":{name}")) for name in names]


def _led(lead: Lead, where: str, query: RecordQuery, params: Params) -> Range:
    """Return the range of an index that begins with these columns; `where` is what the index is limited to."""
    beyond = [*([where] if where else []), *arrived(query, params)]
    equal = (f"{column} = {value}" for column, value in lead)
    return Range(" AND ".join([*equal, *beyond]), lead=lead, beyond=tuple(beyond))


def _and(condition: str, query: RecordQuery, params: Params, id_column: str = "id") -> str:
    """Return a condition on entries that arrived in the filter's range."""
    bounds = [f"{id_column}{each.removeprefix('id')}" for each in arrived(query, params)]
    return " AND ".join([condition, *bounds])


def dated(query: RecordQuery, date: str, params: Params) -> Base:
    """Return the base in the order of a date, and add its bounds to `params`: a search sets them where its cursor is not.

    Most records are tried once: their last attempt is the first and is found by its index. Only the others are in the
    index of last attempts, and of what the first index finds those do not count. What went wrong has indexes of its own.
    """
    bounds(query, date, params)
    column = DATES[date]
    if _in_trouble(query):
        return Base((Range(f"{column} IS NOT NULL AND {TROUBLED}", at=column),), frozenset({date}))
    if date == "last_attempt":
        first = Range(TRIED, at="first_attempt_at")
        return Base((first, Range(RETRIED, at="last_attempt_at")), frozenset())
    condition = TRIED if date == "first_attempt" else "1 = 1"
    return Base((Range(condition, at=column),), frozenset({date}))


def _in_trouble(query: RecordQuery) -> bool:
    """Tell whether all that the filter matches went wrong."""
    return bool(
        query.states == (RecordState.FAILED,)
        or query.error_kinds
        or (query.statuses and min(query.statuses) >= LOWEST_REFUSAL)
        or (query.text and not query.text.startswith(ID_START))
    )
