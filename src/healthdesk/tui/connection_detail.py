"""What the window of a connection reads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthdesk.api.connections import Connection
from healthdesk.api.health import Evidence
from healthdesk.api.pings import Ping
from healthdesk.errors import ApiRefused
from healthdesk.tui.view.connection import pinged

if TYPE_CHECKING:
    from healthdesk.client.client import Client


@dataclass(frozen=True, slots=True)
class ConnectionDetail:
    """A connection with what is shown beside it; `ping` is its push heartbeat, where it has one."""

    connection: Connection
    evidence: Evidence
    ping: Ping | None = None


async def read_connection(client: Client, connection_id: str) -> ConnectionDetail:
    """Read a connection, its evidence, and its push heartbeat where it has one; HealthdeskError when one is refused."""
    connection, evidence = await asyncio.gather(
        client.connection(connection_id), client.connection_evidence(connection_id)
    )
    ping = await _read_ping(client, connection_id) if pinged(connection) else None
    return ConnectionDetail(connection, evidence, ping)


async def _read_ping(client: Client, connection_id: str) -> Ping | None:
    try:
        return await client.connection_ping(connection_id)
    except ApiRefused as error:
        if error.status == 404:  # it was removed meanwhile
            return None
        raise
