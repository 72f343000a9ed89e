"""Connects the demo's desk to its apps as an operator would: each is asked before anything is saved."""

from __future__ import annotations

from dataclasses import dataclass, field

import aiohttp
from pydantic import SecretStr

from healthdesk.api.connections import (
    Connection,
    ConnectionCreate,
    ConnectionEdit,
    Credentials,
    CredentialsUpdate,
)
from healthdesk.api.pings import PingSchedule, PingSet
from healthdesk.client.client import Client
from healthdesk.demo.apps import FIRST, JIRA_EMAIL, NEW
from healthdesk.demo.children import DemoFailed

EXPORT = "Nightly export"
PING_EVERY_S, PING_GRACE_S = 60.0, 10.0


@dataclass(frozen=True, slots=True)
class Planned:
    """A connection to make: the app's method and fields, and where its stand-in is below the world's address."""

    name: str
    app: str
    auth: str
    path: str
    token_field: str = "token"  # noqa: S105 - the name of a field
    fields: dict[str, str] = field(default_factory=dict)

    def credentials(self, token: str) -> Credentials:
        """Return the credentials with this token."""
        given = {**self.fields, self.token_field: token}
        return Credentials(auth=self.auth, fields={key: SecretStr(value) for key, value in given.items()})


PLANNED = {
    "github": Planned("GitHub", "github", "token", "/github"),
    "gitlab": Planned("GitLab", "gitlab", "token", "/gitlab/api/v4"),
    "jira": Planned(
        "Jira Cloud", "jira-cloud", "api_token", "/jira", "api_token", {"site": "acme", "email": JIRA_EMAIL}
    ),
    "asana": Planned("Asana", "asana", "token", "/asana/api/1.0"),
    "slack": Planned("Slack", "slack", "bot_token", "/slack/api"),
}


@dataclass(frozen=True, slots=True)
class Connected:
    """The apps' connections by the name of their stand-in, and where the export pings."""

    ids: dict[str, str]
    export_id: str
    ping_url: str


async def connect_apps(client: Client, world: str) -> Connected:
    """Connect every app; what an earlier demo left is pointed at this `world` and given its tokens again."""
    there = {one.name: one for one in (await client.connections_list(limit=500)).items}
    ids = {}
    for key, planned in PLANNED.items():
        before = there.get(planned.name)
        ids[key] = (await _connect(client, planned, world + planned.path, FIRST[key], before)).id
    await _webhook(client, ids["asana"], world, again=PLANNED["asana"].name in there)
    export = there.get(EXPORT) or await client.connection_create(
        ConnectionCreate(name=EXPORT, base_url=world + "/export")
    )
    wanted = PingSet(schedule=PingSchedule(every_s=PING_EVERY_S), grace_s=PING_GRACE_S, new_address=True)
    ping = await client.connection_ping_set(export.id, wanted)
    return Connected(ids, export.id, ping.url)


async def renew(client: Client, connected: Connected, app: str) -> Connection:
    """Give the connection of `jira` or `slack` its new token, as an operator does with `u`."""
    update = CredentialsUpdate(credentials=PLANNED[app].credentials(NEW[app]))
    return await client.connection_update_credentials(connected.ids[app], update)


async def _connect(
    client: Client, planned: Planned, base_url: str, token: str, before: Connection | None
) -> Connection:
    credentials = planned.credentials(token)
    if before is None:
        new = ConnectionCreate(app=planned.app, name=planned.name, base_url=base_url, credentials=credentials)
        return await client.connection_create(new)
    # Where it points at is gone, so the app can be asked only after this.
    await client.connection_edit(before.id, ConnectionEdit(base_url=base_url, unchecked=True))
    return await client.connection_update_credentials(
        before.id, CredentialsUpdate(credentials=credentials, accept_changes=True)
    )


async def _webhook(client: Client, connection_id: str, world: str, *, again: bool) -> None:
    """Ask Asana for callbacks, as somebody does with curl: Asana shakes hands with the desk before it answers."""
    if again:
        await client.connection_edit(connection_id, ConnectionEdit(await_handshake=True))
    target = (await client.connection(connection_id)).callback_url
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {FIRST['asana']}"}) as http,
        http.post(
            f"{world}{PLANNED['asana'].path}/webhooks",
            json={"data": {"resource": "1205000000000001", "target": target}},
        ) as answer,
    ):
        if answer.status != 201:
            raise DemoFailed(f"Asana made no webhook: {await answer.text()}")
