"""Calls about push heartbeats."""

from __future__ import annotations

from pydantic import TypeAdapter

from healthdesk.api.common import Page
from healthdesk.api.pings import Ping, PingSet
from healthdesk.client.params import paging, seg
from healthdesk.client.transport import Transport

_ONE = TypeAdapter(Ping)
_PAGE = TypeAdapter(Page[Ping])


class PingCalls:
    """Push heartbeats of connections."""

    _http: Transport

    async def pings_list(self, *, after: str | None = None, limit: int = 50) -> Page[Ping]:
        """Every push heartbeat."""
        return await self._http.call(_PAGE, "GET", "/v1/pings", query=paging(after, limit))

    async def connection_ping(self, connection_id: str) -> Ping:
        """The push heartbeat of a connection."""
        return await self._http.call(_ONE, "GET", _path(connection_id))

    async def connection_ping_set(self, connection_id: str, wanted: PingSet) -> Ping:
        """Expect pings; `url` is there when the address is new."""
        return await self._http.call(_ONE, "PUT", _path(connection_id), body=wanted)

    async def connection_ping_remove(self, connection_id: str) -> None:
        """Expect no pings any more."""
        await self._http.raw("DELETE", _path(connection_id))


def _path(connection_id: str) -> str:
    return f"/v1/connections/{seg(connection_id)}/ping"
