"""Which tasks the issues belong to that a callback names: they are synced at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.states import Trigger
from healthdesk.store import callbacks
from healthdesk.store.instances import due_now
from healthdesk.store.issue_holders import HERE
from healthdesk.store.rows import ProcessedCallback
from healthdesk.store.schema import callbacks as table
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_instances import LINKED, instances, tasks

_AT_ONCE = 400


def processed(
    conn: Connection, done: Sequence[ProcessedCallback], now: datetime
) -> tuple[list[str], list[str]]:
    """Keep what callbacks are about, and let the tasks whose issues they name be synced now, in one transaction.

    Returns the ids of the callbacks that no other daemon had processed meanwhile, and of those tasks.
    """
    kept = callbacks.processed(conn, done, now)
    mine = set(kept)
    named = {each.id: each.instances for each in done if each.id in mine and each.instances}
    if not named:
        return kept, []
    came_for: dict[str, list[str]] = {}
    for row in conn.execute(select(table.c.id, table.c.connection_id).where(table.c.id.in_(list(named)))):
        came_for.setdefault(row.connection_id, []).extend(named[row.id])
    due: dict[str, None] = {}
    for connection_id, names in came_for.items():
        due.update(dict.fromkeys(tasks_named(conn, connection_id, names)))
    due_now(conn, list(due), now, Trigger.CALLBACK)
    return kept, list(due)


def tasks_named(conn: Connection, connection_id: str, names: Iterable[str]) -> list[str]:
    """Return the ids of tasks whose issues are named in a callback that came for a connection.

    A name is an issue's id or key, or `place#number` where apps count in each project. Tasks of another app are not meant,
    nor those of another site where both connections tell theirs.
    """
    asked = conn.execute(
        select(connections.c.app, connections.c.identity, connections.c.base_url).where(
            connections.c.id == connection_id
        )
    ).one_or_none()
    if asked is None:
        return []
    found: dict[str, None] = {}
    for some in _chunks(dict.fromkeys(names)):
        for row in _candidates(conn, asked.app, some):
            if _same_site(asked, row) and _means(row, some):
                found[row.id] = None
    return list(found)


def _candidates(conn: Connection, app: str, names: Sequence[str]) -> Sequence[Any]:
    numbers = [number for name in names if (number := name.rpartition("#")[2]) != name]
    own = select(tasks.c.id).where(sa.text(f"tasks.{LINKED}"), tasks.c.external_id.in_([*names, *numbers]))
    keyed = select(tasks.c.id).where(sa.text(f"tasks.{LINKED}"), tasks.c.external_key.in_(list(names)))
    ids = sa.union(own, keyed).subquery()
    return conn.execute(
        select(
            tasks.c.id,
            tasks.c.external_id,
            tasks.c.external_key,
            tasks.c.container,
            connections.c.identity,
            connections.c.base_url,
        )
        .join(instances, instances.c.id == tasks.c.id)
        .join(connections, connections.c.id == instances.c.connection_id)
        .where(tasks.c.id.in_(select(ids.c.id)), tasks.c.link.in_(list(HERE)), instances.c.app == app)
    ).all()


def _means(row: Any, names: Sequence[str]) -> bool:
    if row.external_id in names or row.external_key in names:
        return True
    values = [str(value).casefold() for value in row.container.values()]
    for name in names:
        place, sign, number = name.rpartition("#")
        if sign and number == row.external_id and place.casefold() in ("/".join(values), *values):
            return True
    return False


def _same_site(one: Any, other: Any) -> bool:
    told = [str((each.identity or {}).get("site") or "").casefold() for each in (one, other)]
    if all(told):
        return told[0] == told[1]
    return not (one.base_url and other.base_url) or one.base_url == other.base_url


def _chunks(names: Mapping[str, None]) -> Iterator[list[str]]:
    left = iter(names)
    while some := list(islice(left, _AT_ONCE)):
        yield some
