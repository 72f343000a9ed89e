"""Connections: show and check."""

from __future__ import annotations

from dataclasses import replace

from healthdesk.api.apps import App
from healthdesk.api.common import Page
from healthdesk.api.connections import Connection, Heartbeat
from healthdesk.domain.activity import Verb
from healthdesk.domain.addresses import redact_url
from healthdesk.domain.expiry import near_words
from healthdesk.domain.states import Trigger
from healthdesk.engine.sites import app_base_url
from healthdesk.errors import StoreUnavailable
from healthdesk.operations.addresses import shown_settings
from healthdesk.operations.authorizations import redirect_url
from healthdesk.operations.before_after import differences
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.evidence import drift_models
from healthdesk.operations.explain import explain_connection, explain_put_off, word_of
from healthdesk.operations.paging import cursor, model_of, to_page
from healthdesk.operations.refusals import my_grant, refused_on
from healthdesk.store import connections as queries
from healthdesk.store.rows import ConnectionRow


def view(desk: Desk, row: ConnectionRow) -> Connection:
    """Return a connection as operators see it."""
    app_name, base_url = row.app, row.base_url
    # Where its folder was removed, the connection still shows.
    if row.app in desk.ctx.apps:
        app = desk.ctx.apps.get(row.app)
        app_name, base_url = app.name, base_url or app_base_url(app.manifest, row.auth, row.settings)
    identity = row.identity or {}
    put_off_since = desk.engine.heartbeats.put_off_since(row.id)
    shown = replace(
        row,
        app_name=app_name,
        base_url=redact_url(base_url),
        settings=shown_settings(row.settings),
        heartbeat=row.heartbeat and replace(row.heartbeat, path=redact_url(row.heartbeat.path)),
        state_word=word_of(row),
        explanation=explain_put_off(put_off_since) if put_off_since else explain_connection(row, desk.now()),
        callback_url=f"{desk.ctx.config.server.public_url.rstrip('/')}/v1/callbacks/{row.id}",
    )
    return Connection.model_validate(shown, from_attributes=True).model_copy(
        update={
            "site": identity.get("site", ""),
            "scopes": identity.get("scopes"),
            "drift": drift_models(row),
            "expires_in": near_words(row.expires_at, desk.now()),
            "my_grant": my_grant(desk, row),
            "refused": refused_on(desk, row),
        }
    )


async def apps(desk: Desk) -> list[App]:
    """Return what can be connected."""
    desk.require("apps.list")
    made = [App.model_validate(app.manifest, from_attributes=True) for app in desk.ctx.apps.list()]
    for method in (each for app in made for each in app.auth if each.type == "oauth2_code"):
        method.redirect_url = redirect_url(desk.ctx)
    return made


async def list_all(desk: Desk, after: str | None, limit: int) -> Page[Connection]:
    """Return connections by age."""
    desk.require("connections.list")
    rows = await desk.read(queries.page, after=cursor("con", after), limit=limit)
    return to_page(rows, lambda row: view(desk, row))


async def show(desk: Desk, connection_id: str) -> Connection:
    """Return a connection."""
    desk.require("connections.show")
    return view(desk, await desk.read(queries.get, connection_id))


async def heartbeats(desk: Desk, connection_id: str, after: str | None, limit: int) -> Page[Heartbeat]:
    """Return a connection's checks, newest first."""
    desk.require("connections.heartbeats")
    await desk.read(queries.get, connection_id)
    rows = await desk.read(queries.heartbeats, connection_id, after=cursor("hbt", after), limit=limit)
    return to_page(rows, model_of(Heartbeat))


async def check(desk: Desk, connection_id: str) -> Connection:
    """Check a connection now and return it as it is after that."""
    row = await desk.read(queries.get, connection_id)
    desk.require("connections.check", desk.standing_on(row))
    await desk.engine.check_now(connection_id, Trigger.OPERATOR)

    def change(conn: Conn) -> ConnectionRow:
        after = queries.get(conn, connection_id)
        states = differences({"state": row.state.value}, {"state": after.state.value})
        desk.note(conn, Verb.CHECKED, "connection", connection_id, row.name, states)
        return after

    return view(desk, await desk.write(change))


async def check_after_change(desk: Desk, connection_id: str, trigger: Trigger) -> None:
    """Check; the change is committed already, so a check that cannot be kept now is left to the schedule."""
    try:
        await desk.engine.check_now(connection_id, trigger)
    except StoreUnavailable:
        desk.ctx.bus.publish("connection.changed", connection_id)
