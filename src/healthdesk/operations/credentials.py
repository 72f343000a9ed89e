"""New credentials of a connection: tried beside the old ones, compared with them, swapped in one step, put back.

The old ones stay in use until the app took the new ones; wrong ones change nothing. What was replaced is kept for an
hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from healthdesk.api.connections import CredentialsUpdate, CredentialsUpdated, IdentityChange, PutBack, Rerun
from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.auth.tokens import MemoryTokens
from healthdesk.connectors.client_certificates import check_shown
from healthdesk.connectors.spec import AuthManifest
from healthdesk.domain import drift
from healthdesk.domain.activity import Verb
from healthdesk.domain.identity import Identity
from healthdesk.domain.states import Trigger
from healthdesk.engine.checker import HTTP_ENDPOINT
from healthdesk.engine.tokens import as_in_use
from healthdesk.errors import Conflict, IdentityChanged, RequestError, VaultError
from healthdesk.operations import authorizations
from healthdesk.operations.before_after import differences
from healthdesk.operations.connecting import heartbeat_of
from healthdesk.operations.connections import check_after_change, view
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.explain import plural
from healthdesk.operations.given import given_credentials
from healthdesk.operations.secrets import credential_columns, open_text, opened, sealed
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
from healthdesk.store import connections as queries
from healthdesk.store import previous
from healthdesk.store import tokens as token_queries
from healthdesk.store.previous import NO_PREVIOUS, LeftBehind
from healthdesk.store.rows import ConnectionRow, ConnectionSecretRow, ProblemChanges
from healthdesk.store.tokens import TokenRow

KEPT_FOR = timedelta(hours=1)

Along = Callable[[Conn, ConnectionSecretRow], dict[str, Any]]
"""Given the transaction and the connection as it was before."""


@dataclass(frozen=True, slots=True)
class Swap:
    """Credentials to be put in use, tried or not, and what the activity log says of it.

    `authorization` is used up with it. `along` is what else is changed in the same transaction; it returns what more the
    log says.
    """

    method: AuthManifest
    credentials: StoredCredentials
    tried: Tried | None
    verb: Verb
    columns: dict[str, Any]
    authorization: str | None = None
    along: Along | None = None


async def update(desk: Desk, connection_id: str, new: CredentialsUpdate) -> CredentialsUpdated:
    """Replace the credentials, once the app took the new ones.

    Raises TrialRefused and TrialImpossible as a trial does, IdentityChanged when they are another account's or site's,
    or may do less, and that is not accepted; Conflict when the connection was changed meanwhile. Nothing is changed then.
    """
    row = await desk.read(queries.get_secret, connection_id)
    desk.require("connections.update_credentials", desk.standing_on(row))
    given = await given_credentials(desk, desk.ctx.apps.get(row.app), new, row.settings, row)
    return await replace(desk, row, new, given, Verb.UPDATED_CREDENTIALS)


async def replace(
    desk: Desk,
    row: ConnectionSecretRow,
    new: CredentialsUpdate,
    given: tuple[AuthManifest, StoredCredentials],
    verb: Verb,
    along: Along | None = None,
) -> CredentialsUpdated:
    """Put the credentials that were given in use, once the app took them; raises what `update` does."""
    method, credentials = given
    check_shown(method, credentials.values, row.base_url)
    expires_at = entered_expiry(desk, new.expires_at)
    tried = None if new.unchecked else await _try(desk, row, credentials)
    changes = _compare(row, tried)
    if not new.accept_changes:
        _refuse_others(row, changes)
    ends: dict[str, Any] = {"expires_at": None, "expires_from": "", "expiry_warned": None}
    columns = ends | learnt_columns(tried, expires_at)
    if tried is None and new.accept_changes:
        columns["identity_connected"] = None  # whoever the first good check finds is meant
    swap = Swap(method, credentials, tried, verb, columns, new.authorization, along)
    return await _swap(desk, row, swap, changes)


async def put_back(desk: Desk, connection_id: str, choice: PutBack) -> CredentialsUpdated:
    """Put the credentials before the last update back in use, once the app took them; those in use can be put back then.

    Raises Conflict when there are none, or their hour is over, and what a trial raises.
    """
    row = await desk.read(queries.get_secret, connection_id)
    desk.require("connections.put_back", desk.standing_on(row))
    if row.previous_until is None or row.previous_until <= desk.now():
        raise Conflict(
            f"{row.name} has no credentials to put back",
            fix="they are kept for an hour after an update; give them again to update the credentials",
        )
    credentials = open_text(desk, row.previous_enc, row.previous_auth, row.name)
    manifest = desk.ctx.apps.get(row.app).manifest
    method = manifest.method(row.previous_auth)
    if method is None:
        raise Conflict(f"{manifest.name} has no authentication {row.previous_auth!r} any more")
    check_shown(method, credentials.values, row.base_url)
    tried = None if choice.unchecked else await _try_previous(desk, row, credentials)
    columns = learnt_columns(tried)
    if "expires_at" not in columns or row.previous_expires_from == "entered":
        columns |= {"expires_at": row.previous_expires_at, "expires_from": row.previous_expires_from}
    if tried is None:
        columns["identity_connected"] = row.previous_identity
    swap = Swap(method, credentials, tried, Verb.PUT_CREDENTIALS_BACK, columns)
    return await _swap(desk, row, swap, _compare(row, tried))


async def _try(
    desk: Desk, row: ConnectionSecretRow, credentials: StoredCredentials, tokens: MemoryTokens | None = None
) -> Tried | None:
    app = desk.ctx.apps.get(row.app)
    candidate = Candidate(app, credentials, row.settings, row.base_url, row.heartbeat, tokens)
    return await try_out(desk, candidate)


async def _try_previous(desk: Desk, row: ConnectionSecretRow, credentials: StoredCredentials) -> Tried | None:
    """Try what was put aside. Tokens that were renewed for it are put aside instead, whatever the app says then."""
    tokens = MemoryTokens(credentials.tokens)
    try:
        return await _try(desk, row, credentials, tokens)
    except RequestError:
        if tokens.latest is not credentials.tokens:
            renewed = sealed(desk, credentials.with_tokens(tokens.latest))
            await desk.ctx.store.write(previous.keep, row.id, row.previous_enc, renewed)
        raise


def _compare(row: ConnectionSecretRow, tried: Tried | None) -> list[drift.IdentityChange]:
    """Return how credentials that were tried differ from whom the connection was connected as."""
    kept = row.identity_connected or row.identity
    after = tried.outcome.identity if tried else None
    return drift.identity_changes(Identity.from_json(kept), after) if kept and after else []


def _refuse_others(row: ConnectionSecretRow, changes: list[drift.IdentityChange]) -> None:
    """Raise IdentityChanged for another account, another site, or fewer scopes."""
    told = [each for each in changes if each.what != "scopes" or each.loses]
    if told:
        raise IdentityChanged(
            f"These credentials work, but they are not those of {row.name}: "
            + " ".join(each.sentence for each in told)
            + " Nothing was changed.",
            changes=[
                {"what": each.what, "before": each.before, "after": each.after, "sentence": each.sentence}
                for each in told
            ],
            field="credentials",
            fix="to use them all the same: --yes (in the API, `accept_changes`)",
        )


async def _swap(
    desk: Desk, row: ConnectionSecretRow, swap: Swap, changes: list[drift.IdentityChange]
) -> CredentialsUpdated:
    """Put credentials in use and those in use aside, with the check and what follows of it, in one transaction."""
    tried = swap.tried
    credentials = tried.credentials if tried else swap.credentials
    columns = credential_columns(desk, swap.method, credentials) | swap.columns
    app = desk.ctx.apps.get(row.app)
    if app.id != HTTP_ENDPOINT:
        columns["heartbeat"] = heartbeat_of(app, swap.method)

    def change(conn: Conn) -> tuple[ProblemChanges | None, LeftBehind]:
        before = queries.get_secret(conn, row.id, lock=True)
        refuse_changed(before, row)
        if swap.authorization is not None:
            authorizations.use(conn, desk, swap.authorization)
        left = previous.left_behind(conn, row.id)
        queries.update(conn, row.id, columns | _put_aside(desk, before, token_queries.get(conn, row.id)))
        more = swap.along(conn, before) if swap.along is not None else {}
        kept = keep_good(conn, desk, queries.get(conn, row.id), tried) if tried else None
        detail = differences(_whose(before), _whose(queries.get(conn, row.id)))
        desk.note(conn, swap.verb, "connection", row.id, row.name, {"auth": swap.method.id, **detail, **more})
        return kept, left

    kept, left = await desk.write(change, ("connection", row.id))
    await desk.engine.refresh()
    if kept is not None:
        tell_good(desk, kept)
    else:
        await check_after_change(desk, row.id, Trigger.CREDENTIALS)
    shown = view(desk, await desk.read(queries.get, row.id))
    return CredentialsUpdated(
        **shown.model_dump(),
        changes=[IdentityChange.model_validate(each, from_attributes=True) for each in changes],
        rerun=rerun_of(left),
    )


def _whose(row: ConnectionRow) -> dict[str, Any]:
    """Return what may be told of credentials in the activity log: how they prove themselves, and whose they are."""
    site = (row.identity or {}).get("site", "")
    return {"auth": row.auth, "account": row.account, "site": site, "owner": row.owner}


def _put_aside(desk: Desk, row: ConnectionSecretRow, kept: TokenRow | None) -> dict[str, Any]:
    """Return the columns that keep the credentials in use, and their tokens, for an hour; none where they cannot be read."""
    try:
        in_use = as_in_use(desk.ctx.vault, opened(desk, row), kept)
    except (Conflict, VaultError):
        return dict(NO_PREVIOUS)
    return {
        "previous_enc": sealed(desk, in_use),
        "previous_hint": row.credential_hint,
        "previous_auth": row.auth,
        "previous_by": desk.operator.user,
        "previous_until": desk.now() + KEPT_FOR,
        "previous_identity": row.identity_connected or row.identity,
        "previous_expires_at": row.expires_at,
        "previous_expires_from": row.expires_from,
    }


def rerun_of(left: LeftBehind) -> Rerun | None:
    """Return what is offered for records that stopped because of the credentials before; None where there are none."""
    if not (left.failed or left.held):
        return None
    said = []
    if left.failed:
        said.append(f"{plural(left.failed, 'record')} failed because of the credentials before: resend them.")
    if left.held:
        said.append(f"{plural(left.held, 'record')} held for this connection go by themselves.")
    return Rerun(
        failed=left.failed,
        held=left.held,
        since=left.since,
        problem_ids=list(left.problem_ids),
        sentence=" ".join(said),
        commands=[f"healthdesk records resend-all --problem {each}" for each in left.problem_ids],
    )
