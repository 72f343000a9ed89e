"""`POST /v1/callbacks/{connection_id}`: verified, kept byte for byte, once."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook
from tests.integration.http_desk import Answer, HttpDesk, http_desk

from healthdesk.domain.states import CallbackState
from healthdesk.errors import StoreUnavailable
from healthdesk.store import callbacks as queries
from healthdesk.store import connections
from healthdesk.store.rows import CallbackRow, NewCallback
from healthdesk.testing import FakeClock

SECRET = "It's a Secret to Everybody"
HMAC = {
    "scheme": "hmac",
    "header": "X-Hub-Signature-256",
    "prefix": "sha256=",
    "id_header": "X-GitHub-Delivery",
    "event_header": "X-GitHub-Event",
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def desk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=clock, SECURITY__MAX_BODY_BYTES="20000") as made:
        yield made


async def github(desk: HttpDesk, **more: Any) -> str:
    settings = {"name": "GitHub", "verification": HMAC, "callback_secret": SECRET}
    made = await desk.connection(**settings | more)
    assert made["callback_url"].endswith(f"/v1/callbacks/{made['id']}")
    return str(made["id"])


def signed(body: bytes, secret: str = SECRET, **headers: str) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Delivery": "d-1", **headers}


async def post(desk: HttpDesk, connection_id: str, body: bytes, headers: dict[str, str]) -> Answer:
    return await desk.ask("POST", f"/v1/callbacks/{connection_id}", data=body, headers=headers)


async def kept(desk: HttpDesk, connection_id: str) -> list[CallbackRow]:
    page = await desk.engine.ctx.store.read(queries.page, connection_id=connection_id, limit=500)
    return [await desk.engine.ctx.store.read(queries.get, row.id) for row in page.items]


async def test_a_documented_signature_is_accepted_and_the_bytes_are_kept(desk: HttpDesk) -> None:
    connection_id = await github(desk)
    body = b"Hello, World!"
    answer = await post(
        desk,
        connection_id,
        body,
        {
            "X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            "X-GitHub-Delivery": "72d3162e",
            "X-GitHub-Event": "push",
            "Content-Type": "text/plain",
            "Authorization": "Bearer abcdefghijklmnop1234",
        },
    )
    assert answer.status == 202
    [row] = await kept(desk, connection_id)
    assert (row.id, row.body, row.delivery_id, row.event) == (answer.json["id"], body, "72d3162e", "push")
    assert row.state is CallbackState.ACCEPTED
    assert "abcdefghijklmnop" not in json.dumps(dict(row.headers))
    assert {name.lower() for name in row.headers} >= {"x-github-delivery", "content-type"}


async def test_what_is_compressed_is_kept_and_verified_as_sent(desk: HttpDesk) -> None:
    import gzip

    connection_id = await github(desk)
    body = gzip.compress(b'{"a": 1}')
    headers = signed(body) | {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert (await post(desk, connection_id, body, headers)).status == 202
    [row] = await kept(desk, connection_id)
    assert row.body == body


async def test_a_repeat_is_the_same_callback(desk: HttpDesk) -> None:
    connection_id = await github(desk)
    first = await post(desk, connection_id, b"{}", signed(b"{}"))
    again = await post(desk, connection_id, b"{}", signed(b"{}"))
    other = await post(desk, connection_id, b"{}", signed(b"{}", **{"X-GitHub-Delivery": "d-2"}))
    assert (first.json["duplicate"], again.json, other.json["duplicate"]) == (
        False,
        {"id": first.json["id"], "duplicate": True},
        False,
    )
    assert sorted(row.duplicates for row in await kept(desk, connection_id)) == [0, 1]


async def test_without_an_id_nothing_is_taken_for_a_repeat(desk: HttpDesk) -> None:
    made = await desk.connection()
    answers = [await post(desk, made["id"], b"same", {}) for _ in range(2)]
    assert [answer.json["duplicate"] for answer in answers] == [False, False]
    assert len(await kept(desk, made["id"])) == 2


async def test_two_connections_do_not_share_delivery_ids(desk: HttpDesk) -> None:
    first, second = await github(desk), await github(desk, name="Other GitHub")
    assert (await post(desk, first, b"{}", signed(b"{}"))).json["duplicate"] is False
    assert (await post(desk, second, b"{}", signed(b"{}"))).json["duplicate"] is False


async def test_standard_webhooks_as_their_library_signs(desk: HttpDesk, clock: FakeClock) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    made = await desk.connection(verification={"scheme": "standard_webhooks"}, callback_secret=secret)
    body = '{"type":"record.received"}'

    def headers(message: str, at: datetime) -> dict[str, str]:
        return {
            "webhook-id": message,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(message, at, body),
        }

    assert (await post(desk, made["id"], body.encode(), headers("msg_1", clock.now()))).status == 202
    old = datetime(2020, 1, 1, tzinfo=UTC)
    assert (await post(desk, made["id"], body.encode(), headers("msg_2", old))).status == 401
    [rejected, accepted] = await kept(desk, made["id"])
    assert accepted.delivery_id == "msg_1"
    assert rejected.state is CallbackState.REJECTED


async def test_a_bad_signature_is_401_and_one_capped_row_with_the_reason(desk: HttpDesk) -> None:
    connection_id = await github(desk)
    body = b"x" * 10_000
    answer = await post(desk, connection_id, body, signed(body, "another secret"))
    assert answer.status == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    [row] = await kept(desk, connection_id)
    assert row.state is CallbackState.REJECTED
    assert row.reason
    assert row.body == body[:4096]
    assert (row.body_cut, row.size) == (True, 10_000)


async def test_a_forged_callback_does_not_shadow_the_genuine_one(desk: HttpDesk) -> None:
    connection_id = await github(desk)
    assert (await post(desk, connection_id, b"{}", signed(b"{}", "forged"))).status == 401
    answer = await post(desk, connection_id, b"{}", signed(b"{}"))
    assert (answer.status, answer.json["duplicate"]) == (202, False)


async def test_a_flood_of_forgeries_fills_no_disk(desk: HttpDesk, clock: FakeClock) -> None:
    connection_id = await github(desk)
    for _ in range(80):
        assert (await post(desk, connection_id, b"{}", signed(b"{}", "forged"))).status == 401
    assert len(await kept(desk, connection_id)) == 60
    clock.advance(60)
    assert (await post(desk, connection_id, b"{}", signed(b"{}", "forged"))).status == 401
    assert len(await kept(desk, connection_id)) == 61


async def test_unknown_disconnected_too_large_and_too_many(desk: HttpDesk) -> None:
    assert (await post(desk, "con_unknown", b"{}", {})).status == 404
    connection_id = await github(desk, callback_limit_per_minute=1)
    assert (await post(desk, connection_id, b"x" * 20_001, {})).status == 413
    assert (await post(desk, connection_id, b"{}", signed(b"{}"))).status == 202
    answer = await post(desk, connection_id, b"[]", signed(b"[]", **{"X-GitHub-Delivery": "d-2"}))
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) == 60
    assert len(await kept(desk, connection_id)) == 1
    await desk.ok("DELETE", f"/v1/connections/{connection_id}")
    assert (await post(desk, connection_id, b"{}", signed(b"{}"))).status == 404


async def test_a_store_that_cannot_write_is_503_and_nothing_is_kept(
    desk: HttpDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_id = await github(desk)
    assert (await post(desk, connection_id, b"{}", signed(b"{}"))).status == 202

    async def full(_callback: NewCallback) -> None:
        raise StoreUnavailable("the disk of db.example.org is full")

    with monkeypatch.context() as patch:
        patch.setattr(desk.engine.ctx.store, "accept_callback", full)
        headers = signed(b"{}", **{"X-GitHub-Delivery": "d-2"})
        answer = await post(desk, connection_id, b"{}", headers)
        assert answer.status == 503
        assert b"db.example.org" not in answer.body
        assert int(answer.headers["Retry-After"]) > 0
        assert (await post(desk, connection_id, b"{}", signed(b"{}", "forged"))).status == 401
    assert len(await kept(desk, connection_id)) == 1


async def test_a_rejected_callback_keeps_no_more_of_its_headers_than_is_of_use(desk: HttpDesk) -> None:
    connection_id = await github(desk)
    fat = {f"X-Fat-{number}": "v" * 8000 for number in range(100)}
    answer = await post(desk, connection_id, b"{}", {"X-GitHub-Event": "push", **fat})
    assert answer.status == 401
    [row] = await kept(desk, connection_id)
    told = dict(row.headers)
    assert told["X-GitHub-Event"] == "push"
    assert sum(len(name) + len(value) for name, value in told.items()) <= 8192


async def test_whoever_looks_at_the_address_uses_up_nothing_of_what_the_app_may_post(desk: HttpDesk) -> None:
    connection_id = await github(desk, callback_limit_per_minute=100)
    for _ in range(5):
        assert (await desk.ask("GET", f"/v1/callbacks/{connection_id}")).status == 200
    body = b"{}"
    statuses = [
        (await post(desk, connection_id, body, signed(body, **{"X-GitHub-Delivery": f"d-{each}"}))).status
        for each in range(101)
    ]
    assert statuses == [202] * 100 + [429]


async def test_a_secret_that_the_key_does_not_open_is_no_business_of_the_sender(desk: HttpDesk) -> None:
    connection_id = await github(desk)
    store = desk.engine.ctx.store
    other = {"callback_secret_enc": "of-another-key"}
    await store.write(lambda conn: connections.update(conn, connection_id, other))
    answer = await post(desk, connection_id, b"{}", signed(b"{}"))
    assert answer.status == 500
    assert str(desk.engine.ctx.vault.keys.path) not in answer.body.decode()
