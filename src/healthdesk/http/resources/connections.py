"""Routes of apps, accounts and connections."""

from __future__ import annotations

from healthdesk.api.apps import App
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
from healthdesk.http.query import Paging
from healthdesk.http.route import Call, Route
from healthdesk.operations import connecting, connections, credentials


async def _apps(call: Call) -> list[App]:
    return await connections.apps(call.desk)


async def _list(call: Call) -> Page[Connection]:
    page = call.query(Paging)
    return await connections.list_all(call.desk, page.after, page.limit)


async def _add(call: Call) -> Connection:
    return await connecting.add(call.desk, call.body(ConnectionCreate))


async def _show(call: Call) -> Connection:
    return await connections.show(call.desk, call.path["id"])


async def _edit(call: Call) -> Connection:
    return await connecting.edit(call.desk, call.path["id"], call.body(ConnectionEdit))


async def _check(call: Call) -> Connection:
    return await connections.check(call.desk, call.path["id"])


async def _heartbeats(call: Call) -> Page[Heartbeat]:
    page = call.query(Paging)
    return await connections.heartbeats(call.desk, call.path["id"], page.after, page.limit)


async def _credentials(call: Call) -> CredentialsUpdated:
    return await credentials.update(call.desk, call.path["id"], call.body(CredentialsUpdate))


async def _put_back(call: Call) -> CredentialsUpdated:
    return await credentials.put_back(call.desk, call.path["id"], call.body(PutBack))


_ONE = "/v1/connections/{id}"

ROUTES = (
    Route("GET", "/v1/apps", "apps.list", "What can be connected.", _apps, list[App]),
    Route(
        "GET",
        "/v1/connections",
        "connections.list",
        "Connections, oldest first.",
        _list,
        Page[Connection],
        query=Paging,
    ),
    Route(
        "POST",
        "/v1/connections",
        "connections.add",
        "Add a connection, once the app took its credentials.",
        _add,
        Connection,
        ConnectionCreate,
        status=201,
    ),
    Route("GET", _ONE, "connections.show", "One connection and its health.", _show, Connection),
    Route(
        "PATCH",
        _ONE,
        "connections.edit",
        "Change a connection; what decides its health is tried first, what is absent stays.",
        _edit,
        Connection,
        ConnectionEdit,
    ),
    Route(
        "POST",
        _ONE + "/check",
        "connections.check",
        "Check now and answer when it is done.",
        _check,
        Connection,
    ),
    Route(
        "GET",
        _ONE + "/heartbeats",
        "connections.heartbeats",
        "Checks of a connection, newest first.",
        _heartbeats,
        Page[Heartbeat],
        query=Paging,
    ),
    Route(
        "POST",
        _ONE + "/credentials",
        "connections.update_credentials",
        "Replace the credentials, once the app took the new ones.",
        _credentials,
        CredentialsUpdated,
        CredentialsUpdate,
    ),
    Route(
        "POST",
        _ONE + "/credentials/put-back",
        "connections.put_back",
        "Put the credentials before the last update back in use, within an hour.",
        _put_back,
        CredentialsUpdated,
        PutBack,
    ),
)
