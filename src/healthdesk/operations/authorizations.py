"""Authorizations: begun by an operator, granted at the app in a browser, used for a connection's credentials once."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from healthdesk.api.authorizations import Authorization, AuthorizationCreate
from healthdesk.api.connections import Credentials
from healthdesk.connectors.app import App
from healthdesk.connectors.auth import StoredCredentials, code, device
from healthdesk.connectors.auth.build import oauth_client
from healthdesk.connectors.auth.oauth import OAuthClient
from healthdesk.connectors.auth.tokens import Tokens
from healthdesk.connectors.outgoing import NotAuthorized
from healthdesk.domain.exchange import Failure
from healthdesk.domain.roles import Standing
from healthdesk.domain.states import Blame
from healthdesk.engine.context import Context
from healthdesk.errors import Conflict, ConnectorError, Malformed, TrialImpossible, TrialRefused
from healthdesk.operations.connection_fields import credentials_of, method_of, settings_of
from healthdesk.operations.desk import Conn, Desk, Held
from healthdesk.operations.secrets import opened
from healthdesk.store import authorizations as queries
from healthdesk.store import connections
from healthdesk.store.authorizations import GRANTED, PENDING, AuthorizationRow

log = logging.getLogger(__name__)

CODE_LASTS = timedelta(minutes=10)
"""For so long a browser may come back with a code."""
GRANT_LASTS = timedelta(hours=1)
"""For so long what was granted may be used for a connection."""
POLL_LASTS = timedelta(seconds=30)
"""A poll whose daemon died meanwhile is made again after so long."""
CALLBACK_PATH = "/v1/oauth/callback"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a browser that came back is told: whether it is done, and at which app. `action` is what to do else."""

    granted: bool
    app_name: str = ""
    action: str = ""


def redirect_url(ctx: Context) -> str:
    """Return the URL that apps send browsers back to."""
    return f"{ctx.config.server.public_url.rstrip('/')}{CALLBACK_PATH}"


async def begin(desk: Desk, new: AuthorizationCreate) -> Authorization:
    """Begin an authorization: a URL for a browser, or a code to enter there.

    Raises ConnectorError, Malformed and NotFound; TrialRefused and TrialImpossible where the app has to be asked for it.
    """
    ctx = desk.ctx
    app, credentials, settings = await _asked(desk, new)
    client = _client(ctx, app, credentials, settings)
    now = desk.now()
    authorization_id = ctx.ids.new("aut", now)
    request: dict[str, Any] = {"credentials": credentials.to_json(), "settings": settings}
    try:
        if client.oauth.device_url and _type(app, credentials) == "oauth2_device":
            begun = await device.begin(client)
            kind, state, url, user_code = "device", begun.device_code, begun.url, begun.user_code
            lasts = timedelta(seconds=begun.lifetime_s)
            next_poll_at = now + timedelta(seconds=begun.interval_s)
            request |= {"device_code": begun.device_code, "interval_s": begun.interval_s}
        else:
            random = ctx.random_bytes(code.STATE_BYTES + code.VERIFIER_BYTES)
            asked = code.begin(client, redirect_url(ctx), random)
            kind, state, url, user_code = "code", asked.state, asked.url, ""
            lasts, next_poll_at = CODE_LASTS, None
            request |= {"verifier": asked.verifier, "redirect_uri": asked.redirect_uri}
    except NotAuthorized as error:
        raise _impossible(error.failure) from error
    row = AuthorizationRow(
        id=authorization_id,
        kind=kind,
        app=app.id,
        state_hash=_hash(state),
        request_enc=ctx.vault.encrypt(json.dumps(request)),
        url=url,
        user_code=user_code,
        created_at=now,
        created_by=desk.operator.user,
        expires_at=now + lasts,
        next_poll_at=next_poll_at,
        connection_id=new.connection,
    )
    await ctx.store.write(queries.insert, row)
    return _view(ctx, row)


async def show(desk: Desk, authorization_id: str) -> Authorization:
    """Return an authorization as it is; a device code that may be polled is polled first."""
    row = await desk.read(queries.get, authorization_id)
    desk.require("authorizations.show", _standing(desk, row))
    if row.kind == "device" and await _poll(desk.ctx, authorization_id):
        row = await desk.read(queries.get, authorization_id)
    return _view(desk.ctx, row)


async def take(desk: Desk, authorization_id: str, app: App) -> StoredCredentials:
    """Return the credentials that an authorization brought, tokens included, for the one who began it.

    It is not used up before `use` says so, in the transaction that saves them. Raises NotFound, and Conflict when it is
    not granted, used before, over, or of another app.
    """
    row = await desk.read(queries.get, authorization_id)
    status = _status(desk.ctx, row)
    if row.created_by != desk.operator.user or row.app != app.id:
        raise Conflict(
            f"the authorization {row.id} is of another {'app' if row.app != app.id else 'operator'}",
            fix="begin one of your own",
        )
    if status != GRANTED:
        raise Conflict(
            f"the authorization {row.id} is {status}",
            fix="open its URL and grant it first" if status == PENDING else "begin another one",
        )
    return StoredCredentials.from_json(desk.ctx.vault.decrypt(row.result_enc))


def use(conn: Conn, desk: Desk, authorization_id: str) -> None:
    """Use an authorization up, in the transaction that saves what it brought; Conflict when another did."""
    if not queries.use(conn, authorization_id, desk.now()):
        raise Conflict(f"the authorization {authorization_id} was used meanwhile", fix="begin another one")


async def come_back(ctx: Context, state: str, granted_code: str, error: str, description: str) -> Returned:
    """Take what a browser brought from an app. An unknown, used or old state changes nothing."""
    spent = _hash(f"spent {ctx.random_bytes(16).hex()}")
    row = await ctx.store.write(queries.come_back, _hash(state), spent, ctx.clock.now())
    if row is None:
        return Returned(granted=False)
    app = ctx.apps.get(row.app)
    request = json.loads(ctx.vault.decrypt(row.request_enc))
    credentials = StoredCredentials.from_json(request["credentials"])
    client = _client(ctx, app, credentials, request["settings"])
    try:
        if error or not granted_code:
            raise code.denied(client, error or "no code", description)
        tokens = await code.redeem(client, granted_code, request["verifier"], request["redirect_uri"])
    except NotAuthorized as refused:
        await _refuse(ctx, row, refused.failure)
        return Returned(granted=False, app_name=app.name, action=refused.failure.next_action)
    await _grant_tokens(ctx, row, credentials, tokens)
    return Returned(granted=True, app_name=app.name)


async def _asked(desk: Desk, new: AuthorizationCreate) -> tuple[App, StoredCredentials, dict[str, str]]:
    """Return what an authorization is for, judged by the app's manifest, once the operator may ask for it."""
    app = desk.ctx.apps.get(new.app)
    settings = new.settings
    stored: dict[str, str] = {}
    given = Credentials(auth=new.auth, fields=new.fields)
    method = method_of(app.manifest, given)
    if new.connection is None:
        desk.require("authorizations.begin")
    else:
        row = await desk.read(connections.get_secret, new.connection)
        desk.require("connections.update_credentials", desk.standing_on(row))
        if row.app != app.id:
            raise Malformed(
                f"{row.name} is a connection of {row.app}", field="connection", fix="name its app"
            )
        if new.settings:
            # Whoever may only renew its credentials must not say where its client secret is sent.
            raise Malformed(
                f"{row.name} has settings of its own",
                field="settings",
                fix="leave them out, or edit them first",
            )
        settings = stored = dict(row.settings)
        if row.auth == method.id and not new.fields:
            given = Credentials.model_validate({"auth": new.auth, "fields": opened(desk, row).values})
    known = settings_of(app.manifest, settings, stored)
    return app, credentials_of(app.manifest, method, given, known), known


def _client(ctx: Context, app: App, credentials: StoredCredentials, settings: dict[str, str]) -> OAuthClient:
    return oauth_client(
        app, credentials.auth, credentials.values, settings, session=ctx.session, clock=ctx.clock
    )


def _type(app: App, credentials: StoredCredentials) -> str:
    method = app.manifest.method(credentials.auth)
    return method.type if method else ""


async def _poll(ctx: Context, authorization_id: str) -> bool:
    """Poll the app once, if it is time; return whether anything changed."""
    now = ctx.clock.now()
    row = await ctx.store.write(queries.claim_poll, authorization_id, now, now + POLL_LASTS)
    if row is None:
        return False
    request = json.loads(ctx.vault.decrypt(row.request_enc))
    credentials = StoredCredentials.from_json(request["credentials"])
    client = _client(ctx, ctx.apps.get(row.app), credentials, request["settings"])
    try:
        found = await device.poll(client, request["device_code"], request["interval_s"])
    except NotAuthorized as refused:
        await _refuse(ctx, row, refused.failure)
        return True
    if isinstance(found, Tokens):
        await _grant_tokens(ctx, row, credentials, found)
        return True
    request["interval_s"] = found.interval_s
    again = ctx.clock.now() + timedelta(seconds=found.interval_s)
    await ctx.store.write(queries.poll_again, row.id, ctx.vault.encrypt(json.dumps(request)), again)
    return False


async def _grant_tokens(
    ctx: Context, row: AuthorizationRow, credentials: StoredCredentials, tokens: Tokens
) -> None:
    sealed = ctx.vault.encrypt(credentials.with_tokens(tokens).to_json())
    await ctx.store.write(queries.grant, row.id, sealed, ctx.clock.now() + GRANT_LASTS)
    log.info("%s was authorized for %s (%s)", row.app, row.created_by, row.id)


async def _refuse(ctx: Context, row: AuthorizationRow, failure: Failure) -> None:
    await ctx.store.write(queries.refuse, row.id, f"{failure.sentence}. {failure.next_action}")
    log.info("%s refused the authorization %s: %s", row.app, row.id, failure.safe_sentence)


def _impossible(failure: Failure) -> TrialRefused | TrialImpossible:
    """Return the error of an authorization that could not even begin."""
    kind = TrialImpossible if failure.blame in (Blame.THEM, Blame.US) else TrialRefused
    return kind(failure.sentence, blame=failure.blame.value, kind=failure.kind.value, fix=failure.next_action)


def _standing(desk: Desk, row: AuthorizationRow) -> Held:
    """Whoever began an authorization sees it, whatever the role."""
    mine = row.created_by == desk.operator.user
    return Held(Standing.OWNER if mine else Standing.NOTHING, row.created_by)


def _status(ctx: Context, row: AuthorizationRow) -> str:
    over = row.status in (PENDING, GRANTED) and row.expires_at <= ctx.clock.now()
    return "expired" if over else row.status


def _view(ctx: Context, row: AuthorizationRow) -> Authorization:
    try:
        app_name = ctx.apps.get(row.app).name
    except ConnectorError:
        app_name = row.app
    return Authorization.model_validate(
        {
            "id": row.id,
            "app": row.app,
            "app_name": app_name,
            "status": _status(ctx, row),
            "url": row.url,
            "user_code": row.user_code,
            "redirect_url": redirect_url(ctx) if row.kind == "code" else "",
            "error": row.error,
            "created_at": row.created_at,
            "created_by": row.created_by,
            "expires_at": row.expires_at,
        }
    )


def _hash(state: str) -> bytes:
    return hashlib.sha256(state.encode("utf-8", "surrogateescape")).digest()
