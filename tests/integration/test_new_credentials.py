"""New credentials are tried, whatever the old ones are still being told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.harness.serving import until
from tests.integration.http_desk import HttpDesk, http_desk

from healthdesk.testing import Behaviour, FakeEndpoint

OLD, NEW = ({"auth": "bearer", "token": f"{age}-token-1234567890"} for age in ("old", "new"))


@pytest.fixture
async def endpoint():
    async with FakeEndpoint() as server:
        yield server


def refuse_the_old(answer_old: asyncio.Event) -> Behaviour:
    """Accept the new credential; refuse the old one, as late as the test wants."""

    async def act(visit) -> bool:
        status = b"200 OK"
        if "old-token" in visit.request.headers.get("authorization", ""):
            await answer_old.wait()
            status = b"401 Unauthorized"
        visit.writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        await visit.writer.drain()
        return True

    return Behaviour("refuse the old credential", act)


async def renew(desk: HttpDesk, connection_id: str) -> dict[str, str]:
    return await desk.ok("POST", f"/v1/connections/{connection_id}/credentials", {"credentials": NEW})


async def state_is(desk: HttpDesk, connection_id: str, state: str) -> bool:
    return (await desk.ok("GET", f"/v1/connections/{connection_id}"))["state"] == state


async def test_new_credentials_are_in_use_while_a_check_with_the_old_is_under_way(
    tmp_path: Path, endpoint: FakeEndpoint
) -> None:
    answer_old = asyncio.Event()
    answer_old.set()
    endpoint.behave(refuse_the_old(answer_old))
    async with http_desk(tmp_path) as desk:
        made = await desk.connection(
            base_url=endpoint.url, credentials=OLD, heartbeat={"path": "/health"}, unchecked=True
        )
        assert made["state"] == "failing"
        answer_old.clear()
        seen = len(endpoint.requests)
        path = f"/v1/connections/{made['id']}"
        check = asyncio.create_task(desk.ok("POST", f"{path}/check"))
        await endpoint.wait_for(seen + 1)
        assert (await renew(desk, made["id"]))["state"] == "connected"
        answer_old.set()
        await check
        now = await desk.ok("GET", path)
        assert (now["state"], now["explanation"]) == ("connected", None)
        checks = (await desk.ok("GET", f"{path}/heartbeats"))["items"]
        assert {each["ok"] for each in checks[:2]} == {True, False}, "what the old one was told is in the log"


async def test_refusals_of_the_old_credential_say_nothing_of_the_new(
    tmp_path: Path, endpoint: FakeEndpoint
) -> None:
    answer_old = asyncio.Event()
    answer_old.set()
    endpoint.behave(refuse_the_old(answer_old))
    async with http_desk(tmp_path, ALERTS__ENABLED="false") as desk:
        delivery = await desk.delivery()
        connection = delivery.connection_id
        await desk.ok("PATCH", f"/v1/connections/{connection}", {"base_url": endpoint.url})
        await desk.ok("POST", f"/v1/connections/{connection}/credentials", {"credentials": OLD})
        await desk.engine.start()
        await delivery.post()
        await until(lambda: state_is(desk, connection, "suspect"))
        answer_old.clear()
        await delivery.post()
        await endpoint.wait_for(2)
        await renew(desk, connection)
        answer_old.set()

        async def judged() -> bool:
            (row,) = (await desk.ok("GET", "/v1/ledger"))["rows"]
            return row["states"]["failed"] == 2 and not desk.engine.heartbeats._evidence

        await until(judged)
        assert await state_is(desk, connection, "suspect")
        await delivery.post()
        await until(lambda: state_is(desk, connection, "connected"))
        await desk.engine.stop(5)


async def test_new_credentials_get_a_probe_of_their_own(tmp_path: Path, endpoint: FakeEndpoint) -> None:
    """The probe of a failing connection was under way with the old credential: its verdict is nobody's."""
    answer_old = asyncio.Event()
    answer_old.set()
    endpoint.behave(refuse_the_old(answer_old))
    async with http_desk(tmp_path, ALERTS__ENABLED="false") as desk:
        delivery = await desk.delivery()
        path = f"/v1/connections/{delivery.connection_id}"
        await desk.ok("PATCH", path, {"base_url": endpoint.url})
        await desk.ok("POST", f"{path}/credentials", {"credentials": OLD})
        await desk.engine.start()
        await delivery.post()
        await until(lambda: state_is(desk, delivery.connection_id, "suspect"))
        await delivery.post()
        await until(lambda: state_is(desk, delivery.connection_id, "failing"))
        answer_old.clear()
        seen = len(endpoint.requests)
        await delivery.post()
        await desk.ok("POST", f"{path}/check")
        await endpoint.wait_for(seen + 1)
        await renew(desk, delivery.connection_id)
        answer_old.set()
        await delivery.post()
        await until(lambda: state_is(desk, delivery.connection_id, "connected"))
        await desk.engine.stop(5)
