"""A name is one object's: two of one name could only be told apart by id."""

from __future__ import annotations

from itertools import count

from sqlalchemy import Connection, select

from healthdesk.errors import Conflict
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_desk import channels

_TABLES = {"channel": channels, "connection": connections}


def refuse_taken(conn: Connection, noun: str, name: str, but: str = "") -> None:
    """Raise Conflict when a channel or connection that is not removed, other than `but`, has the name already."""
    table = _TABLES[noun]
    taken = select(table.c.id).where(table.c.name == name, table.c.deleted_at.is_(None), table.c.id != but)
    other_id = conn.execute(taken.limit(1)).scalar_one_or_none()
    if other_id is not None:
        raise Conflict(
            f"there is a {noun} named {name!r} already: {other_id}",
            field="name",
            fix=f"use {other_id}, or give another name",
        )


def free_name(conn: Connection, noun: str, name: str) -> str:
    """Return the name if nothing that is not removed has it, else the first of `name 2`, `name 3` … that is free."""
    table = _TABLES[noun]
    same = select(table.c.name).where(
        table.c.name.startswith(name, autoescape=True), table.c.deleted_at.is_(None)
    )
    taken = set(conn.execute(same).scalars())
    if name not in taken:
        return name
    return next(other for number in count(2) if (other := f"{name} {number}") not in taken)
