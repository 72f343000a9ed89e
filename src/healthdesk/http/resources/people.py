"""Routes of the people of connections: members, owners, what somebody who leaves has, and the end of a connection."""

from __future__ import annotations

from healthdesk.api.common import Page
from healthdesk.api.connections import Connection, CredentialsUpdated, Member
from healthdesk.api.people import ConnectionUses, HandedOver, HandOver, MakeMeOwner, MemberGrant
from healthdesk.http.query import Paging
from healthdesk.http.route import Call, Route
from healthdesk.operations import disconnecting, members, owning


async def _members(call: Call) -> list[Member]:
    return await members.list_all(call.desk, call.path["id"])


async def _put_member(call: Call) -> Member:
    return await members.put(call.desk, call.path["id"], call.path["user"], call.body(MemberGrant))


async def _remove_member(call: Call) -> None:
    await members.remove(call.desk, call.path["id"], call.path["user"])


async def _uses(call: Call) -> ConnectionUses:
    return await disconnecting.uses(call.desk, call.path["id"])


async def _disconnect(call: Call) -> None:
    await disconnecting.disconnect(call.desk, call.path["id"])


async def _make_me_owner(call: Call) -> CredentialsUpdated:
    return await owning.make_me_owner(call.desk, call.path["id"], call.body(MakeMeOwner))


async def _owned(call: Call) -> Page[Connection]:
    page = call.query(Paging)
    return await owning.list_of(call.desk, call.path["user"], page.after, page.limit)


async def _hand_over(call: Call) -> HandedOver:
    return await owning.hand_over(call.desk, call.path["user"], call.body(HandOver))


_ONE = "/v1/connections/{id}"
_MEMBERS = _ONE + "/members"

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
    Route(
        "POST",
        _ONE + "/make-me-owner",
        "connections.make_me_owner",
        "Take it over with credentials of your own, once the app took them; what works with it goes on.",
        _make_me_owner,
        CredentialsUpdated,
        MakeMeOwner,
    ),
    Route(
        "GET",
        "/v1/people/{user}/connections",
        "people.connections",
        "Connections that somebody owns, oldest first.",
        _owned,
        Page[Connection],
        query=Paging,
    ),
    Route(
        "POST",
        "/v1/people/{user}/hand-over",
        "people.hand_over",
        "Give connections of somebody who leaves to somebody else, with what they configured with them.",
        _hand_over,
        HandedOver,
        HandOver,
    ),
    Route(
        "GET",
        _ONE + "/uses",
        "connections.uses",
        "What stops when it is disconnected, and how that is repaired.",
        _uses,
        ConnectionUses,
    ),
    Route(
        "DELETE",
        _ONE,
        "connections.disconnect",
        "Erase its secrets and end it: what works with it loses its configuration. 409 while an integration delivers"
        " through it.",
        _disconnect,
        status=204,
    ),
)
