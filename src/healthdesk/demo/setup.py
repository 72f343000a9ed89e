"""Sets the demo's desk up as an operator would: through the operator API, and nothing else.

What an earlier demo left in the folder is used again; only addresses and secrets are made anew.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import SecretStr

from healthdesk.api.connections import (
    CallbackVerification,
    Connection,
    ConnectionCreate,
    ConnectionEdit,
    Credentials,
    CredentialsUpdate,
    HeartbeatRequest,
)
from healthdesk.api.integrations import EnvironmentSettings, Integration, IntegrationCreate
from healthdesk.api.keys import KeyCreate
from healthdesk.api.samples import SampleSend
from healthdesk.api.sources import SourceCreate, SourceEnable, SourceField
from healthdesk.client.client import Client
from healthdesk.demo.app_events import EVENT_HEADER, HMAC_HEADER, ID_HEADER, Hook
from healthdesk.demo.connecting import Connected, connect_apps
from healthdesk.demo.endpoints import FIRST_TOKEN, NEW_TOKEN
from healthdesk.demo.submissions import LEVELS, Intake
from healthdesk.demo.working import Working, set_up_work
from healthdesk.domain.signing import new_secret
from healthdesk.domain.states import CallbackScheme
from healthdesk.errors import ApiRefused

CRM, CRM_TEST, PARTNER, TICKETS = "CRM wellness", "CRM wellness (test)", "Partner exchange", "Ticket app"
SAMPLES_S, LOOK_S = 60.0, 0.1
MAIL, CHAT = "Operators' mail", "Operators' chat"
SOURCES = {"heart-health": "Heart health", "diabetes-risk": "Diabetes risk", "sleep": "Sleep"}
HMAC = CallbackVerification(
    scheme=CallbackScheme.HMAC,
    header=HMAC_HEADER,
    prefix="sha256=",
    id_header=ID_HEADER,
    event_header=EVENT_HEADER,
)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the world listens."""

    crm: int
    partner: int
    app: int
    smtp: int

    @property
    def world(self) -> str:
        """Where the world itself is asked and told."""
        return f"http://127.0.0.1:{self.crm}"

    @property
    def apps(self) -> str:
        """Where the apps are, each below a path of its own."""
        return f"http://127.0.0.1:{self.app}"


@dataclass(frozen=True, slots=True)
class DemoSetup:
    """The desk as it was set up: what the world has to know, and what the story acts upon."""

    partner_connection_id: str
    signing_secret: str
    intakes: dict[str, Intake]
    hooks: list[Hook]
    connected: Connected
    working: Working

    def orders(self, *, rate_per_s: float, callback_every_s: float, living: bool) -> dict[str, Any]:
        """Return the orders for the world."""
        return {
            "signing_secret": self.signing_secret,
            "intakes": {name: asdict(intake) for name, intake in self.intakes.items()},
            "hooks": [asdict(hook) for hook in self.hooks],
            "ping_url": self.connected.ping_url,
            "rate_per_s": rate_per_s,
            "callback_every_s": callback_every_s,
            "living": living,
        }


async def set_up(client: Client, ports: Ports, before: Ports | None = None) -> DemoSetup:
    """Add connections, integrations, sources, keys and channels.

    `before` is where the world of an earlier demo in this folder listened.
    """
    receipts, tickets = new_secret(secrets.token_bytes(32)), secrets.token_urlsafe(32)
    crm = await _connection(
        client,
        CRM,
        f"http://127.0.0.1:{ports.crm}/crm",
        verification=CallbackVerification(scheme=CallbackScheme.STANDARD_WEBHOOKS),
        callback_secret=receipts,
    )
    partner = await _connection(
        client, PARTNER, f"http://127.0.0.1:{ports.partner}/partner", token=FIRST_TOKEN
    )
    app = await _connection(
        client, TICKETS, f"http://127.0.0.1:{ports.app}/crm", verification=HMAC, callback_secret=tickets
    )
    trial = await _connection(client, CRM_TEST, f"http://127.0.0.1:{ports.crm}/crm-test")
    deliveries = {
        "crm": await _integration(
            client,
            CRM,
            EnvironmentSettings(connection_id=crm.id, path="/hra"),
            EnvironmentSettings(connection_id=trial.id, path="/hra"),
        ),
        "partner": await _integration(
            client, PARTNER, EnvironmentSettings(connection_id=partner.id, path="/records")
        ),
    }
    await _sources(client, list(deliveries.values()))
    await keep_channels(client, ports, before)
    await _try_testing(client, deliveries["crm"].id)
    signing = await client.integration_signing_secret_create(deliveries["crm"].id, KeyCreate())
    intakes = {}
    for name, integration in deliveries.items():
        key = await client.integration_key_create(integration.id, KeyCreate())
        intakes[name] = Intake(url=integration.records_url, key=key.secret)
    connected = await connect_apps(client, ports.apps)
    return DemoSetup(
        partner_connection_id=partner.id,
        signing_secret=signing.secret,
        intakes=intakes,
        hooks=[
            Hook(crm.callback_url, "standard_webhooks", receipts),
            Hook(app.callback_url, "hmac", tickets),
        ],
        connected=connected,
        working=await set_up_work(client, connected.ids),
    )


async def update_partner_credentials(client: Client, connection_id: str) -> Connection:
    """Give the partner's connection its new token, as an operator does with `u`."""
    credentials = Credentials(auth="bearer", token=SecretStr(NEW_TOKEN))
    return await client.connection_update_credentials(
        connection_id, CredentialsUpdate(credentials=credentials)
    )


async def _connection(
    client: Client,
    name: str,
    base_url: str,
    *,
    token: str = "",
    verification: CallbackVerification | None = None,
    callback_secret: str = "",
) -> Connection:
    """Add a connection, or point the one of that name at this world."""
    credentials = Credentials(auth="bearer", token=SecretStr(token)) if token else Credentials()
    secret = SecretStr(callback_secret) if callback_secret else None
    there = {one.name: one for one in (await client.connections_list(limit=500)).items}
    if name in there:
        if token:
            await client.connection_update_credentials(
                there[name].id, CredentialsUpdate(credentials=credentials, unchecked=True)
            )
        # A kept demo's connections point at a world that is gone until all of this is done.
        changes = ConnectionEdit(
            base_url=base_url, verification=verification, callback_secret=secret, unchecked=True
        )
        return await client.connection_edit(there[name].id, changes)
    return await client.connection_create(
        ConnectionCreate(
            name=name,
            base_url=base_url,
            credentials=credentials,
            heartbeat=HeartbeatRequest(path="/health"),
            verification=verification or CallbackVerification(),
            callback_secret=secret,
            unchecked=True,
        )
    )


async def _integration(
    client: Client, name: str, production: EnvironmentSettings, testing: EnvironmentSettings | None = None
) -> Integration:
    there = {one.name: one for one in (await client.integrations_list(limit=500)).items}
    if name in there:
        return there[name]
    new = IntegrationCreate(name=name, production=production, testing=testing)
    return await client.integration_create(new)


async def _sources(client: Client, integrations: list[Integration]) -> None:
    there = {one.key for one in (await client.sources_list(limit=500)).items}
    for key, name in SOURCES.items():
        if key not in there:
            fields = [
                SourceField(name="participant", type="object", required=True),
                SourceField(name="member", type="string", example="P-10001", lookup=True),
                SourceField(name="score", type="integer", required=True, example="71"),
                SourceField(name="risk_level", type="string", example="high", sensitive=False),
            ]
            await client.source_create(SourceCreate(key=key, name=name, levels=list(LEVELS), fields=fields))
        for integration in integrations:
            await client.source_enable(key, SourceEnable(integration_id=integration.id))


async def _try_testing(client: Client, integration_id: str) -> None:
    """Send samples to the testing environment, as one does before launch, and wait until they are through.

    In a kept desk somebody may have paused it, or taken the sources away: then there is nothing to send.
    """
    try:
        job = await client.sample_send(SampleSend(integration_id=integration_id))
    except ApiRefused:
        return
    async with asyncio.timeout(SAMPLES_S):
        while job.finished_at is None:
            await asyncio.sleep(LOOK_S)
            job = await client.job(job.id)


async def keep_channels(client: Client, ports: Ports, before: Ports | None) -> None:
    """Add the demo's channels. One that is there stays, unless what it points at has moved; others are left alone."""
    there = {one.name: one for one in (await client.channels_list(limit=500)).items}
    addresses = {MAIL: _mail_address, CHAT: _chat_address}
    for name, address in addresses.items():
        if name in there:
            if before is not None and address(before) == address(ports):
                continue
            await client.channel_remove(there[name].id)
        await client.channel_create(name, address(ports))


def _mail_address(ports: Ports) -> str:
    return f"mailto://127.0.0.1:{ports.smtp}/operators@demo.example?from=desk@demo.example"


def _chat_address(ports: Ports) -> str:
    return f"json://127.0.0.1:{ports.crm}/chat/ops"
