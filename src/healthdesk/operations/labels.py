"""Labels and controls: list, show, add, edit with their members, remove."""

from __future__ import annotations

from typing import Any

from healthdesk.api.common import Page
from healthdesk.api.labels import Label, LabelCreate, LabelEdit
from healthdesk.domain.activity import Verb
from healthdesk.domain.instance_states import LabelKind
from healthdesk.errors import Malformed
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.paging import cursor, model_of, to_page
from healthdesk.store import labels as queries
from healthdesk.store.rows_instances import LabelRow

view = model_of(Label)

_MOST_USER = 100


async def list_all(desk: Desk, kind: LabelKind | None, after: str | None, limit: int) -> Page[Label]:
    """Return labels and controls by age, or those of one kind."""
    desk.require("labels.list")
    rows = await desk.read(queries.page, kind=kind, after=cursor("lbl", after), limit=limit)
    return to_page(rows, view)


async def show(desk: Desk, label_id: str) -> Label:
    """Return a label or control."""
    desk.require("labels.show")
    return view(await desk.read(queries.get, label_id))


async def add(desk: Desk, new: LabelCreate) -> Label:
    """Add a label or control; whoever adds it is a member. Conflict when the name is taken."""
    desk.require("labels.add")
    members = _users([desk.operator.user, *new.members])
    now = desk.now()
    label_id = desk.ctx.ids.new("lbl", now)

    def change(conn: Conn) -> LabelRow:
        queries.insert(
            conn,
            label_id=label_id,
            kind=new.kind,
            name=new.name,
            description=new.description,
            members=members,
            now=now,
            by=desk.operator.user,
        )
        desk.note(conn, Verb.ADDED, "label", label_id, new.name, {"kind": new.kind.value, "members": members})
        return queries.get(conn, label_id)

    return view(await desk.write(change, ("label", label_id)))


async def edit(desk: Desk, label_id: str, changes: LabelEdit) -> Label:
    """Change a label's name, description or members; what was before and is after stands in the activity log."""
    desk.require("labels.edit")
    members = _users(changes.members) if changes.members is not None else None
    wanted = {
        name: value for name in ("name", "description") if (value := getattr(changes, name)) is not None
    }

    def change(conn: Conn) -> LabelRow:
        row = queries.get(conn, label_id, lock=True)
        changed = {name: value for name, value in wanted.items() if value != getattr(row, name)}
        queries.update(conn, label_id, changed)
        name = wanted.get("name", row.name)
        if changed:
            before: dict[str, Any] = {each: getattr(row, each) for each in changed}
            desk.note(conn, Verb.EDITED, "label", label_id, name, {"before": before, "after": changed})
        if members is not None:
            queries.set_members(conn, label_id, members)
            if came := sorted(set(members) - set(row.members)):
                desk.note(conn, Verb.ADDED_MEMBER, "label", label_id, name, {"members": came})
            if went := sorted(set(row.members) - set(members)):
                desk.note(conn, Verb.REMOVED_MEMBER, "label", label_id, name, {"members": went})
        return queries.get(conn, label_id)

    return view(await desk.write(change, ("label", label_id)))


async def remove(desk: Desk, label_id: str) -> None:
    """Remove a label; Conflict while proof is filed under it."""
    desk.require("labels.remove")

    def change(conn: Conn) -> None:
        row = queries.get(conn, label_id, lock=True)
        queries.remove(conn, label_id)
        detail = {"kind": row.kind.value, "members": row.members}
        desk.note(conn, Verb.REMOVED, "label", label_id, row.name, detail)

    await desk.write(change, ("label", label_id))


def _users(given: list[str]) -> list[str]:
    """Return the names of users, each once."""
    for user in given:
        if not user or len(user) > _MOST_USER or not user.isprintable() or any(map(str.isspace, user)):
            raise Malformed(
                f"{user[:40]!r} is no name of a user",
                field="members",
                fix="members are users of this host, by the name they log in with",
            )
    return list(dict.fromkeys(given))
