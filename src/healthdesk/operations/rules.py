"""Rules: which problems go to which channels."""

from __future__ import annotations

from typing import Any

from healthdesk.api.alerts import Rule, RuleCreate, RuleEdit
from healthdesk.api.common import Page
from healthdesk.domain.activity import Verb
from healthdesk.errors import Malformed, NotFound
from healthdesk.operations.before_after import differences
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.paging import cursor, model_of, to_page
from healthdesk.store import alerts as queries
from healthdesk.store import connections, integrations
from healthdesk.store.rows import RuleRow
from healthdesk.store.scope import listing

view = model_of(Rule)


async def list_all(desk: Desk, after: str | None, limit: int) -> Page[Rule]:
    """Return rules by age."""
    desk.require("rules.list")
    return to_page(await desk.read(queries.rules, after=cursor("rul", after), limit=limit), view)


async def show(desk: Desk, rule_id: str) -> Rule:
    """Return a rule."""
    desk.require("rules.show")
    return view(await desk.read(queries.get_rule, rule_id))


async def add(desk: Desk, new: RuleCreate) -> Rule:
    """Add a rule."""
    desk.require("rules.add")
    if new.integration_id is not None and new.connection_id is not None:
        raise Malformed(
            "a rule is for an integration or for a connection", field="connection_id", fix="make two rules"
        )
    now = desk.now()
    rule_id = desk.ctx.ids.new("rul", now)
    channel_ids = list(dict.fromkeys(new.channel_ids))

    def change(conn: Conn) -> RuleRow:
        _known(conn, "integration_id", new.integration_id)
        _known(conn, "connection_id", new.connection_id)
        _known_channels(conn, channel_ids)
        queries.insert_rule(
            conn,
            rule_id=rule_id,
            name=new.name,
            integration_id=new.integration_id,
            connection_id=new.connection_id,
            environments=list(dict.fromkeys(new.environments)),
            channel_ids=channel_ids,
            recoveries=new.recoveries,
            now=now,
            by=desk.operator.user,
        )
        desk.note(conn, Verb.ADDED, "rule", rule_id, new.name, {"channels": channel_ids})
        return queries.get_rule(conn, rule_id)

    return view(await desk.write(change, ("rule", rule_id)))


async def edit(desk: Desk, rule_id: str, changes: RuleEdit) -> Rule:
    """Change a rule."""
    desk.require("rules.edit")
    channel_ids = list(dict.fromkeys(changes.channel_ids)) if changes.channel_ids is not None else None

    def change(conn: Conn) -> RuleRow:
        row = queries.get_rule(conn, rule_id)
        if channel_ids is not None:
            _known_channels(conn, channel_ids)
        queries.update_rule(
            conn,
            rule_id,
            name=changes.name,
            environments=changes.environments,
            channel_ids=channel_ids,
            recoveries=changes.recoveries,
            enabled=changes.enabled,
        )
        after = queries.get_rule(conn, rule_id)
        desk.note(conn, Verb.EDITED, "rule", rule_id, row.name, differences(_words(row), _words(after)))
        return after

    return view(await desk.write(change, ("rule", rule_id)))


def _words(row: RuleRow) -> dict[str, Any]:
    """Return what an edit of a rule may change, for the activity log."""
    return {
        "name": row.name,
        "environments": [each.value for each in row.environments],
        "channels": list(row.channel_ids),
        "recoveries": row.recoveries,
        "enabled": row.enabled,
    }


async def remove(desk: Desk, rule_id: str) -> None:
    """Remove a rule."""
    desk.require("rules.remove")

    def change(conn: Conn) -> None:
        row = queries.get_rule(conn, rule_id)
        queries.delete_rule(conn, rule_id)
        desk.note(conn, Verb.REMOVED, "rule", rule_id, row.name)

    await desk.write(change, ("rule", rule_id))


def _known(conn: Conn, field: str, object_id: str | None) -> None:
    if object_id is None:
        return
    try:
        if field == "integration_id":
            integrations.get(conn, object_id)
        else:
            connections.get(conn, object_id)
    except NotFound:
        noun = field.removesuffix("_id")
        raise Malformed(f"there is no {noun} {object_id}", field=field, fix=listing(noun)) from None


def _known_channels(conn: Conn, channel_ids: list[str]) -> None:
    for channel_id in channel_ids:
        try:
            queries.get_channel(conn, channel_id)
        except NotFound:
            raise Malformed(
                f"there is no channel {channel_id}", field="channel_ids", fix=listing("channel")
            ) from None
