"""Connections: add and edit. What decides health is tried at the app first; what it refuses is not saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from healthdesk.api.connections import Connection, ConnectionCreate, ConnectionEdit
from healthdesk.connectors.app import App
from healthdesk.connectors.client_certificates import check_shown
from healthdesk.connectors.spec import AuthManifest
from healthdesk.domain.activity import Verb
from healthdesk.domain.addresses import as_stored
from healthdesk.domain.identity import Identity
from healthdesk.domain.states import Trigger
from healthdesk.engine.checker import HTTP_ENDPOINT, Learnt
from healthdesk.engine.tokens import StoredTokens
from healthdesk.errors import Conflict, Malformed
from healthdesk.operations import authorizations
from healthdesk.operations.before_after import connection_words, differences
from healthdesk.operations.connection_fields import (
    base_url_of,
    settings_of,
)
from healthdesk.operations.connections import check_after_change, view
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.given import given_credentials
from healthdesk.operations.paths import check_path, given_path
from healthdesk.operations.secrets import credential_columns, opened, plain
from healthdesk.operations.trying import (
    Candidate,
    Tried,
    entered_expiry,
    keep_good,
    learnt_columns,
    refuse_changed,
    tell_good,
    try_out,
)
from healthdesk.operations.verification import (
    FIRST_HANDSHAKE,
    check_verification,
    edited_columns,
    hands_over,
    rotation,
    secret_columns,
    verification_settings,
)
from healthdesk.store import connections as queries
from healthdesk.store.naming import free_name, refuse_taken
from healthdesk.store.rows import (
    ConnectionRow,
    ConnectionSecretRow,
    HeartbeatSettings,
    NewConnection,
    ProblemChanges,
)

_MOST_NAME = 90
"""Characters of a name that is made, so that a number fits behind it."""

_TRIED = frozenset({"base_url", "settings", "heartbeat"})
"""Columns of an edit that decide health, and are tried first."""


async def add(desk: Desk, new: ConnectionCreate) -> Connection:
    """Add a connection, once the app took its credentials; TrialRefused and TrialImpossible saved nothing."""
    desk.require("connections.add")
    ctx = desk.ctx
    app = ctx.apps.get(new.app)
    settings = settings_of(app.manifest, new.settings)
    method, credentials = await given_credentials(desk, app, new, settings)
    base_url = base_url_of(app.manifest, method, new.base_url)
    check_shown(method, credentials.values, base_url)
    heartbeat = _heartbeat(app, method, new)
    secret = plain(new.callback_secret)
    given = new.verification if "verification" in new.model_fields_set else None
    if given is not None:
        check_verification(
            given, has_secret=bool(secret), secret=secret, handed_over=hands_over(desk, app.id)
        )
    expires_at = entered_expiry(desk, new.expires_at)
    if new.name is not None and not new.unchecked:
        await desk.read(refuse_taken, "connection", new.name)  # before the app is asked
    candidate = Candidate(app, credentials, settings, base_url, heartbeat)
    tried = None if new.unchecked else await try_out(desk, candidate)
    identity = tried.outcome.identity if tried else None
    now = desk.now()
    row = NewConnection(
        id=ctx.ids.new("con", now),
        app=app.id,
        name=new.name or default_name(app, identity, base_url, settings),
        base_url=base_url,
        owner=desk.operator.user,
        created_by=desk.operator.user,
        created_at=now,
        **credential_columns(desk, method, tried.credentials if tried else credentials),
        **learnt_columns(tried, expires_at),
        heartbeat=heartbeat,
        verification=verification_settings(desk, app.id, given),
        **secret_columns(desk, secret),
        handshake_until=now + FIRST_HANDSHAKE if hands_over(desk, app.id) and not secret else None,
        callback_limit_per_minute=new.callback_limit_per_minute,
        next_check=now if heartbeat else None,
        settings=settings,
    )

    def change(conn: Conn) -> ProblemChanges | None:
        if new.name is None:
            named = free_name(conn, "connection", row.name)
        else:
            refuse_taken(conn, "connection", row.name)
            named = row.name
        if new.authorization is not None:
            authorizations.use(conn, desk, new.authorization)
        queries.insert(conn, replace(row, name=named))
        desk.note(conn, Verb.ADDED, "connection", row.id, named, {"app": row.app, "auth": row.auth})
        return keep_good(conn, desk, queries.get(conn, row.id), tried) if tried else None

    kept = await desk.write(change, ("connection", row.id))
    await desk.engine.refresh()
    if kept is not None:
        tell_good(desk, kept)
    elif heartbeat is not None:
        await check_after_change(desk, row.id, Trigger.CREDENTIALS)
    return view(desk, await desk.read(queries.get, row.id))


async def edit(desk: Desk, connection_id: str, changes: ConnectionEdit) -> Connection:
    """Change settings of a connection; what decides its health is tried first, and then in one step with the check kept.

    Another account there, or other scopes, are drift as at any other check.
    """
    row = await desk.read(queries.get_secret, connection_id)
    desk.require("connections.edit", desk.standing_on(row))
    columns = _columns(desk, row, changes)
    if not columns:
        return view(desk, row)
    _check_certificate_shown(desk, row, columns.get("base_url", ""))
    if changes.name is not None:
        await desk.read(refuse_taken, "connection", changes.name, but=connection_id)
    keep_old = rotation(desk, row, changes)
    judged = bool(columns.keys() & _TRIED)
    tried = await _try_edit(desk, row, columns) if judged and not changes.unchecked else None
    learnt = Learnt.of(tried.outcome, tried.credentials) if tried else None
    if tried is not None:
        # Sealed once more: the key may have been replaced while the app was asked.
        columns |= edited_columns(desk, row, changes)
    if learnt is not None and learnt.identity is not None and row.identity_connected:
        # Where it lives is what was meant to change; whose it is there is compared.
        columns["identity_connected"] = {**row.identity_connected, "site": learnt.identity.site}

    def change(conn: Conn) -> ProblemChanges | None:
        if changes.name is not None:
            refuse_taken(conn, "connection", changes.name, but=connection_id)
        if tried is not None:
            refuse_changed(queries.get_secret(conn, connection_id, lock=True), row)
        keep_old(conn)
        before = connection_words(queries.get(conn, connection_id))
        queries.update(conn, connection_id, columns)
        after = connection_words(queries.get(conn, connection_id))
        secret = ["callback_secret"] if changes.callback_secret is not None else []
        detail = differences(before, after, secret)
        desk.note(conn, Verb.EDITED, "connection", connection_id, row.name, detail)
        if tried is None:
            return None
        return keep_good(conn, desk, queries.get(conn, connection_id), tried, learnt)

    kept = await desk.write(change, ("connection", connection_id))
    await desk.engine.refresh()
    if kept is not None:
        tell_good(desk, kept)
    elif judged and columns.get("heartbeat", row.heartbeat):
        await check_after_change(desk, connection_id, Trigger.OPERATOR)
    return view(desk, await desk.read(queries.get, connection_id))


def default_name(app: App, identity: Identity | None, base_url: str, settings: Mapping[str, str]) -> str:
    """Return what a connection is called that was given no name: the app, and whose account it is."""
    account = (identity.account or identity.site or identity.account_id) if identity else ""
    whose = account or (urlsplit(base_url).hostname or "") or next(iter(settings.values()), "")
    return (f"{app.name} · {whose}" if whose else app.name)[:_MOST_NAME]


def heartbeat_of(app: App, method: AuthManifest) -> HeartbeatSettings | None:
    """Return the request that an app's connector checks health with, to be shown; None where it has none."""
    found = app.manifest.heartbeat_for(method.id)
    return HeartbeatSettings(found.request.method, found.request.path) if found else None


def _heartbeat(app: App, method: AuthManifest, new: ConnectionCreate) -> HeartbeatSettings | None:
    if app.id != HTTP_ENDPOINT:
        if new.heartbeat is not None:
            raise _has_its_own(app)
        return heartbeat_of(app, method)
    if new.heartbeat is None:
        return None
    check_path(new.heartbeat.path, "heartbeat.path")
    return HeartbeatSettings(**new.heartbeat.model_dump())


def _has_its_own(app: App) -> Malformed:
    return Malformed(
        f"the connector of {app.name} says how its health is checked",
        field="heartbeat",
        fix="leave it out",
    )


def _columns(desk: Desk, row: ConnectionRow, changes: ConnectionEdit) -> dict[str, Any]:
    """Return the columns that an edit changes."""
    given = changes.model_fields_set
    columns: dict[str, Any] = {}
    if changes.name is not None:
        columns["name"] = changes.name
    if changes.base_url is not None or changes.settings is not None:
        columns |= _place_columns(desk, row, changes)
    if "expires_at" in given:
        expires_at = entered_expiry(desk, changes.expires_at)
        columns |= {
            "expires_at": expires_at,
            "expires_from": "entered" if expires_at else "",
            "expiry_warned": None,
        }
    if changes.heartbeat is not None or changes.clear_heartbeat:
        columns |= _heartbeat_columns(desk, row, changes)
    columns |= edited_columns(desk, row, changes)
    if "callback_limit_per_minute" in given:
        columns["callback_limit_per_minute"] = changes.callback_limit_per_minute
    return columns


def _place_columns(desk: Desk, row: ConnectionRow, changes: ConnectionEdit) -> dict[str, Any]:
    """Return the columns of where the app lives: its settings, and the base URL."""
    manifest = desk.ctx.apps.get(row.app).manifest
    columns: dict[str, Any] = {}
    if changes.settings is not None:
        columns["settings"] = settings_of(manifest, {**row.settings, **changes.settings}, row.settings)
    if changes.base_url is not None and as_stored(changes.base_url.strip(), row.base_url) != row.base_url:
        method = manifest.method(row.auth) or manifest.auth[0]
        columns["base_url"] = base_url_of(manifest, method, changes.base_url)
    return {name: value for name, value in columns.items() if value != getattr(row, name)}


def _check_certificate_shown(desk: Desk, row: ConnectionSecretRow, base_url: str) -> None:
    """Refuse a base URL without TLS for credentials with a client certificate, where they can be read."""
    method = desk.ctx.apps.get(row.app).manifest.method(row.auth)
    if method is None or method.client_certificate is None or not base_url:
        return
    try:
        values = opened(desk, row).values
    except Conflict:
        return
    check_shown(method, values, base_url)


def _heartbeat_columns(desk: Desk, row: ConnectionRow, changes: ConnectionEdit) -> dict[str, Any]:
    if row.app != HTTP_ENDPOINT:
        raise _has_its_own(desk.ctx.apps.get(row.app))
    if changes.heartbeat is None:
        return {"heartbeat": None, "next_check": None}
    if changes.clear_heartbeat:
        raise Malformed("heartbeat and clear_heartbeat exclude each other", field="clear_heartbeat")
    was = row.heartbeat.path if row.heartbeat else ""
    beat = changes.heartbeat.model_dump()
    beat["path"] = given_path(changes.heartbeat.path, was, "heartbeat.path")
    return {"heartbeat": HeartbeatSettings(**beat), "next_check": desk.now()}


async def _try_edit(desk: Desk, row: ConnectionSecretRow, columns: Mapping[str, Any]) -> Tried | None:
    """Try the connection as it will be with its credentials as they are, tokens that are renewed for it included."""
    ctx, credentials = desk.ctx, opened(desk, row)
    candidate = Candidate(
        ctx.apps.get(row.app),
        credentials,
        columns.get("settings", row.settings),
        columns.get("base_url", row.base_url),
        columns.get("heartbeat", row.heartbeat),
        StoredTokens(ctx.store, ctx.vault, ctx.clock, row.id, credentials, name=row.name),
        in_use=True,
    )
    return await try_out(desk, candidate)
