"""Credentials and settings tried at the app before they are saved: what the app refuses changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from healthdesk.api.connections import UNCHECKED_HINT
from healthdesk.connectors.app import App
from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.auth.build import build_authorizer
from healthdesk.connectors.auth.tokens import MemoryTokens, TokenStore
from healthdesk.connectors.checking import checked
from healthdesk.connectors.heartbeat import CheckOutcome, check
from healthdesk.domain.exchange import Failure
from healthdesk.domain.health import CREDENTIAL_KINDS, REACHABILITY_KINDS
from healthdesk.domain.states import Blame, Trigger
from healthdesk.engine.apps import trial
from healthdesk.engine.checker import HTTP_ENDPOINT, Learnt, beat_of, decided
from healthdesk.errors import Conflict, Malformed, RequestError, TrialImpossible, TrialRefused
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.explain import sentence
from healthdesk.store import connections as queries
from healthdesk.store.rows import ConnectionRow, HeartbeatSettings, ProblemChanges


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be saved, as far as the app can judge it. `heartbeat` is the request an HTTP endpoint is asked.

    `tokens` is where those of the credentials are, when not in them. `in_use`: the credentials are those it has already.
    """

    app: App
    credentials: StoredCredentials
    settings: Mapping[str, str]
    base_url: str
    heartbeat: HeartbeatSettings | None = None
    tokens: TokenStore | None = None
    in_use: bool = False


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
        tried = await _endpoint(desk, candidate, candidate.heartbeat)
    elif candidate.app.manifest.heartbeat_for(candidate.credentials.auth) is None:
        return None
    else:
        tried = await _app(desk, candidate)
    if tried.outcome.failure is not None:
        raise refusal(candidate, tried.outcome.failure)
    return tried


async def _endpoint(desk: Desk, candidate: Candidate, heartbeat: HeartbeatSettings) -> Tried:
    credentials, ctx = candidate.credentials, desk.ctx
    tokens = candidate.tokens or MemoryTokens(credentials.tokens)
    authorizer = build_authorizer(
        candidate.app,
        credentials.auth,
        credentials.values,
        candidate.settings,
        session=ctx.session,
        clock=ctx.clock,
        tokens=tokens,
    )
    timeout_s = ctx.config.delivery.timeout_s
    outcome = await check(
        ctx.session, candidate.base_url, heartbeat, authorizer, clock=ctx.clock, timeout_s=timeout_s
    )
    return Tried(outcome, _with_latest(credentials, tokens))


def _with_latest(credentials: StoredCredentials, tokens: TokenStore) -> StoredCredentials:
    """Return credentials with the tokens that were got for them; those that are stored elsewhere are no part of them."""
    return credentials.with_tokens(tokens.latest if isinstance(tokens, MemoryTokens) else credentials.tokens)


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
    return Tried(outcome, _with_latest(credentials, tokens))


def refusal(candidate: Candidate, failure: Failure) -> RequestError:
    """Return what to tell of a trial that failed: what the app said, whose fault it is, and what to do."""
    said = f"{candidate.app.name} was asked first: {sentence(failure.sentence)}"
    what_to_do = sentence(failure.next_action)
    fix = f"{what_to_do} {UNCHECKED_HINT}".strip()
    of_credentials = failure.kind in CREDENTIAL_KINDS or failure.blame in (Blame.CREDENTIAL, Blame.PERMISSION)
    if of_credentials:
        return TrialRefused(
            f"{said} Nothing was saved.",
            blame=failure.blame,
            kind=failure.kind,
            fix=fix if candidate.in_use else what_to_do,
            field="" if candidate.in_use else "credentials",
        )
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


def learnt_columns(tried: Tried | None, entered: datetime | None = None) -> dict[str, Any]:
    """Return the columns of whose the credentials are and when they end: what the app said, else what was entered."""
    learnt = Learnt.of(tried.outcome, tried.credentials) if tried else None
    identity = learnt.identity if learnt else None
    columns: dict[str, Any] = {}
    if identity is not None:
        columns = {
            "account": identity.label,
            "identity": identity.to_json(),
            "identity_connected": identity.to_json(),
        }
    told = learnt.expires_at if learnt else None
    if told or entered:
        columns |= {"expires_at": told or entered, "expires_from": "learnt" if told else "entered"}
    return columns


def refuse_changed(now: ConnectionRow, then: ConnectionRow) -> None:
    """Raise Conflict when a connection was changed while something was tried for it."""
    if now.settings_version != then.settings_version:
        raise Conflict(
            f"{then.name} was changed meanwhile by somebody else; nothing was saved",
            fix="look at it again, and do it once more",
        )


def keep_good(
    conn: Conn, desk: Desk, row: ConnectionRow, tried: Tried, learnt: Learnt | None = None
) -> ProblemChanges:
    """Store a trial that went well as a check of the connection `row` is now, which works from now on.

    `learnt` is compared with whose the credentials are and when they end, as that of any other check.
    """
    change = decided(desk.ctx, row, None)
    beat = beat_of(desk.ctx, row, Trigger.CREDENTIALS, tried.outcome, change.state)
    kept = queries.set_health(
        conn,
        row.id,
        change,
        None,
        None,
        beat,
        desk.now(),
        version=row.settings_version,
        identity=learnt.identity if learnt else None,
        expires_at=learnt.expires_at if learnt else None,
    )
    assert kept is not None, "the row is of this transaction"
    return kept


def tell_good(desk: Desk, problems: ProblemChanges) -> None:
    """Say what became of a connection's problems, once that it works is committed.

    Whoever refreshes the engine lets go what is held for it.
    """
    for problem_id in problems.problems_changed:
        desk.ctx.bus.publish("problem.changed", problem_id)
    if problems.alerts_queued:
        desk.engine.wake_alerts()
