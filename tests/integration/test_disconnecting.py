"""Disconnecting: the page before it says what stops, and afterwards nothing of the connection is left but its history."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.http_desk import HttpDesk, http_desk

from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import IntegrationKind
from healthdesk.store import app_integrations, instances
from healthdesk.store.schema_connections import (
    authorizations,
    callback_secrets,
    connection_members,
    connection_tokens,
    connections,
    pings,
)
from healthdesk.store.schema_desk import alerts, problems
from healthdesk.store.schema_instances import templates
from healthdesk.testing import FakeClock, FakeEndpoint
from healthdesk.testing.faults import Behaviour, Visit, reply


def answer_when_released(status: int) -> Behaviour:
    """Answer, but not before the endpoint is told to."""
    answer = reply(status)

    async def act(visit: Visit) -> bool:
        await visit.released.wait()
        return await answer.act(visit)

    return Behaviour("answer when released", act)


CRED = {"auth": "bearer", "token": "a-token-nobody-has"}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock(), ROLES__ADMINISTRATORS="alice") as made:
        yield made


async def working(desk: HttpDesk, connection_id: str) -> None:
    """Let two tasks of alice, one of bob, a proof sync, a task integration and a template work with a connection."""
    now = desk.engine.ctx.clock.now()

    def change(conn: Any) -> None:
        app_integrations.insert(
            conn,
            integration_id="int_t",
            name="Audit tasks",
            kind=IntegrationKind.TASKS,
            app="http-endpoint",
            connection_id=connection_id,
            settings={},
            now=now,
            by="alice",
        )
        for number, (owner, kind) in enumerate(
            (("alice", "task"), ("alice", "task"), ("bob", "task"), ("bob", "proof"))
        ):
            instances.insert(
                conn,
                id=f"{'tsk' if kind == 'task' else 'prf'}_{number}",
                kind=InstanceKind(kind),
                integration_id="int_t",
                connection_id=connection_id,
                app="http-endpoint",
                owner=owner,
                name=f"{kind} {number}",
                every_s=3600,
                now=now,
                by=owner,
                next_at=now,
            )
        row = {"id": "tpl_1", "name": "Quarterly keys", "task": {}, "owner": "alice", "created_at": now}
        conn.execute(
            sa.insert(templates).values(**row, created_by="alice", connection_id=connection_id, error="")
        )

    await desk.engine.ctx.store.write(change)


async def rows(desk: HttpDesk, table: sa.Table, **where: Any) -> list[Any]:
    query = sa.select(table).filter_by(**where)
    return await desk.engine.ctx.store.read(lambda conn: list(conn.execute(query)))


async def test_the_page_says_what_stops_in_sentences(desk: HttpDesk) -> None:
    made = await desk.connection()
    path = f"/v1/connections/{made['id']}/uses"
    unused = await desk.ok("GET", path)
    assert unused["sentences"] == [
        "Its credentials are erased and cannot be brought back, and its callbacks are refused."
    ]
    await working(desk, made["id"])
    said = await desk.ok("GET", path)
    assert (said["tasks"], said["proof_syncs"], said["app_name"]) == (3, 1, "HTTP endpoint")
    assert said["samples"] == ["proof 3", "task 0", "task 1", "task 2"]
    assert (said["administers"], said["templates"], said["delivers"]) == (
        ["Audit tasks"],
        ["Quarterly keys"],
        [],
    )
    assert said["sentences"][1:] == [
        (
            "The connection configuration is lost for all of the 3 tasks that alice (2) and bob (1) configured with it:"
            " they are not synced any more."
        ),
        "To reconnect, open one of them and reconnect it: that fixes all other tasks of HTTP endpoint by the same user.",
        "The connection configuration is lost for 1 proof sync: nothing is collected any more.",
        (
            "To go on, connect again and give each of them the new connection with Change connection, or add a new proof"
            " sync."
        ),
        "It is the admin connection of Audit tasks: no task is added to it before another one is chosen.",
        "Repeating tasks that create with it need another connection: Quarterly keys.",
    ]


async def test_a_connection_that_delivers_is_not_disconnected(desk: HttpDesk) -> None:
    delivery = await desk.delivery()
    said = await desk.ok("GET", f"/v1/connections/{delivery.connection_id}/uses")
    assert said["delivers"] == ["CRM endpoint"]
    assert said["sentences"][0].startswith("CRM endpoint delivers through it: it cannot be disconnected")
    answer = await desk.call("DELETE", f"/v1/connections/{delivery.connection_id}")
    assert (answer.status, "CRM endpoint" in answer.json["detail"]) == (409, True)
    [row] = await rows(desk, connections, id=delivery.connection_id)
    assert (row.deleted_at, row.settings_version) == (None, 0)


async def test_a_disconnection_erases_what_is_secret_and_parts_what_works_with_it(desk: HttpDesk) -> None:
    async with FakeEndpoint() as endpoint:
        endpoint.answer(401)
        made = await desk.connection(
            base_url=endpoint.url,
            credentials=CRED,
            callback_secret="a-secret-nobody-has",
            verification={"scheme": "hmac", "header": "X-Sig"},
            heartbeat={"path": "/"},
            unchecked=True,
        )
        path = f"/v1/connections/{made['id']}"
        await working(desk, made["id"])
        await desk.ok("PUT", f"{path}/members/mia", {"grant": "manager"})
        assert (await desk.ok("POST", f"{path}/check"))["state"] == "failing"
    await desk.engine.ctx.store.write(
        lambda conn: conn.execute(
            sa.insert(connection_tokens).values(
                connection_id=made["id"],
                tokens_enc="x",
                version=1,
                refreshed_at=desk.engine.ctx.clock.now(),
                lease_owner="",
            )
        )
    )
    [problem] = (await desk.ok("GET", "/v1/problems"))["items"]
    told = len(await rows(desk, alerts))
    assert (await desk.call("DELETE", path)).status == 204
    assert (await desk.call("GET", path)).status == 404
    [row] = await rows(desk, connections, id=made["id"])
    secrets = ("credentials_enc", "credential_hint", "callback_secret_enc", "callback_secret_hint")
    assert [getattr(row, name) for name in (*secrets, "previous_enc", "previous_hint")] == [""] * 6
    for table in (callback_secrets, connection_tokens, connection_members):
        assert await rows(desk, table, connection_id=made["id"]) == []
    for instance_id in ("tsk_0", "tsk_1", "tsk_2", "prf_3"):
        parted = await desk.engine.ctx.store.read(instances.get, instance_id)
        assert (parted.connection_id, parted.next_at, parted.blocked) == (None, None, False)
        assert "disconnected" in parted.error
    admin = await desk.ok("GET", "/v1/integrations/int_t")
    assert admin["connection_id"] is None
    [template] = await rows(desk, templates)
    assert (template.connection_id, template.error) == (
        None,
        "Its connection was disconnected: choose another one for it.",
    )
    ended = await desk.ok("GET", f"/v1/problems/{problem['id']}")
    assert (ended["state"], ended["resolved_by"]) == ("resolved", "alice")
    assert [row.note for row in await rows(desk, problems)] == ["its connection was disconnected"]
    assert len(await rows(desk, alerts)) == told, "nobody is told that it recovered"
    [entry] = [
        each
        for each in (await desk.ok("GET", "/v1/activity?limit=50"))["items"]
        if each["verb"] == "disconnected"
    ]
    assert entry["detail"] == {
        "owner": "alice",
        "tasks": 3,
        "proof_syncs": 1,
        "administered": ["Audit tasks"],
        "templates": ["Quarterly keys"],
    }


async def test_pings_and_authorizations_of_it_end_too(desk: HttpDesk) -> None:
    client = {"client_id": "a", "client_secret": "not-a-real-secret"}
    token = {"auth": "token", "fields": {"token": "not-a-real-token"}}
    made = await desk.connection(app="github", credentials=token, unchecked=True)
    begun = {"app": "github", "auth": "oauth", "fields": client}
    mine = (await desk.ok("POST", "/v1/authorizations", begun | {"connection": made["id"]}))["id"]
    other = (await desk.ok("POST", "/v1/authorizations", begun))["id"]
    pinged = await desk.connection(name="nightly")
    await desk.ok("PUT", f"/v1/connections/{pinged['id']}/ping", {"schedule": {"every_s": 3600}})
    for each in (made, pinged):
        assert (await desk.call("DELETE", f"/v1/connections/{each['id']}")).status == 204
    assert (await desk.call("GET", f"/v1/authorizations/{mine}")).status == 404
    assert (await desk.call("GET", f"/v1/authorizations/{other}")).status == 200
    assert [row.id for row in await rows(desk, authorizations)] == [other]
    assert await rows(desk, pings) == []


async def test_a_check_under_way_brings_nothing_back(desk: HttpDesk) -> None:
    async with FakeEndpoint() as endpoint:
        made = await desk.connection(base_url=endpoint.url, credentials=CRED, heartbeat={"path": "/"})
        endpoint.behave(answer_when_released(401))
        path = f"/v1/connections/{made['id']}"
        check = asyncio.create_task(desk.call("POST", f"{path}/check"))
        await endpoint.wait_for(2)
        assert (await desk.call("DELETE", path)).status == 204
        [before] = await rows(desk, connections, id=made["id"])
        endpoint.release()
        assert (await check).status == 404
    assert await rows(desk, connections, id=made["id"]) == [before]
    assert await rows(desk, problems) == []


async def test_new_credentials_that_are_tried_meanwhile_are_not_saved(desk: HttpDesk) -> None:
    async with FakeEndpoint() as endpoint:
        made = await desk.connection(base_url=endpoint.url, credentials=CRED, heartbeat={"path": "/"})
        endpoint.behave(answer_when_released(200))
        path = f"/v1/connections/{made['id']}"
        new = {"credentials": {"auth": "bearer", "token": "another-token-nobody-has"}}
        update = asyncio.create_task(desk.call("POST", f"{path}/credentials", new))
        await endpoint.wait_for(2)
        assert (await desk.call("DELETE", path)).status == 204
        endpoint.release()
        assert (await update).status == 404
    [row] = await rows(desk, connections, id=made["id"])
    assert (row.credentials_enc, row.previous_enc) == ("", "")
