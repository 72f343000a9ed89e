"""Which index answers a filter of the log: the one that holds least of what the filter does not match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select, text

from healthdesk.domain.states import RecordState
from healthdesk.store.log_bases import Base, Range, dated, has_structure, sparse, structure
from healthdesk.store.log_residue import DATES, Params, residue
from healthdesk.store.rows import RecordQuery
from healthdesk.store.rows_log import Order
from healthdesk.store.schema_setup import sources
from healthdesk.store.scope import on_sqlite

MOST_LOOKED_AT = 1_000
"""Entries of an index that one search reads at most. A base that is no larger is read whole where that helps."""

RANGES_A_STATEMENT = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """How a filter is answered. `rest` are the conditions that entries of the base are still held to.

    `told` says that the base's entries tell it themselves. `whole` says that the base is read whole and sorted by the date of `order`, `fenced` that its ranges are told so that
    no other index could be read in their order.
    """

    base: Base
    rest: tuple[str, ...]
    params: Params
    order: Order = "arrived"
    whole: bool = False
    fenced: bool = False
    told: bool = False

    @property
    def checked(self) -> bool:
        """Tell whether what a look reads is held to more than its range."""
        return bool(self.rest) and not self.whole


@dataclass(frozen=True, slots=True)
class Ranges:
    """SQL conditions on `records` whose union is what a filter matches, and their parameters. None: nothing can match."""

    conditions: tuple[str, ...]
    params: dict[str, Any]


def ranges(conn: Connection, query: RecordQuery) -> Ranges:
    """Return what the filter matches as conditions, for statements that count or change all of it."""
    plan = plan_of(conn, query, order="arrived")
    if plan is None:
        return Ranges((), {})
    rest = "".join(
        f" AND ({condition}) IS TRUE" for condition in plan.rest
    )  # so that no other index is taken for them
    conditions = tuple(
        f"{each.condition}{rest}"
        if each.table == "records"
        else f"id IN (SELECT {each.id} FROM {each.table} WHERE {each.condition}){rest}"  # noqa: S608 - our own text; values are parameters
        for each in plan.base.ranges
    )
    return Ranges(conditions, plan.params)


def order_of(query: RecordQuery) -> Order:
    """Return what a page of this filter is sorted by: the first date that it bounds, else arrival."""
    for date in DATES:
        if getattr(query, f"{date}_from") is not None or getattr(query, f"{date}_to") is not None:
            return date  # type: ignore[return-value]
    return "arrived"


def plan_of(
    conn: Connection, query: RecordQuery, *, order: Order | None = None, most: int = MOST_LOOKED_AT
) -> Plan | None:
    """Return how to answer a filter, in this order or that of its date; None where nothing can match. What has not the date
    of `order` yet is in no such list.
    """
    params: Params = {}
    if query.source is not None:
        params["source"] = conn.execute(
            select(sources.c.id).where(sources.c.key == query.source)
        ).scalar_one_or_none()
        if params["source"] is None:
            return None
    if query.hold_reasons:
        if query.states and RecordState.HELD not in query.states:
            return None
        query = replace(query, states=(RecordState.HELD,))
    order = order or order_of(query)
    fenced = not on_sqlite(conn)
    bases = [*sparse(query, params)]
    if not bases or has_structure(query):
        bases.append(structure(conn, query, params))
    if order == "arrived" and len(bases) == 1:
        return _planned(conn, query, bases[0], params, fenced=fenced)
    sizes: list[int] = []
    for base in bases:
        sizes.append(size(conn, base, params, min([most, *sizes])))
    base = bases[sizes.index(min(sizes))]
    if order == "arrived" or min(sizes) <= most:
        whole = order != "arrived"
        return _planned(conn, query, base, params, order, whole=whole, fenced=fenced)
    base = dated(query, order, params)
    return _planned(conn, query, base, params, order)


def _planned(
    conn: Connection,
    query: RecordQuery,
    base: Base,
    params: Params,
    order: Order = "arrived",
    *,
    whole: bool = False,
    fenced: bool = False,
) -> Plan:
    """Return the plan of a base, and add the parameters of what its entries are still held to."""
    error = "error" if on_sqlite(conn) else 'error COLLATE "C"'
    rest = tuple(residue(query, params, base.covers, error=error))
    told = not residue(query, dict(params), base.covers | base.tells)
    return Plan(base, rest, params, order, whole=whole, fenced=fenced, told=told)


def size(conn: Connection, base: Base, params: Params, most: int) -> int:
    """Return how many entries a base has, counting no further than one past `most`."""
    total, fenced = 0, not on_sqlite(conn)
    for piece in pieces(base.sized or base.ranges):
        parts = (
            f"SELECT 1 FROM (SELECT 1 FROM {each.table} WHERE {_counted(each, fenced=fenced)} LIMIT :most) AS s{n}"  # noqa: S608 - our own text; values are parameters
            for n, each in enumerate(piece)
        )
        counted = f"SELECT count(*) FROM (SELECT 1 FROM ({' UNION ALL '.join(parts)}) AS a LIMIT :most) AS b"  # noqa: S608 - as above
        total += conn.execute(text(counted), params | {"most": most + 1}).scalar_one()
        if total > most:
            break
    return total


def _counted(each: Range, *, fenced: bool) -> str:
    """Return the condition of a range. On PostgreSQL as a span in the order of its index: of what most records match it
    would read the records themselves.
    """
    if not (fenced and each.lead):
        return each.condition
    columns = ", ".join(column for column, _ in each.lead)
    values = ", ".join(value for _, value in each.lead)
    span = [f"({columns}) >= ({values})", f"({columns}) <= ({values})", *each.beyond]
    return f"{' AND '.join(span)} ORDER BY {columns}"


def pieces(found: Sequence[Range]) -> Iterator[Sequence[Range]]:
    """Cut ranges into statements of a size that databases accept and plan quickly."""
    for start in range(0, len(found), RANGES_A_STATEMENT):
        yield found[start : start + RANGES_A_STATEMENT]
