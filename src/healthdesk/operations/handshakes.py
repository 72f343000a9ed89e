"""What an app's callbacks need beside their verification: their address, and the secret that the app hands over."""

from __future__ import annotations

import logging

from healthdesk.connectors.handshakes import SECRET_HEADER, Echo
from healthdesk.domain.states import CallbackState
from healthdesk.engine.context import Context
from healthdesk.errors import Unauthenticated
from healthdesk.operations.desk import Conn
from healthdesk.store import callback_secrets
from healthdesk.store import callbacks as callback_queries
from healthdesk.store.rows import NewCallback
from healthdesk.vault import MASK, hint

log = logging.getLogger(__name__)

EVENT = "handshake"


def callback_url(public_url: str, connection_id: str) -> str:
    """Return the address that an app is given for the callbacks of a connection."""
    return f"{public_url.rstrip('/')}/v1/callbacks/{connection_id}"


async def take_over(ctx: Context, connection_id: str, echo: Echo) -> str:
    """Keep the secret that an app hands over and the callback that brought it; return the callback's id.

    Raises Unauthenticated when nobody waits for one: whoever knows the address could set a secret of their own.
    """
    now = ctx.clock.now()
    secret_enc, shown = ctx.vault.encrypt(echo.secret), hint(echo.secret)
    secret_id = ctx.ids.new("cbs", now)
    callback = NewCallback(
        id=ctx.ids.new("cbk", now),
        connection_id=connection_id,
        delivery_id="",
        received_at=now,
        state=CallbackState.PROCESSED,
        headers={SECRET_HEADER: MASK},
        body=b"",
        event=EVENT,
    )

    def change(conn: Conn) -> bool:
        taken = callback_secrets.hand_over(
            conn, connection_id, secret_id=secret_id, secret_enc=secret_enc, hint=shown, now=now
        )
        if taken:
            callback_queries.accept(conn, callback)
        return taken

    if not await ctx.store.write(change):
        raise Unauthenticated(
            "A secret was handed over that nobody waits for.",
            fix="let the connection wait for one: `healthdesk connections edit CONNECTION --await-handshake`",
        )
    log.info("%s: the app handed over a secret for its callbacks", connection_id)
    ctx.bus.publish("connection.changed", connection_id)
    ctx.bus.publish("callback.changed", callback.id)
    return callback.id
