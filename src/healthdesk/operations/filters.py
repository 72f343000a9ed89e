"""Saved filters of the log: everybody keeps their own, and shares those that others want too."""

from __future__ import annotations

from healthdesk.api.common import Page
from healthdesk.api.filters import SavedFilter, SavedFilterCreate
from healthdesk.domain.activity import Verb
from healthdesk.domain.states import Role
from healthdesk.errors import Malformed, NotPermitted
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.paging import cursor, model_of, to_page
from healthdesk.store import saved_filters as queries
from healthdesk.store.saved_filters import SavedFilterRow
from healthdesk.store.scope import missing

view = model_of(SavedFilter)


async def list_all(desk: Desk, after: str | None, limit: int) -> Page[SavedFilter]:
    """Return the operator's own filters and the shared ones, by age."""
    desk.require("filters.list")
    rows = await desk.read(queries.page, desk.operator.user, after=cursor("flt", after), limit=limit)
    return to_page(rows, view)


async def save(desk: Desk, new: SavedFilterCreate, *, owner: str = "") -> SavedFilter:
    """Save a filter under a name; the operator's own of that name, or `owner`'s, is replaced. Values looked up are data
    of people, which are kept nowhere in clear but in records.
    """
    desk.require("filters.add")
    if new.filter.lookup:
        raise Malformed(
            "a filter with the value of a lookup field is not saved",
            field="filter.lookup",
            fix="save it without, and give the value when you search",
        )
    now = desk.now()
    made_id = desk.ctx.ids.new("flt", now)
    chosen = new.filter.model_dump(mode="json", exclude_defaults=True)

    def change(conn: Conn) -> SavedFilterRow:
        row = queries.save(
            conn,
            filter_id=made_id,
            name=new.name,
            owner=owner or desk.operator.user,
            shared=new.shared,
            chosen=chosen,
            now=now,
        )
        verb = Verb.ADDED if row.id == made_id else Verb.EDITED
        desk.note(conn, verb, "filter", row.id, row.name, {"shared": row.shared})
        return row

    row = await desk.ctx.store.write(change)
    desk.tell(("filter", row.id))
    return view(row)


async def remove(desk: Desk, filter_id: str) -> None:
    """Remove one of the operator's own filters; administrators remove what others shared, too."""
    desk.require("filters.remove")

    def change(conn: Conn) -> None:
        row = queries.get(conn, filter_id)
        if row.owner != desk.operator.user:
            if not row.shared:
                raise missing("filter", filter_id)
            if desk.operator.role is not Role.ADMINISTRATOR:
                raise NotPermitted(f"{row.name} is {row.owner}'s", fix=desk.whom_to_ask(row.owner))
        queries.remove(conn, filter_id)
        desk.note(conn, Verb.REMOVED, "filter", filter_id, row.name, {"owner": row.owner})

    await desk.write(change, ("filter", filter_id))
