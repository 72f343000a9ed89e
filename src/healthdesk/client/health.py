"""Calls about the health of connections."""

from __future__ import annotations

from pydantic import TypeAdapter

from healthdesk.api.common import Page
from healthdesk.api.connections import Connection
from healthdesk.api.health import CheckEvidence, Evidence, Expiry, Transition
from healthdesk.client.params import paging, seg
from healthdesk.client.transport import Transport

_ONE = TypeAdapter(Connection)
_CHECK = TypeAdapter(CheckEvidence)
_EVIDENCE = TypeAdapter(Evidence)
_TRANSITIONS = TypeAdapter(Page[Transition])
_EXPIRIES = TypeAdapter(Page[Expiry])


class HealthCalls:
    """Evidence, transitions, drift and expiry of connections."""

    _http: Transport

    async def connection_evidence(self, connection_id: str) -> Evidence:
        """The last good check beside the first bad one."""
        path = f"/v1/connections/{seg(connection_id)}/evidence"
        return await self._http.call(_EVIDENCE, "GET", path)

    async def connection_heartbeat(self, connection_id: str, heartbeat_id: str) -> CheckEvidence:
        """One check whole."""
        path = f"/v1/connections/{seg(connection_id)}/heartbeats/{seg(heartbeat_id)}"
        return await self._http.call(_CHECK, "GET", path)

    async def connection_transitions(
        self, connection_id: str, *, after: str | None = None, limit: int = 50
    ) -> Page[Transition]:
        """Changes of a connection's state, newest first."""
        path = f"/v1/connections/{seg(connection_id)}/transitions"
        return await self._http.call(_TRANSITIONS, "GET", path, query=paging(after, limit))

    async def connections_expiring(
        self, *, within_days: int | None = None, after: str | None = None, limit: int = 50
    ) -> Page[Expiry]:
        """Connections whose credential has an end, the soonest first."""
        query = paging(after, limit)
        if within_days is not None:
            query.append(("within_days", str(within_days)))
        return await self._http.call(_EXPIRIES, "GET", "/v1/connections/expiring", query=query)

    async def connection_accept_drift(self, connection_id: str) -> Connection:
        """Take account, site and scopes as they are now for those that are meant."""
        return await self._http.call(_ONE, "POST", f"/v1/connections/{seg(connection_id)}/accept-drift")
