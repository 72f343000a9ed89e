"""Connections as a set-up has them."""

from __future__ import annotations

from healthdesk.api.connections import CallbackVerification, Connection
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
    return SetupConnection(
        name=shown.name,
        app=shown.app,
        auth=shown.auth,
        fields=_open_fields(desk, row),
        base_url=row.base_url,
        settings=dict(row.settings),
        heartbeat=shown.heartbeat if shown.app == HTTP_ENDPOINT else None,
        ping=None
        if ping is None
        else SetupPing(schedule=PingSchedule(**ping.schedule.to_json()), grace_s=ping.grace_s),
        verification=None
        if shown.verification == verification_by_default(desk, shown.app)
        else shown.verification,
        callback_secret=bool(shown.callback_secret_hint) and not hands_over(desk, shown.app),
        callback_limit_per_minute=shown.callback_limit_per_minute,
        members={each.user: Grant(each.grant) for each in shown.members if each.grant in set(Grant)},
    )


def _open_fields(desk: Desk, row: ConnectionSecretRow) -> dict[str, str]:
    """Return what of the credentials is no secret, such as a user name; nothing where they cannot be read."""
    if row.app not in desk.ctx.apps:
        return {}
    method = desk.ctx.apps.get(row.app).manifest.method(row.auth)
    open_keys = {each.key for each in method.fields if not each.secret} if method is not None else set()
    if not open_keys:
        return {}
    try:
        values = opened(desk, row).values
    except Conflict:
        return {}
    return {key: value for key, value in values.items() if key in open_keys}
