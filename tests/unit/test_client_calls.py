"""Every method asks its route: path, query and body."""

import json

import pytest
from tests.harness import wire
from tests.harness.client_calls import CALLS, RECORD
from tests.harness.fake_daemon import FakeDaemon, running

from healthdesk.api.records import Accepted
from healthdesk.client.client import Client


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        yield daemon


@pytest.mark.parametrize("name", CALLS)
async def test_call_asks_its_route(daemon, name):
    call, line, answer, body = CALLS[name]
    method, _, target = line.partition(" ")
    daemon.on(method, target.partition("?")[0], answer)
    async with Client(daemon.socket) as client:
        await call(client)
    assert daemon.lines() == [line]
    assert (daemon.last.json if daemon.last.body else None) == body


async def test_answers_become_models(daemon):
    daemon.on("GET", "/v1/records", wire.page(wire.record(), next="rec_9"))
    async with Client(daemon.socket) as client:
        page = await client.records_list()
    assert page.items == [wire.record()]
    assert page.next == "rec_9"


async def test_data_of_an_added_record_is_sent_byte_for_byte(daemon):
    daemon.on("POST", "/v1/records", Accepted(id="rec_1"))
    raw = b'{ "b":1.0,  "a" : 1e2, "d":"\\u00e4" }'
    async with Client(daemon.socket) as client:
        await client.record_create(RECORD, data_json=raw)
    assert raw in daemon.last.body
    assert daemon.last.json == json.loads(RECORD.model_dump_json(exclude_unset=True)) | {
        "data": json.loads(raw),
        "completed_at": "2024-11-22T13:00:00+00:00",
    }


async def test_an_id_cannot_change_the_path(daemon):
    async with Client(daemon.socket) as client:
        for bad in ("", ".", ".."):
            with pytest.raises(Exception, match="is not an id"):
                await client.connection_disconnect(bad)
        with pytest.raises(Exception, match="no answer for"):
            await client.record("a/../../status?x=1#y")
    assert daemon.lines() == ["GET /v1/records/a/../../status?x=1#y"]
    assert not daemon.last.query
