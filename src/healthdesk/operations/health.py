"""The health of a connection beyond its state: evidence, transitions, drift and expiry."""

from __future__ import annotations

from datetime import datetime, timedelta

from healthdesk.api.common import Page
from healthdesk.api.connections import Connection
from healthdesk.api.health import CheckEvidence, Evidence, Expiry, Transition
from healthdesk.domain.activity import Verb
from healthdesk.domain.expiry import days_left, left_words
from healthdesk.domain.states import Role
from healthdesk.operations.connections import show
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.evidence import check_of, evidence_of
from healthdesk.operations.paging import cursor, model_of, to_page
from healthdesk.operations.refusals import refused_on
from healthdesk.store import connections as queries
from healthdesk.store import expiry, past_checks, standing, transitions
from healthdesk.store.rows_health import ExpiryRow
from healthdesk.store.standing import AcceptedDrift


async def evidence(desk: Desk, connection_id: str) -> Evidence:
    """Return the last good check beside the first bad one. What the app answered is for managers."""
    desk.require("connections.evidence")
    row = await desk.read(queries.get, connection_id)
    found = await desk.read(past_checks.evidence, connection_id)
    return evidence_of(row, found, bodies=desk.operator.role is not Role.MEMBER)


async def heartbeat(desk: Desk, connection_id: str, heartbeat_id: str) -> CheckEvidence:
    """Return one check whole. What the app answered is for managers."""
    desk.require("connections.heartbeat")
    await desk.read(queries.get, connection_id)
    row = await desk.read(past_checks.heartbeat, connection_id, heartbeat_id)
    return check_of(row, bodies=desk.operator.role is not Role.MEMBER)


async def list_transitions(desk: Desk, connection_id: str, after: str | None, limit: int) -> Page[Transition]:
    """Return the changes of a connection's state, newest first."""
    desk.require("connections.transitions")
    await desk.read(queries.get, connection_id)
    rows = await desk.read(transitions.page, connection_id, after=cursor("trn", after), limit=limit)
    return to_page(rows, model_of(Transition))


async def list_expiring(desk: Desk, within_days: int | None, after: str | None, limit: int) -> Page[Expiry]:
    """Return the connections whose credential has an end, the soonest first."""
    desk.require("connections.expiring")
    now = desk.now()
    until = None if within_days is None else now + timedelta(days=within_days)
    rows = await desk.read(expiry.page, until=until, after=cursor("con", after), limit=limit)
    return to_page(rows, lambda row: _expiry(desk, row, now))


def _expiry(desk: Desk, row: ExpiryRow, now: datetime) -> Expiry:
    connection = row.connection
    assert connection.expires_at is not None
    apps = desk.ctx.apps
    return Expiry(
        connection_id=connection.id,
        name=connection.name,
        app=connection.app,
        app_name=apps.get(connection.app).name if connection.app in apps else connection.app,
        account=connection.account,
        owner=connection.owner,
        expires_at=connection.expires_at,
        expires_from=connection.expires_from,
        days=days_left(connection.expires_at, now),
        word=left_words(connection.expires_at, now),
        warned_days=connection.expiry_warned,
        problem_id=row.problem_id,
        refused=refused_on(desk, connection),
    )


async def accept_drift(desk: Desk, connection_id: str) -> Connection:
    """Take the account, site and scopes as they are now for those that are meant; where nothing changed, nothing is done."""
    row = await desk.read(queries.get, connection_id)
    desk.require("connections.accept_drift", desk.standing_on(row))

    def change(conn: Conn) -> AcceptedDrift | None:
        found = standing.accept_drift(conn, connection_id, desk.now())
        if found is not None:
            before = {each.what: each.before for each in found.accepted}
            detail = {"before": before, "after": {each.what: each.after for each in found.accepted}}
            desk.note(conn, Verb.ACCEPTED_DRIFT, "connection", connection_id, row.name, detail)
        return found

    found = await desk.write(change, ("connection", connection_id))
    if found is not None:
        for problem_id in found.problems.problems_changed:
            desk.ctx.bus.publish("problem.changed", problem_id)
        desk.engine.wake_alerts()
    return await show(desk, connection_id)
