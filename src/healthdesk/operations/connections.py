"""Connections: add, show, edit, check, new credentials, disconnect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from healthdesk.api.common import Page
from healthdesk.api.connections import (
    App,
    CallbackVerification,
    Connection,
    ConnectionCreate,
    ConnectionEdit,
    CredentialsUpdate,
    Heartbeat,
)
from healthdesk.connectors.heartbeat import check_base_url
from healthdesk.domain.activity import Verb
from healthdesk.domain.health import state_word
from healthdesk.domain.signing import secret_key
from healthdesk.domain.states import Trigger
from healthdesk.errors import ConnectorError, Malformed, StoreUnavailable
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.explain import explain_connection
from healthdesk.operations.paging import cursor, model_of, to_page
from healthdesk.operations.paths import check_path
from healthdesk.operations.secrets import plain, stored_credentials
from healthdesk.store import connections as queries
from healthdesk.store.naming import refuse_taken
from healthdesk.store.rows import ConnectionRow, HeartbeatSettings, NewConnection, VerificationSettings
from healthdesk.vault import hint


def view(desk: Desk, row: ConnectionRow) -> Connection:
    """Return a connection as operators see it."""
    try:
        app_name = desk.ctx.apps.get(row.app).name
    except ConnectorError:
        # Its folder was removed; the connection still shows.
        app_name = row.app
    shown = replace(
        row,
        app_name=app_name,
        state_word=state_word(row.state, row.judged_by_deliveries),
        explanation=explain_connection(row),
        callback_url=f"{desk.ctx.config.server.public_url.rstrip('/')}/v1/callbacks/{row.id}",
    )
    return Connection.model_validate(shown, from_attributes=True)


async def apps(desk: Desk) -> list[App]:
    """Return what can be connected."""
    desk.require("apps.list")
    make = model_of(App)
    return [make(app.manifest) for app in desk.ctx.apps.list()]


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


async def add(desk: Desk, new: ConnectionCreate) -> Connection:
    """Add a connection; it is checked at once when it has a heartbeat."""
    desk.require("connections.add")
    ctx = desk.ctx
    app = ctx.apps.get(new.app)
    base_url = check_base_url(new.base_url)
    if new.heartbeat is not None:
        check_path(new.heartbeat.path, "heartbeat.path")
    credentials = stored_credentials(new.credentials)
    secret = plain(new.callback_secret)
    check_verification(new.verification, has_secret=bool(secret), secret=secret)
    now = desk.now()
    row = NewConnection(
        id=ctx.ids.new("con", now),
        app=app.id,
        name=new.name or app.name,
        base_url=base_url,
        auth=credentials.auth,
        owner=desk.operator.user,
        created_by=desk.operator.user,
        created_at=now,
        credentials_enc=ctx.vault.encrypt(credentials.to_json()) if credentials.auth != "none" else "",
        credential_hint=hint(credentials.secret) if credentials.secret else "",
        heartbeat=HeartbeatSettings(**new.heartbeat.model_dump()) if new.heartbeat else None,
        verification=VerificationSettings(**new.verification.model_dump()),
        callback_secret_enc=ctx.vault.encrypt(secret) if secret else "",
        callback_secret_hint=hint(secret) if secret else "",
        callback_limit_per_minute=new.callback_limit_per_minute,
        next_check=now if new.heartbeat else None,
    )

    def change(conn: Conn) -> None:
        refuse_taken(conn, "connection", row.name)
        queries.insert(conn, row)
        desk.note(conn, Verb.ADDED, "connection", row.id, row.name, {"app": row.app, "auth": row.auth})

    await desk.write(change, ("connection", row.id))
    await desk.engine.refresh()
    if row.heartbeat is not None:
        await _check_after_change(desk, row.id, Trigger.CREDENTIALS)
    return view(desk, await desk.read(queries.get, row.id))


async def edit(desk: Desk, connection_id: str, changes: ConnectionEdit) -> Connection:
    """Change settings of a connection; what decides its health is checked at once."""
    desk.require("connections.edit")
    given = changes.model_fields_set
    row = await desk.read(queries.get, connection_id)
    columns: dict[str, Any] = {}
    if changes.name is not None:
        columns["name"] = changes.name
    if changes.base_url is not None:
        columns["base_url"] = check_base_url(changes.base_url)
    if changes.clear_heartbeat:
        if changes.heartbeat is not None:
            raise Malformed("heartbeat and clear_heartbeat exclude each other", field="clear_heartbeat")
        columns |= {"heartbeat": None, "next_check": None}
    elif changes.heartbeat is not None:
        check_path(changes.heartbeat.path, "heartbeat.path")
        heartbeat = HeartbeatSettings(**changes.heartbeat.model_dump())
        columns |= {"heartbeat": heartbeat, "next_check": desk.now()}
    columns |= _callback_columns(desk, row, changes)
    if "callback_limit_per_minute" in given:
        columns["callback_limit_per_minute"] = changes.callback_limit_per_minute
    if not columns:
        return view(desk, row)

    def change(conn: Conn) -> None:
        if changes.name is not None:
            refuse_taken(conn, "connection", changes.name, but=connection_id)
        queries.update(conn, connection_id, columns)
        desk.note(conn, Verb.EDITED, "connection", connection_id, row.name, {"changed": sorted(given)})

    await desk.write(change, ("connection", connection_id))
    await desk.engine.refresh()
    has_heartbeat = bool(columns.get("heartbeat", row.heartbeat))
    if has_heartbeat and columns.keys() & {"base_url", "heartbeat"}:
        await _check_after_change(desk, connection_id, Trigger.OPERATOR)
    return view(desk, await desk.read(queries.get, connection_id))


def _callback_columns(desk: Desk, row: ConnectionRow, changes: ConnectionEdit) -> dict[str, Any]:
    """Return the columns of how callbacks are verified that an edit changes."""
    columns: dict[str, Any] = {}
    secret = plain(changes.callback_secret)
    verification = changes.verification
    if verification is not None or "callback_secret" in changes.model_fields_set:
        kept = bool(row.callback_secret_hint) and "callback_secret" not in changes.model_fields_set
        check_verification(
            verification or CallbackVerification.model_validate(row.verification, from_attributes=True),
            has_secret=bool(secret) or kept,
            secret=secret,
        )
    if verification is not None:
        columns["verification"] = VerificationSettings(**verification.model_dump())
    if "callback_secret" in changes.model_fields_set:
        columns["callback_secret_enc"] = desk.ctx.vault.encrypt(secret) if secret else ""
        columns["callback_secret_hint"] = hint(secret) if secret else ""
    return columns


def check_verification(verification: CallbackVerification, *, has_secret: bool, secret: str) -> None:
    """Raise Malformed when callbacks could not be verified as asked."""
    if verification.scheme == "none":
        return
    if not has_secret:
        raise Malformed(
            f"{verification.scheme} needs a secret",
            field="callback_secret",
            fix="give the secret the app signs with",
        )
    if verification.scheme == "standard_webhooks" and secret:
        secret_key(secret)


async def update_credentials(desk: Desk, connection_id: str, new: CredentialsUpdate) -> Connection:
    """Replace the credentials and check with them at once."""
    row = await desk.read(queries.get, connection_id)
    desk.require("connections.update_credentials", desk.grant_on(row))
    credentials = stored_credentials(new.credentials)
    columns = {
        "auth": credentials.auth,
        "credentials_enc": desk.ctx.vault.encrypt(credentials.to_json())
        if credentials.auth != "none"
        else "",
        "credential_hint": hint(credentials.secret) if credentials.secret else "",
    }

    def change(conn: Conn) -> None:
        queries.update(conn, connection_id, columns)
        desk.note(
            conn, Verb.UPDATED_CREDENTIALS, "connection", connection_id, row.name, {"auth": credentials.auth}
        )

    await desk.write(change, ("connection", connection_id))
    await desk.engine.refresh()
    await _check_after_change(desk, connection_id, Trigger.CREDENTIALS)
    return view(desk, await desk.read(queries.get, connection_id))


async def check(desk: Desk, connection_id: str) -> Connection:
    """Check a connection now and return it as it is after that."""
    row = await desk.read(queries.get, connection_id)
    desk.require("connections.check", desk.grant_on(row))
    await desk.engine.check_now(connection_id, Trigger.OPERATOR)

    def change(conn: Conn) -> ConnectionRow:
        desk.note(conn, Verb.CHECKED, "connection", connection_id, row.name)
        return queries.get(conn, connection_id)

    return view(desk, await desk.write(change))


async def disconnect(desk: Desk, connection_id: str) -> None:
    """Erase a connection's secrets and end it; Conflict while an integration delivers through it."""
    desk.require("connections.disconnect")

    def change(conn: Conn) -> None:
        row = queries.get(conn, connection_id)
        queries.delete(conn, connection_id, desk.now())
        desk.note(conn, Verb.DISCONNECTED, "connection", connection_id, row.name)

    await desk.write(change, ("connection", connection_id))
    await desk.engine.refresh()


async def _check_after_change(desk: Desk, connection_id: str, trigger: Trigger) -> None:
    """Check; the change is committed already, so a check that cannot be kept now is left to the schedule."""
    try:
        await desk.engine.check_now(connection_id, trigger)
    except StoreUnavailable:
        desk.ctx.bus.publish("connection.changed", connection_id)
