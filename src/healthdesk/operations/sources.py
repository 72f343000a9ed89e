"""Sources: add, show, edit, and enable for an integration."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from healthdesk.api.common import Page
from healthdesk.api.sources import Source, SourceCreate, SourceEdit, SourceEnable, SourceField
from healthdesk.domain.activity import Verb
from healthdesk.errors import Malformed
from healthdesk.operations import silence
from healthdesk.operations.before_after import differences
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.paging import cursor, model_of, to_page
from healthdesk.store import integrations as integration_queries
from healthdesk.store import lookups
from healthdesk.store import sources as queries
from healthdesk.store.rows import SourceRow

_LONGEST_LEVEL = 64
SEEN_BY_ALL = timedelta(seconds=5)
"""By then every daemon accepts records with a source's new fields."""

view = model_of(Source)


async def list_all(desk: Desk, after: str | None, limit: int) -> Page[Source]:
    """Return sources by age."""
    desk.require("sources.list")
    place = cursor("src", after)

    def read(conn: Conn) -> Page[Source]:
        rows = queries.page(conn, after=place, limit=limit)
        return silence.page(conn, to_page(rows, view))

    return await desk.read(read)


async def show(desk: Desk, id_or_key: str) -> Source:
    """Return a source by id or key."""
    desk.require("sources.show")
    return await desk.read(lambda conn: silence.shown(conn, queries.get(conn, id_or_key)))


async def add(desk: Desk, new: SourceCreate) -> Source:
    """Add a source; Conflict when its key is taken."""
    desk.require("sources.add")
    levels, fields = _levels(new.levels), _fields(new.fields)
    now = desk.now()
    source_id = desk.ctx.ids.new("src", now)

    def change(conn: Conn) -> SourceRow:
        queries.insert(
            conn,
            source_id=source_id,
            key=new.key,
            name=new.name,
            levels=levels,
            fields=fields,
            now=now,
            by=desk.operator.user,
        )
        desk.note(conn, Verb.ADDED, "source", source_id, new.name, {"key": new.key})
        return queries.get(conn, source_id)

    return view(await desk.write(change, ("source", source_id)))


async def edit(desk: Desk, id_or_key: str, changes: SourceEdit) -> Source:
    """Change a source; records that were accepted stay as they are."""
    desk.require("sources.edit")
    levels = _levels(changes.levels) if changes.levels is not None else None
    fields = _fields(changes.fields) if changes.fields is not None else None

    def change(conn: Conn) -> SourceRow:
        row = queries.get(conn, id_or_key)
        queries.update(conn, row.id, name=changes.name, levels=levels, fields=fields)
        after = queries.get(conn, row.id)
        if lookup_names(after) != lookup_names(row):
            lookups.refill(conn, row.id, desk.now() + SEEN_BY_ALL)
        desk.note(conn, Verb.EDITED, "source", row.id, row.name, differences(_words(row), _words(after)))
        return after

    row = await desk.ctx.store.write(change)
    desk.tell(("source", row.id))
    return view(row)


def lookup_names(row: SourceRow) -> frozenset[str]:
    """Return the fields that records are found by."""
    return frozenset(each["name"] for each in row.fields if each.get("lookup"))


def _words(row: SourceRow) -> dict[str, Any]:
    """Return what an edit of a source may change, for the activity log; of fields their names alone."""
    return {"name": row.name, "levels": list(row.levels), "fields": [each["name"] for each in row.fields]}


async def enable(desk: Desk, id_or_key: str, choice: SourceEnable) -> Source:
    """Enable or disable a source for an integration; what is queued is still delivered."""
    desk.require("sources.enable")

    def change(conn: Conn) -> SourceRow:
        row = queries.get(conn, id_or_key)
        integration = integration_queries.get(conn, choice.integration_id)
        if queries.enable(conn, row.id, integration.id, choice.enabled):
            verb = Verb.ENABLED if choice.enabled else Verb.DISABLED
            detail = {"integration_id": integration.id, "integration": integration.name}
            desk.note(conn, verb, "source", row.id, row.name, detail)
        return queries.get(conn, row.id)

    row = await desk.ctx.store.write(change)
    desk.tell(("source", row.id), ("integration", choice.integration_id))
    return view(row)


def _levels(levels: list[str]) -> list[str]:
    """Return levels without repeats; refuse what a record could not name."""
    for level in levels:
        if not 1 <= len(level) <= _LONGEST_LEVEL or not level.isprintable():
            raise Malformed(f"a level is 1 to {_LONGEST_LEVEL} printable characters", field="levels")
    return list(dict.fromkeys(levels))


def _fields(fields: list[SourceField]) -> list[dict[str, Any]]:
    names = [field.name for field in fields]
    if len(set(names)) < len(names):
        raise Malformed("a field is declared twice", field="fields")
    return [field.model_dump(mode="json") for field in fields]
