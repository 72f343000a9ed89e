"""Labels and controls: who their members are, and what proof is filed under them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from healthdesk.domain.instance_states import LabelKind
from healthdesk.errors import Conflict
from healthdesk.store.paging import paged
from healthdesk.store.rows import PageRows
from healthdesk.store.rows_instances import LabelRow
from healthdesk.store.schema_instances import instances, label_members, labels
from healthdesk.store.scope import missing

_NAMED = 3
"""Proof syncs that are named where a label cannot be removed."""


def insert(
    conn: Connection,
    *,
    label_id: str,
    kind: LabelKind,
    name: str,
    description: str,
    members: Iterable[str],
    now: datetime,
    by: str,
) -> None:
    """Store a new label or control with its members, or raise Conflict when its name is taken."""
    _refuse_taken(conn, kind, name)
    values = {"id": label_id, "kind": kind, "name": name, "description": description}
    try:
        conn.execute(sa.insert(labels).values(**values, created_at=now, created_by=by))
    except IntegrityError:
        raise _taken(kind, name) from None
    set_members(conn, label_id, members)


def get(conn: Connection, label_id: str, *, lock: bool = False) -> LabelRow:
    """Return a label with its members, or raise NotFound. `lock` keeps it as it is until the transaction ends."""
    query = select(labels).where(labels.c.id == label_id)
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise missing("label", label_id)
    return _whole(conn, [row])[0]


def page(
    conn: Connection, *, kind: LabelKind | None = None, after: str | None = None, limit: int = 50
) -> PageRows[LabelRow]:
    """Return labels and controls by age, with their members."""
    query = select(labels) if kind is None else select(labels).where(labels.c.kind == kind)
    found: PageRows[Any] = paged(
        conn, query, labels.c.id, lambda row: row, after=after, limit=limit, newest_first=False
    )
    return PageRows(_whole(conn, found.items), found.next)


def update(conn: Connection, label_id: str, changes: Mapping[str, Any]) -> None:
    """Change columns of a label, or raise Conflict when its new name is taken."""
    if not changes:
        return
    kind = conn.execute(select(labels.c.kind).where(labels.c.id == label_id)).scalar_one()
    name: str = changes.get("name", "")
    if name:
        _refuse_taken(conn, kind, name, but=label_id)
    try:
        conn.execute(sa.update(labels).where(labels.c.id == label_id).values(**changes))
    except IntegrityError:
        raise _taken(kind, name) from None


def set_members(conn: Connection, label_id: str, members: Iterable[str]) -> None:
    """Replace all members of a label."""
    conn.execute(sa.delete(label_members).where(label_members.c.label_id == label_id))
    rows = [{"label_id": label_id, "user_name": user} for user in dict.fromkeys(members)]
    if rows:
        conn.execute(sa.insert(label_members), rows)


def is_member(conn: Connection, label_id: str | None, user: str) -> bool:
    """Tell whether somebody is a member of a label. Nobody is one of None."""
    here = (label_members.c.label_id == label_id) & (label_members.c.user_name == user)
    return (
        label_id is not None
        and conn.execute(select(label_members.c.label_id).where(here)).first() is not None
    )


def remove(conn: Connection, label_id: str) -> None:
    """Remove a label with its members, or raise Conflict while proof is filed under it."""
    row = get(conn, label_id, lock=True)
    filed = instances.c.label_id == label_id
    names = conn.execute(
        select(instances.c.name).where(filed).order_by(instances.c.id).limit(_NAMED)
    ).scalars()
    if named := list(names):
        more = row.proof_syncs - len(named)
        said = ", ".join(named) + (f" and {more} more" if more > 0 else "")
        raise Conflict(
            f"proof is filed under the {row.kind.value} {row.name}: {said}",
            fix="file it elsewhere first (`healthdesk instances settings ID --label LABEL`), or delete it",
        )
    conn.execute(sa.delete(label_members).where(label_members.c.label_id == label_id))
    conn.execute(sa.delete(labels).where(labels.c.id == label_id))


def _whole(conn: Connection, rows: Sequence[Any]) -> list[LabelRow]:
    """Return labels with their members and numbers of proof syncs, in two queries for all."""
    ids = [row.id for row in rows]
    members: dict[str, list[str]] = {}
    for each in conn.execute(
        select(label_members)
        .where(label_members.c.label_id.in_(ids))
        .order_by(label_members.c.label_id, label_members.c.user_name)
    ):
        members.setdefault(each.label_id, []).append(each.user_name)
    filed = conn.execute(
        select(instances.c.label_id, func.count())
        .where(instances.c.label_id.in_(ids))
        .group_by(instances.c.label_id)
    )
    counts: dict[str, int] = {row[0]: row[1] for row in filed}
    return [
        LabelRow(
            id=row.id,
            kind=row.kind,
            name=row.name,
            description=row.description,
            created_at=row.created_at,
            created_by=row.created_by,
            members=members.get(row.id, []),
            proof_syncs=counts.get(row.id, 0),
        )
        for row in rows
    ]


def _refuse_taken(conn: Connection, kind: LabelKind, name: str, but: str = "") -> None:
    taken = select(labels.c.id).where(labels.c.kind == kind, labels.c.name == name, labels.c.id != but)
    other = conn.execute(taken).scalar_one_or_none()
    if other is not None:
        raise _taken(kind, name, other)


def _taken(kind: LabelKind, name: str, other: str = "") -> Conflict:
    use = f"use {other}, or give another name" if other else "give another name"
    return Conflict(f"there is a {kind.value} named {name!r} already", field="name", fix=use)
