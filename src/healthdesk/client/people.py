"""Calls about people and connections: what a connection is used for, its members and owner, and handing over."""

from __future__ import annotations

from pydantic import TypeAdapter

from healthdesk.api.common import Page
from healthdesk.api.connections import Connection, CredentialsUpdated, Member
from healthdesk.api.people import ConnectionUses, HandedOver, HandOver, MakeMeOwner, MemberGrant
from healthdesk.client.params import paging, seg
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport

_USES = TypeAdapter(ConnectionUses)
_MEMBER = TypeAdapter(Member)
_MEMBERS = TypeAdapter(list[Member])
_UPDATED = TypeAdapter(CredentialsUpdated)
_CONNECTIONS = TypeAdapter(Page[Connection])
_HANDED = TypeAdapter(HandedOver)


class PeopleCalls:
    """Who uses a connection, who owns it, and what of somebody who leaves goes to whom."""

    _http: Transport

    async def connection_uses(self, connection_id: str) -> ConnectionUses:
        """What stops when a connection is disconnected."""
        return await self._http.call(_USES, "GET", f"/v1/connections/{seg(connection_id)}/uses")

    async def connection_members(self, connection_id: str) -> list[Member]:
        """Who holds what on a connection, its owner first."""
        return await self._http.call(_MEMBERS, "GET", f"/v1/connections/{seg(connection_id)}/members")

    async def connection_member_set(self, connection_id: str, user: str, grant: MemberGrant) -> Member:
        """Add a member, or give one another grant."""
        path = f"/v1/connections/{seg(connection_id)}/members/{seg(user)}"
        return await self._http.call(_MEMBER, "PUT", path, body=grant)

    async def connection_member_remove(self, connection_id: str, user: str) -> None:
        """Take a member's grant away."""
        await self._http.raw("DELETE", f"/v1/connections/{seg(connection_id)}/members/{seg(user)}")

    async def connection_make_me_owner(self, connection_id: str, new: MakeMeOwner) -> CredentialsUpdated:
        """Take a connection over with credentials of one's own, once the app took them."""
        path = f"/v1/connections/{seg(connection_id)}/make-me-owner"
        return await self._http.call(_UPDATED, "POST", path, body=new, timeout_s=LONG_TIMEOUT_S)

    async def people_connections(
        self, user: str, *, after: str | None = None, limit: int = 50
    ) -> Page[Connection]:
        """The connections that somebody owns."""
        path = f"/v1/people/{seg(user)}/connections"
        return await self._http.call(_CONNECTIONS, "GET", path, query=paging(after, limit))

    async def people_hand_over(self, user: str, choice: HandOver) -> HandedOver:
        """Give connections of somebody who leaves to somebody else."""
        path = f"/v1/people/{seg(user)}/hand-over"
        return await self._http.call(_HANDED, "POST", path, body=choice)
