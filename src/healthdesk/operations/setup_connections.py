"""Connections as a set-up has them."""

from __future__ import annotations

from healthdesk.api.connections import CallbackVerification, Connection, HeartbeatRequest
from healthdesk.api.pings import PingSchedule
from healthdesk.domain.states import Grant
from healthdesk.engine.checker import HTTP_ENDPOINT
from healthdesk.errors import Conflict
from healthdesk.operations.desk import Desk
from healthdesk.operations.paging import everything
from healthdesk.operations.secrets import opened
from healthdesk.operations.setup_document import SetupConnection, SetupPing
from healthdesk.operations.verification import hands_over, verification_settings
from healthdesk.store import connections as queries
from healthdesk.store import pings
from healthdesk.store.rows import ConnectionSecretRow, PingRow


async def pings_by_connection(desk: Desk) -> dict[str, PingRow]:
    """Return the push heartbeats of connections by their ids."""
    rows = await everything(desk, pings.page)
    return {row.object_id: row for row in rows if row.object_kind == pings.CONNECTION}


def verification_by_default(desk: Desk, app: str) -> CallbackVerification:
    """Return how callbacks of an app are verified where a file does not say."""
    return CallbackVerification.model_validate(verification_settings(desk, app, None), from_attributes=True)


async def connection_item(desk: Desk, shown: Connection, ping: PingRow | None) -> SetupConnection:
    """Return a connection as a file has it."""
    row = await desk.read(queries.get_secret, shown.id)
    fields, optional_secrets = _credentials(desk, row)
    return SetupConnection(
        name=shown.name,
        app=shown.app,
        auth=shown.auth,
        fields=fields,
        base_url=row.base_url,
        settings=dict(row.settings),
        heartbeat=_heartbeat(row) if shown.app == HTTP_ENDPOINT else None,
        ping=None
        if ping is None
        else SetupPing(schedule=PingSchedule(**ping.schedule.to_json()), grace_s=ping.grace_s),
        verification=None
        if shown.verification == verification_by_default(desk, shown.app)
        else shown.verification,
        callback_secret=bool(shown.callback_secret_hint) and not hands_over(desk, shown.app),
        optional_secrets=optional_secrets,
        callback_limit_per_minute=shown.callback_limit_per_minute,
        members={each.user: Grant(each.grant) for each in shown.members if each.grant in set(Grant)},
    )


def _heartbeat(row: ConnectionSecretRow) -> HeartbeatRequest | None:
    return (
        None
        if row.heartbeat is None
        else HeartbeatRequest.model_validate(row.heartbeat, from_attributes=True)
    )


def _credentials(desk: Desk, row: ConnectionSecretRow) -> tuple[dict[str, str], list[str]]:
    """Return what of the credentials is no secret, such as a user name, and the keys of optional secrets that are there.

    Nothing where they cannot be read.
    """
    method = desk.ctx.apps.get(row.app).manifest.method(row.auth) if row.app in desk.ctx.apps else None
    if method is None or all(each.secret and each.required for each in method.fields):
        return {}, []
    try:
        values = opened(desk, row).values
    except Conflict:
        return {}, []
    there = [each for each in method.fields if each.key in values]
    return (
        {each.key: values[each.key] for each in there if not each.secret},
        [each.key for each in there if each.secret and not each.required and values[each.key]],
    )
