"""Calls about connections."""

from __future__ import annotations

from pydantic import TypeAdapter

from healthdesk.api.common import Page
from healthdesk.api.connections import (
    Connection,
    ConnectionCreate,
    ConnectionEdit,
    CredentialsUpdate,
    CredentialsUpdated,
    Heartbeat,
    PutBack,
)
from healthdesk.client.health import HealthCalls
from healthdesk.client.params import paging, seg
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport

_ONE = TypeAdapter(Connection)
_PAGE = TypeAdapter(Page[Connection])
_UPDATED = TypeAdapter(CredentialsUpdated)
_HEARTBEATS = TypeAdapter(Page[Heartbeat])


class ConnectionCalls(HealthCalls):
    """Connections and their heartbeats."""

    _http: Transport

    async def connections_list(self, *, after: str | None = None, limit: int = 50) -> Page[Connection]:
        """Every connection."""
        return await self._http.call(_PAGE, "GET", "/v1/connections", query=paging(after, limit))

    async def connection(self, connection_id: str) -> Connection:
        """One connection."""
        return await self._http.call(_ONE, "GET", f"/v1/connections/{seg(connection_id)}")

    async def connection_create(self, new: ConnectionCreate) -> Connection:
        """Add a connection, once the app took its credentials."""
        return await self._http.call(_ONE, "POST", "/v1/connections", body=new, timeout_s=LONG_TIMEOUT_S)

    async def connection_edit(self, connection_id: str, changes: ConnectionEdit) -> Connection:
        """Change settings of a connection."""
        path = f"/v1/connections/{seg(connection_id)}"
        return await self._http.call(_ONE, "PATCH", path, body=changes, timeout_s=LONG_TIMEOUT_S)

    async def connection_update_credentials(
        self, connection_id: str, new: CredentialsUpdate
    ) -> CredentialsUpdated:
        """Replace the credentials once the app took the new ones; the old ones stay in use until then."""
        path = f"/v1/connections/{seg(connection_id)}/credentials"
        return await self._http.call(_UPDATED, "POST", path, body=new, timeout_s=LONG_TIMEOUT_S)

    async def connection_put_back(self, connection_id: str, choice: PutBack) -> CredentialsUpdated:
        """Put the credentials before the last update back in use, once the app took them."""
        path = f"/v1/connections/{seg(connection_id)}/credentials/put-back"
        return await self._http.call(_UPDATED, "POST", path, body=choice, timeout_s=LONG_TIMEOUT_S)

    async def connection_check(self, connection_id: str) -> Connection:
        """Check now, and return the connection as it is after that."""
        path = f"/v1/connections/{seg(connection_id)}/check"
        return await self._http.call(_ONE, "POST", path, timeout_s=LONG_TIMEOUT_S)

    async def connection_heartbeats(
        self, connection_id: str, *, after: str | None = None, limit: int = 50
    ) -> Page[Heartbeat]:
        """Checks of a connection, newest first."""
        path = f"/v1/connections/{seg(connection_id)}/heartbeats"
        return await self._http.call(_HEARTBEATS, "GET", path, query=paging(after, limit))

    async def connection_disconnect(self, connection_id: str) -> None:
        """Erase the credentials and end the connection."""
        await self._http.raw("DELETE", f"/v1/connections/{seg(connection_id)}")
