"""A desk that collects proof of the fake apps, for tests: connections, a label, and proof syncs that are run at once."""

from __future__ import annotations

from typing import Any

from tests.connectors.apps.fake import FakeApp
from tests.integration.http_desk import HttpDesk

from healthdesk.connectors.auth.credentials import StoredCredentials
from healthdesk.domain.states import Trigger
from healthdesk.store import connections
from healthdesk.store.rows import HeartbeatSettings, NewConnection

Json = dict[str, Any]


async def connect(desk: HttpDesk, fake: FakeApp, name: str = "", owner: str = "alice") -> str:
    """Store a connection to a fake with its own credentials, and have it checked; return its id."""
    ctx = desk.engine.ctx
    credentials = StoredCredentials(fake.auth, fake.credentials, tokens=fake.granted())
    new = NewConnection(
        id=ctx.new_id("con"),
        app=fake.app_id,
        name=name or f"{fake.app_id} of {owner}",
        base_url=fake.url,
        auth=fake.auth,
        owner=owner,
        created_by=owner,
        created_at=ctx.clock.now(),
        credentials_enc=ctx.vault.encrypt(credentials.to_json()),
        next_check=ctx.clock.now(),
        heartbeat=HeartbeatSettings(),
        settings=fake.connection_settings(),
    )
    await ctx.store.write(connections.insert, new)
    checked = await desk.ok("POST", f"/v1/connections/{new.id}/check")
    assert checked["state"] == "connected", checked
    return new.id


async def integrate(desk: HttpDesk, app: str, **settings: Any) -> str:
    """Add an integration of kind proof; return its id."""
    body = {"kind": "proof", "name": f"Proof of {app}", "app": app, **settings}
    made: Json = await desk.ok("POST", "/v1/integrations", body)
    return str(made["id"])


async def label(desk: HttpDesk, name: str = "Access", *members: str) -> str:
    """Add a control whose members are the operator and these; return its id."""
    body = {"kind": "control", "name": name, "members": list(members)}
    return str((await desk.ok("POST", "/v1/labels", body))["id"])


async def add_sync(desk: HttpDesk, fake: FakeApp, dataset: str, **more: Any) -> Json:
    """Connect, integrate, and add a proof sync of a dataset of the fake, filed under a control of its own."""
    fields = {key: value for key, value in fake.datasets[dataset].items() if value}
    body: Json = {"dataset": dataset, "fields": fields, **more}
    if "connection_id" not in body:
        body["connection_id"] = await connect(desk, fake)
    if "integration_id" not in body:
        body["integration_id"] = await integrate(desk, fake.app_id)
    if "label_id" not in body:
        body["label_id"] = await label(desk)
    made: Json = await desk.ok("POST", "/v1/instances", body)
    return made


async def collect(desk: HttpDesk, sync_id: str) -> Json:
    """Run a proof sync now and return it as it is then."""
    await desk.engine.instances.run_now(sync_id, Trigger.OPERATOR, desk.operator.user)
    return await shown(desk, sync_id)


async def shown(desk: HttpDesk, sync_id: str) -> Json:
    """Return a proof sync."""
    answer: Json = await desk.ok("GET", f"/v1/proof-syncs/{sync_id}")
    return answer


async def rows_of(desk: HttpDesk, sync_id: str, run_id: str) -> list[dict[str, str]]:
    """Return everything a run collected, page by page."""
    rows: list[dict[str, str]] = []
    after = ""
    while True:
        page = await desk.ok("GET", f"/v1/instances/{sync_id}/runs/{run_id}/contents?limit=100{after}")
        keys = [each["key"] for each in page["columns"]]
        rows += [dict(zip(keys, row, strict=True)) for row in page["rows"]]
        assert page["total"] >= len(rows)
        if page["next"] is None:
            assert page["total"] == len(rows)
            return rows
        after = f"&after={page['next']}"
