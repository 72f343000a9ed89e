"""Which task an issue belongs to: no two are linked with the same one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.instance_states import LinkState
from healthdesk.store.schema_instances import LINKED, instances
from healthdesk.store.schema_instances import tasks as table

HERE = frozenset({LinkState.LINKED, LinkState.DELETED})
"""A task in one of these states has an issue, or had one that nobody else may have."""


def held(
    conn: Connection,
    app: str,
    issues: Iterable[Mapping[str, Any]],
    container: Mapping[str, str],
    *,
    other_than: str = "",
) -> dict[str, str]:
    """Return the names of tasks that are linked with these issues of a container, by the issues' ids.

    Numbers and keys are the same at every site of an app: the addresses of issues tell those apart.
    """
    wanted = {issue["id"]: issue for issue in issues}
    return {row.external_id: row.name for row in _holders(conn, app, wanted, container, other_than)}


def _place_of(container: Mapping[str, str]) -> str:
    """Return where an issue lives as one text, to compare containers by."""
    return "/".join(value.casefold() for _, value in sorted(container.items()) if value)


def holder_of(
    conn: Connection, task_id: str, issue: Mapping[str, Any], container: Mapping[str, str]
) -> str | None:
    """Return the name of the other task that is linked with an issue; None where there is none."""
    app = conn.execute(select(instances.c.app).where(instances.c.id == task_id)).scalar()
    if app is None:
        return None
    found = _holders(conn, app, {issue["id"]: issue}, container, task_id)
    return found[0].name if found else None


def _holders(
    conn: Connection,
    app: str,
    wanted: Mapping[str, Mapping[str, Any]],
    container: Mapping[str, str],
    other_than: str,
) -> list[Any]:
    if not wanted:
        return []
    rows = conn.execute(
        select(
            table.c.name, table.c.external_id, table.c.external_key, table.c.external_url, table.c.container
        )
        .join(instances, instances.c.id == table.c.id)
        .where(
            sa.text(f"tasks.{LINKED}"),
            table.c.external_id.in_(list(wanted)),
            table.c.id != other_than,
            table.c.link.in_(list(HERE)),
            instances.c.app == app,
        )
    ).all()
    return [row for row in rows if _is(row, wanted[row.external_id], container)]


def _is(row: Any, issue: Mapping[str, Any], container: Mapping[str, str]) -> bool:
    """Tell whether a task's issue is this one, which has the same id."""
    one, other = row.external_url, issue["url"]
    if one and other:
        if one == other:
            return True
        if urlsplit(one).netloc != urlsplit(other).netloc:
            return False
    if row.external_key == issue["key"] not in ("", issue["id"]):
        return True
    return not (one and other) and _place_of(row.container) == _place_of(container)
