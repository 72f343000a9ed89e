"""Credentials and settings tried at the app before they are saved: what the app refuses changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from healthdesk.connectors.app import App
from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.auth.tokens import MemoryTokens, TokenStore
from healthdesk.connectors.checking import checked
from healthdesk.connectors.heartbeat import CheckOutcome, check
from healthdesk.domain.daily import slot_of
from healthdesk.domain.exchange import Failure
from healthdesk.domain.health import CREDENTIAL_KINDS, REACHABILITY_KINDS, HealthChange, after_check
from healthdesk.domain.identity import Identity
from healthdesk.domain.states import Blame, Trigger
from healthdesk.engine.apps import trial
from healthdesk.engine.heartbeats import facts
from healthdesk.errors import Conflict, Malformed, RequestError, TrialImpossible, TrialRefused
from healthdesk.operations.connection_fields import HTTP_ENDPOINT
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.explain import sentence
from healthdesk.store import connections as queries
from healthdesk.store.rows import ConnectionRow, HeartbeatRow, HeartbeatSettings, ProblemChanges

_UNCHECKED = "To save it all the same: --unchecked (in the API, `unchecked`)."


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be saved, as far as the app can judge it. `heartbeat` is the request an HTTP endpoint is asked.

    `tokens` is where those of the credentials are, when not in them.
    """

    app: App
    credentials: StoredCredentials
    settings: Mapping[str, str]
    base_url: str
    heartbeat: HeartbeatSettings | None = None
    tokens: TokenStore | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What the app said of a candidate: a good check, and the credentials with the tokens that were got for it."""

    outcome: CheckOutcome
    credentials: StoredCredentials


async def try_out(desk: Desk, candidate: Candidate) -> Tried | None:
    """Ask the app, while no transaction is open; None where there is nothing to ask.

    Raises TrialRefused when the app said no, TrialImpossible when it could not be asked or its answer says nothing of
    what was tried.
    """
    if candidate.app.id == HTTP_ENDPOINT:
        if candidate.heartbeat is None:
            return None
        tried = Tried(await _endpoint(desk, candidate, candidate.heartbeat), candidate.credentials)
    elif candidate.app.manifest.heartbeat_for(candidate.credentials.auth) is None:
        return None
    else:
        tried = await _app(desk, candidate)
    if tried.outcome.failure is not None:
        raise refusal(candidate, tried.outcome.failure)
    return tried


async def _endpoint(desk: Desk, candidate: Candidate, heartbeat: HeartbeatSettings) -> CheckOutcome:
    return await check(
        desk.ctx.session,
        candidate.base_url,
        heartbeat,
        candidate.credentials,
        timeout_s=desk.ctx.config.delivery.timeout_s,
    )


async def _app(desk: Desk, candidate: Candidate) -> Tried:
    credentials = candidate.credentials
    tokens = candidate.tokens or MemoryTokens(credentials.tokens)
    connector = await trial(
        desk.ctx,
        candidate.app.id,
        credentials.auth,
        credentials.values,
        candidate.settings,
        candidate.base_url,
        tokens=tokens,
    )
    outcome = await checked(connector)
    # Tokens that are stored elsewhere are no part of the credentials.
    latest = tokens.latest if isinstance(tokens, MemoryTokens) else credentials.tokens
    return Tried(outcome, credentials.with_tokens(latest))


def refusal(candidate: Candidate, failure: Failure) -> RequestError:
    """Return what to tell of a trial that failed: what the app said, whose fault it is, and what to do."""
    said = f"{candidate.app.name} was asked first: {sentence(failure.sentence)}"
    what_to_do = sentence(failure.next_action)
    of_credentials = failure.kind in CREDENTIAL_KINDS or failure.blame in (Blame.CREDENTIAL, Blame.PERMISSION)
    if of_credentials:
        return TrialRefused(
            f"{said} Nothing was saved.",
            blame=failure.blame,
            kind=failure.kind,
            fix=what_to_do,
            field="credentials",
        )
    fix = f"{what_to_do} {_UNCHECKED}".strip()
    if failure.kind in REACHABILITY_KINDS or failure.blame in (Blame.THEM, Blame.US):
        return TrialImpossible(
            f"{said} That says nothing of the credentials. Nothing was saved.",
            blame=failure.blame,
            kind=failure.kind,
            fix=fix,
            field="base_url" if failure.kind in REACHABILITY_KINDS else "",
        )
    return TrialRefused(
        f"{said} Nothing was saved.", blame=failure.blame, kind=failure.kind, fix=fix, field="base_url"
    )


def entered_expiry(desk: Desk, expires_at: datetime | None) -> datetime | None:
    """Return when credentials expire as an operator entered it; Malformed when that is over."""
    if expires_at is not None and expires_at <= desk.now():
        raise Malformed("that is over already", field="expires_at", fix="give a time to come, or none")
    return expires_at


def identity_columns(identity: Identity | None, entered: datetime | None) -> dict[str, Any]:
    """Return the columns of whose the credentials are and when they end: what the app said, else what was entered."""
    columns: dict[str, Any] = {}
    if identity is not None:
        columns = {
            "account": identity.label,
            "identity": identity.to_json(),
            "identity_connected": identity.to_json(),
        }
    expires_at = (identity.expires_at if identity else None) or entered
    if expires_at is not None:
        learnt = identity is not None and identity.expires_at is not None
        columns |= {"expires_at": expires_at, "expires_from": "learnt" if learnt else "entered"}
    return columns


def refuse_changed(now: ConnectionRow, then: ConnectionRow) -> None:
    """Raise Conflict when a connection was changed while something was tried for it."""
    if now.settings_version != then.settings_version:
        raise Conflict(
            f"{then.name} was changed meanwhile by somebody else; nothing was saved",
            fix="look at it again, and do it once more",
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """A good check that is stored: of which connection as it was, and what became of that and of its problems."""

    row: ConnectionRow
    change: HealthChange
    problems: ProblemChanges


def keep_good(conn: Conn, desk: Desk, row: ConnectionRow, tried: Tried) -> Kept:
    """Store a trial that went well as a check of the connection `row` is now, which works from now on."""
    ctx, now = desk.ctx, desk.now()
    heartbeat = ctx.config.heartbeat
    change = after_check(
        facts(row),
        None,
        now,
        every_s=heartbeat.every_s,
        jitter_unit=ctx.jitter_unit(),
        jitter=heartbeat.jitter,
        slot=slot_of(row.id),
    )
    exchange, identity = tried.outcome.exchange, tried.outcome.identity
    check_row = HeartbeatRow(
        id=ctx.new_id("hbt"),
        connection_id=row.id,
        at=now,
        trigger=Trigger.CREDENTIALS,
        ok=True,
        status=exchange.status,
        duration_ms=exchange.duration_ms,
        state_after=change.state,
        response_headers=exchange.response_headers,
        response_body=exchange.response_body,
        response_cut=exchange.response_cut,
        method=exchange.method,
        url=exchange.url,
        identity=identity.to_json() if identity else None,
    )
    problems = queries.set_health(
        conn, row.id, change, None, None, check_row, now, version=row.settings_version
    )
    assert problems is not None
    return Kept(row, change, problems)


def tell_good(desk: Desk, kept: Kept) -> None:
    """Say that a connection works, once that is committed: what was held for it goes."""
    if kept.change.state is not kept.row.state:
        desk.engine.heartbeats.on_change()
    for problem_id in kept.problems.problems_changed:
        desk.ctx.bus.publish("problem.changed", problem_id)
    if kept.problems.alerts_queued:
        desk.engine.heartbeats.on_alerts()
