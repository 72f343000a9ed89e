"""The filter of instances as index ranges, merged in id order.

As in the log (`log_query`), what a filter leaves open is answered by one range for each value it can have: a page
costs the same at any depth and for any filter. Failed or blocked ones are the ranges of each failed state and one of
the blocked. Part of a name has no index: names are read, in id order, until the page is full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, text

from healthdesk.domain.instance_states import InstanceKind, InstanceState, LinkState
from healthdesk.domain.states import IntegrationKind
from healthdesk.store.rows_instances import InstanceQuery
from healthdesk.store.schema_instances import instances, tasks
from healthdesk.store.schema_setup import integrations

FAILED_STATES = (InstanceState.CREATION_FAILED, InstanceState.SYNC_FAILED, InstanceState.FAILED)
KINDS = {InstanceKind.TASK: IntegrationKind.TASKS, InstanceKind.PROOF: IntegrationKind.PROOF}
RANGES_A_STATEMENT = 64


@dataclass(frozen=True, slots=True)
class Ranges:
    """SQL conditions whose union is what a filter matches, and their parameters; none: nothing can match."""

    conditions: tuple[str, ...]
    params: dict[str, Any]


def ranges(conn: Connection, query: InstanceQuery) -> Ranges:
    """Return index ranges, each in id order, whose union is what the filter matches; they may overlap."""
    params: dict[str, Any] = {}
    heads, rest = _heads(conn, query, params)
    if query.text:
        rest += " AND lower(name) LIKE :name_like ESCAPE '!'"
        params["name_like"] = _contains(query.text)
    if query.blocked is False:
        rest += " AND NOT blocked"
    conditions = [f"{head}{tail}{rest}" for head in heads for tail in _tails(query, heads)]
    return Ranges(tuple(conditions), params)


def condition(query: InstanceQuery) -> tuple[str, dict[str, Any]]:
    """Return the filter as one SQL condition, for what counts all that match."""
    params: dict[str, Any] = {}
    parts = []
    for column, values in (
        ("integration_id", query.integration_ids),
        ("connection_id", query.connection_ids),
    ):
        if values:
            parts.append(f"{column} IN ({_listed(column, values, params)})")
    for column, value in (
        ("kind", query.kind.value if query.kind else None),
        ("label_id", query.label_id),
        ("template_id", query.template_id),
        ("problem_id", query.problem_id),
        ("owner", query.owner),
    ):
        if value is not None:
            params[column] = value
            parts.append(f"{column} = :{column}")
    if query.text:
        params["name_like"] = _contains(query.text)
        parts.append("lower(name) LIKE :name_like ESCAPE '!'")
    if query.blocked is not None:
        parts.append("blocked" if query.blocked else "NOT blocked")
    if query.states or query.failing:
        wanted = _in_states(_states(query))
        parts.append(f"({wanted} OR blocked)" if query.failing else wanted)
    return " AND ".join(parts) or "1 = 1", params


def not_unlinked() -> ColumnElement[bool]:
    """Return the condition that an instance is no task that was parted from its issue: nothing is done for those."""
    unlinked = select(tasks.c.id).where(tasks.c.id == instances.c.id, tasks.c.link == LinkState.UNLINKED)
    return (instances.c.kind != InstanceKind.TASK) | ~unlinked.exists()


def page_ids(conn: Connection, query: InstanceQuery, *, after: str | None, limit: int) -> list[str]:
    """Return the ids of one page, in order."""
    ids: set[str] = set()
    for piece in pieces(ranges(conn, query)):
        statement, params = page_statement(piece, after=after, limit=limit)
        ids.update(conn.execute(text(statement), params).scalars())
    return sorted(ids)[:limit]


def pieces(found: Ranges) -> Iterator[Ranges]:
    """Cut into statements of a size that databases accept and plan quickly."""
    for start in range(0, len(found.conditions), RANGES_A_STATEMENT):
        yield Ranges(found.conditions[start : start + RANGES_A_STATEMENT], found.params)


def page_statement(found: Ranges, *, after: str | None, limit: int) -> tuple[str, dict[str, Any]]:
    """Return the SQL of one page of ids; a test reads its plan."""
    params: dict[str, Any] = {**found.params, "limit": limit}
    cursor = ""
    if after is not None:
        params["after"] = after
        cursor = " AND id > :after"
    parts = [
        f"SELECT id FROM instances WHERE {each}{cursor} ORDER BY id LIMIT :limit"  # noqa: S608 - our own text; values are parameters
        for each in found.conditions
    ]
    if len(parts) == 1:
        return parts[0], params
    merged = " UNION ".join(f"SELECT id FROM ({part}) AS p{n}" for n, part in enumerate(parts))  # noqa: S608 - as above
    return f"SELECT id FROM ({merged}) AS merged ORDER BY id LIMIT :limit", params  # noqa: S608 - as above


def _heads(conn: Connection, query: InstanceQuery, params: dict[str, Any]) -> tuple[list[str], str]:
    """Return what each range begins with, and what filters the rest of every one."""
    rest = ""
    for column, value in (
        ("label_id", query.label_id),
        ("template_id", query.template_id),
        ("problem_id", query.problem_id),
    ):
        if value is not None:
            params[column] = value
            rest += f" AND {column} = :{column}"
    if rest:
        return ["1 = 1"], rest + _beside(query, params)
    if query.connection_ids:
        params |= {f"con{n}": each for n, each in enumerate(query.connection_ids)}
        theirs = _integrations(conn, query, params)
        heads = [
            f"connection_id = :con{n} AND integration_id = :{name}"
            for n in range(len(query.connection_ids))
            for name in theirs
        ]
        return heads, _owned(query, params)
    if query.integration_ids or query.kind is not None:
        return [f"integration_id = :{name}" for name in _integrations(conn, query, params)], _owned(
            query, params
        )
    if query.owner is not None:
        params["owner"] = query.owner
        apps = select(integrations.c.app).where(integrations.c.kind != IntegrationKind.DELIVERY).distinct()
        names = {
            f"app{n}": app for n, app in enumerate(conn.execute(apps.order_by(integrations.c.app)).scalars())
        }
        params |= names
        return [f"owner = :owner AND app = :{name}" for name in names], ""
    return ["1 = 1"], ""


def _tails(query: InstanceQuery, heads: Sequence[str]) -> list[str]:
    """Return the states a range is of, one each where the head's index goes on with them."""
    states = _states(query)
    only_blocked = " AND blocked"
    if query.blocked:
        return [only_blocked + (f" AND {_in_states(states)}" if states and not query.failing else "")]
    if not states:
        by_state = heads and heads[0] != "1 = 1" and "integration_id" in heads[0]
        return [f" AND state = '{each.value}'" for each in InstanceState] if by_state else [""]
    tails = [f" AND state = '{each.value}'" for each in states]
    return [*tails, only_blocked] if query.failing else tails


def _states(query: InstanceQuery) -> tuple[InstanceState, ...]:
    wanted = {*query.states, *(FAILED_STATES if query.failing else ())}
    return tuple(each for each in InstanceState if each in wanted)


def _in_states(states: Sequence[InstanceState]) -> str:
    return "state IN (" + ", ".join(f"'{each.value}'" for each in states) + ")"


def _integrations(conn: Connection, query: InstanceQuery, params: dict[str, Any]) -> list[str]:
    """Return the parameters of the integrations that can match: those given, or all of the kind."""
    ids: Sequence[str] = query.integration_ids
    if not ids or query.kind is not None:
        of_kind = select(integrations.c.id).where(integrations.c.kind != IntegrationKind.DELIVERY)
        if query.kind is not None:
            of_kind = of_kind.where(integrations.c.kind == KINDS[query.kind])
        possible = conn.execute(of_kind.order_by(integrations.c.id)).scalars().all()
        ids = [each for each in possible if not ids or each in ids]
    names = {f"int{n}": each for n, each in enumerate(ids)}
    params |= names
    return list(names)


def _beside(query: InstanceQuery, params: dict[str, Any]) -> str:
    """Return what is read of each row beside the label, template or problem that found it."""
    rest = _owned(query, params)
    for column, values in (
        ("connection_id", query.connection_ids),
        ("integration_id", query.integration_ids),
    ):
        if values:
            rest += f" AND {column} IN ({_listed(column, values, params)})"
    if query.kind is not None:
        params["kind"] = query.kind.value
        rest += " AND kind = :kind"
    return rest


def _owned(query: InstanceQuery, params: dict[str, Any]) -> str:
    if query.owner is None:
        return ""
    params["owner"] = query.owner
    return " AND owner = :owner"


def _listed(column: str, values: Sequence[str], params: dict[str, Any]) -> str:
    names = {f"{column}{n}": each for n, each in enumerate(values)}
    params |= names
    return ", ".join(f":{name}" for name in names)


def _contains(part: str) -> str:
    literal = part.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{literal}%"
