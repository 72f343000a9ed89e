"""Push heartbeats, over real HTTP: in time, late, failed, begun and not ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_desk import HttpDesk, http_desk

from healthdesk.domain.states import ConnectionState, ProblemState
from healthdesk.store import connections, pings, problems
from healthdesk.testing import FakeClock

HOURLY = {"schedule": {"every_s": 3600}, "grace_s": 300}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def desk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=clock) as made:
        yield made


async def pinged(desk: HttpDesk, **more: Any) -> tuple[str, str]:
    """Return a connection that expects a ping an hour, and the path to ping."""
    made = await desk.connection(name="Nightly export")
    answer = await desk.call("PUT", f"/v1/connections/{made['id']}/ping", HOURLY | more)
    assert answer.status == 200, answer.body
    return made["id"], "/v1" + answer.json["url"].partition("/v1")[2]


async def state(desk: HttpDesk, connection_id: str) -> ConnectionState:
    return (await desk.engine.ctx.store.read(connections.get, connection_id)).state


async def look(desk: HttpDesk) -> None:
    """Let the desk look for late pings now, as its loop does every second."""
    while await desk.engine.pings._some():
        pass


async def test_a_ping_in_time_keeps_it_connected_and_a_late_one_does_not(desk, clock):
    connection_id, path = await pinged(desk)
    assert (await desk.ask("GET", path)).status == 200
    assert await state(desk, connection_id) is ConnectionState.CONNECTED
    clock.advance(3600 + 299)
    await look(desk)
    assert await state(desk, connection_id) is ConnectionState.CONNECTED
    clock.advance(2)
    await look(desk)
    assert await state(desk, connection_id) is ConnectionState.FAILING
    page = await desk.engine.ctx.store.read(problems.page, states=(ProblemState.OPEN,), limit=5)
    assert [(each.connection_id, each.kind) for each in page.items] == [(connection_id, "late")]
    assert (await desk.ask("POST", path, data=b"done")).status == 200
    assert await state(desk, connection_id) is ConnectionState.CONNECTED
    page = await desk.engine.ctx.store.read(problems.page, states=(ProblemState.OPEN,), limit=5)
    assert [(each.kind, each.cause, each.since) for each in page.items] == []
    beats = (await desk.engine.ctx.store.read(connections.heartbeats, connection_id)).items
    assert [(each.ok, each.kind, each.response_body) for each in beats] == [
        (True, "", b"done"),
        (False, "late", b""),
        (True, "", b""),
    ]


async def test_a_job_that_fails_says_why(desk):
    connection_id, path = await pinged(desk)
    answer = await desk.ask("POST", f"{path}/fail", data=b"disk full\nmore")
    assert answer.status == 200
    assert await state(desk, connection_id) is ConnectionState.FAILING
    [beat] = (await desk.engine.ctx.store.read(connections.heartbeats, connection_id)).items
    assert beat.sentence.endswith("disk full")
    assert beat.response_body == b"disk full\nmore"


async def test_a_run_that_begins_has_its_grace_to_end(desk, clock):
    connection_id, path = await pinged(desk)
    await desk.ask("GET", path)
    await desk.ask("GET", f"{path}/start")
    clock.advance(200)
    await desk.ask("GET", path)
    [last, _] = (await desk.engine.ctx.store.read(connections.heartbeats, connection_id)).items
    assert last.duration_ms == 200_000
    await desk.ask("GET", f"{path}/start")
    clock.advance(301)
    await look(desk)
    assert await state(desk, connection_id) is ConnectionState.FAILING


async def test_a_job_that_begins_again_and_again_and_never_ends_is_late(desk, clock):
    often = {"schedule": {"every_s": 300}, "grace_s": 600}
    connection_id, path = await pinged(desk, **often)
    await desk.ask("GET", path)
    clock.advance(300)
    for _ in range(2):
        assert await state(desk, connection_id) is ConnectionState.CONNECTED
        await desk.ask("GET", f"{path}/start")
        clock.advance(300)
        await look(desk)
    assert await state(desk, connection_id) is ConnectionState.FAILING
    await desk.ask("GET", f"{path}/start")
    clock.advance(900)
    await look(desk)
    beats = (await desk.engine.ctx.store.read(connections.heartbeats, connection_id)).items
    assert [each.kind for each in beats] == ["late", ""]
    await desk.ask("GET", path)
    assert await state(desk, connection_id) is ConnectionState.CONNECTED


async def test_an_address_that_is_guessed_does_not_keep_the_writer_busy(desk, monkeypatch):
    async def written(*_args: Any) -> None:
        raise AssertionError("a transaction for a guess")

    monkeypatch.setattr(desk.engine.ctx.store, "write", written)
    assert (await desk.ask("GET", "/v1/ping/guessed-by-somebody")).status == 404


async def test_an_unknown_address_is_no_ping_and_its_token_is_not_repeated(desk):
    _, path = await pinged(desk)
    answer = await desk.ask("GET", path[:-4] + "AAAA")
    assert answer.status == 404
    assert path[-8:-4] not in answer.body.decode()


async def test_a_new_address_ends_the_one_before_and_a_change_does_not(desk):
    connection_id, path = await pinged(desk)
    url = f"/v1/connections/{connection_id}/ping"
    changed = await desk.call("PUT", url, HOURLY | {"grace_s": 60})
    assert changed.json["url"] == ""
    assert (await desk.ask("GET", path)).status == 200
    renewed = await desk.call("PUT", url, HOURLY | {"new_address": True})
    assert renewed.json["url"]
    assert (await desk.ask("GET", path)).status == 404
    assert (await desk.call("DELETE", url)).status == 204
    assert (await desk.call("GET", url)).status == 404


async def test_what_is_called_is_not_pinged(desk):
    made = await desk.connection(name="CRM", heartbeat={"path": "/health"}, unchecked=True)
    answer = await desk.call("PUT", f"/v1/connections/{made['id']}/ping", HOURLY)
    assert answer.status == 409


async def test_too_many_pings_are_answered_429(desk):
    _, path = await pinged(desk)
    statuses = [(await desk.ask("GET", path)).status for _ in range(61)]
    assert statuses == [200] * 60 + [429]


async def test_what_was_missed_while_no_daemon_ran_is_given_its_grace_once_more(desk, clock):
    connection_id, path = await pinged(desk)
    await desk.ask("GET", path)
    clock.advance(7200)
    await desk.engine.pings._forgive()
    await look(desk)
    assert await state(desk, connection_id) is ConnectionState.CONNECTED
    row = await desk.engine.ctx.store.read(pings.of, "connection", connection_id)
    assert (row.due_at - clock.now()).total_seconds() == 300
