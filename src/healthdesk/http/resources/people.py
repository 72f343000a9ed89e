"""Routes of the people of connections: members, owners, and what somebody who leaves has."""

from __future__ import annotations

from healthdesk.api.connections import Member, MemberGrant
from healthdesk.http.route import Call, Route
from healthdesk.operations import members


async def _members(call: Call) -> list[Member]:
    return await members.list_all(call.desk, call.path["id"])


async def _put_member(call: Call) -> Member:
    return await members.put(call.desk, call.path["id"], call.path["user"], call.body(MemberGrant))


async def _remove_member(call: Call) -> None:
    await members.remove(call.desk, call.path["id"], call.path["user"])


_MEMBERS = "/v1/connections/{id}/members"

ROUTES = (
    Route(
        "GET",
        _MEMBERS,
        "connections.show",
        "Who holds what on a connection, its owner first.",
        _members,
        list[Member],
    ),
    Route(
        "PUT",
        _MEMBERS + "/{user}",
        "connections.members",
        "Make somebody a member, or change what they hold; 409 for the owner.",
        _put_member,
        Member,
        MemberGrant,
    ),
    Route(
        "DELETE",
        _MEMBERS + "/{user}",
        "connections.members",
        "Take a member off a connection; 409 for the owner.",
        _remove_member,
        status=204,
    ),
)
