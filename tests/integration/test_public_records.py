"""`POST /v1/records/{integration_id}` over a real socket and a real store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_desk import Accept, Answer, Delivery, HttpDesk, http_desk, intercept, record

from healthdesk.domain.states import RecordState
from healthdesk.errors import StoreUnavailable
from healthdesk.store import records as queries
from healthdesk.store.rows import AcceptedRecord, NewRecord, RecordQuery
from healthdesk.testing import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def desk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=clock, SECURITY__MAX_BODY_BYTES="20000") as made:
        yield made


@pytest.fixture
async def delivery(desk: HttpDesk) -> Delivery:
    return await desk.delivery()


async def stored(desk: HttpDesk) -> int:
    row = await desk.engine.ctx.store.read(queries.count, RecordQuery())
    return row.total


def problem(answer: Answer, status: int, field: str | None = None) -> dict[str, Any]:
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Healthdesk-Api-Version"] == "1"
    body: dict[str, Any] = answer.json
    assert body["status"] == status
    if field is not None:
        assert body.get("field") == field, body
    return body


async def test_an_accepted_record_is_on_disk_byte_for_byte_and_woken(
    desk: HttpDesk, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[Any] = []
    monkeypatch.setattr(desk.engine, "wake", lambda *args: woken.append(args))
    body = b' {"source":"heart", "completed_at":"2026-03-02T09:00:00Z",\n "data" : {"b": 1.0, "a" :"\\u00e9 \xc3\xa9"} }'
    answer = await delivery.post(body)
    assert answer.status == 202
    assert answer.json["duplicate"] is False
    row = await desk.engine.ctx.store.read(queries.body, answer.json["id"])
    assert row is not None
    assert row.body == body
    assert row.data == b'{"b": 1.0, "a" :"\\u00e9 \xc3\xa9"}'
    assert [str(args[1]) for args in woken] == ["production"]
    shown = await desk.engine.ctx.store.read(queries.get, answer.json["id"])
    assert (shown.state, shown.source, shown.idempotency_key) == (RecordState.QUEUED, "heart", None)


async def test_the_same_key_and_body_is_the_same_record_and_another_body_a_conflict(
    desk: HttpDesk, delivery: Delivery
) -> None:
    headers = {"Idempotency-Key": "order-1"}
    first = await delivery.post(headers=headers)
    again = await delivery.post(headers=headers)
    assert (first.status, again.status) == (202, 202)
    assert again.json == {"id": first.json["id"], "duplicate": True}
    body = problem(await delivery.post(record(level="x"), headers=headers), 409)
    assert body["type"].endswith("/idempotency-conflict")
    assert await stored(desk) == 1


@pytest.mark.parametrize("chunked", [False, True], ids=["at once", "usual way"])
async def test_a_repeat_gets_the_first_answer_though_its_source_has_changed(
    desk: HttpDesk, delivery: Delivery, *, chunked: bool
) -> None:
    headers = {"Idempotency-Key": "order-1"}

    async def sent(body: Any, headers: dict[str, str]) -> Answer:
        return await delivery.post(body, headers=headers, **({"chunked": True} if chunked else {}))

    first = await sent(record(), headers)
    assert first.json["duplicate"] is False
    fields = [{"name": "risk", "type": "string", "required": True}]
    await desk.ok("PATCH", "/v1/sources/heart", {"fields": fields})
    again = await sent(record(), headers)
    assert (again.status, again.json) == (202, {"id": first.json["id"], "duplicate": True})
    problem(await sent(record(), {}), 400, "data")
    problem(await sent(record(), {"Idempotency-Key": "order-2"}), 400, "data")
    problem(await sent(record(level="x"), headers), 400, "data")
    await desk.ok("POST", "/v1/sources/heart/enable", {"integration_id": delivery.id, "enabled": False})
    again = await sent(record(), headers)
    assert (again.status, again.json) == (202, {"id": first.json["id"], "duplicate": True})
    assert await stored(desk) == 1


async def test_many_at_once_with_one_idempotency_key_are_one_record(
    desk: HttpDesk, delivery: Delivery
) -> None:
    answers = await asyncio.gather(*(delivery.post(headers={"Idempotency-Key": "k"}) for _ in range(20)))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert sum(not answer.json["duplicate"] for answer in answers) == 1
    assert await stored(desk) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", None),
        (b"[]", None),
        (b"{", None),
        (b"\xff\xfe{}", None),
        (b'{"source":"heart","completed_at":"2026-03-02T09:00:00Z","data":{"a":"\xff"}}', None),
        (json.dumps({"source": "heart", "data": {}}).encode(), "completed_at"),
        (json.dumps(record(completed_at="yesterday")).encode(), "completed_at"),
        (json.dumps(record(completed_at="2026-03-02T09:00:00")).encode(), "completed_at"),
        (json.dumps(record(source=7)).encode(), "source"),
        (json.dumps(record(source="sleep")).encode(), "source"),
        (json.dumps(record(level=["x"])).encode(), "level"),
        (b'{"source":"heart","completed_at":"2026-03-02T09:00:00Z","data":NaN}', "data"),
        (
            b'{"source":"heart","completed_at":"2026-03-02T09:00:00Z","data":'
            + b"[" * 9000
            + b"]" * 9000
            + b"}",
            "data",
        ),
        (json.dumps(record(extra=1)).encode(), None),
    ],
)
async def test_what_is_malformed_is_400_naming_the_field_and_nothing_is_stored(
    desk: HttpDesk, delivery: Delivery, body: bytes, field: str | None
) -> None:
    problem(await delivery.post(body), 400, field)
    assert await stored(desk) == 0


async def test_no_key_a_wrong_one_and_another_integrations_are_refused(
    desk: HttpDesk, delivery: Delivery
) -> None:
    path = f"/v1/records/{delivery.id}"
    answer = await desk.ask("POST", path, data=b"{}", headers={"Content-Type": "application/json"})
    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    for wrong in ("hdk_wrong", "", "x" * 600):
        problem(await delivery.post(key=wrong or " "), 401)
    problem(await delivery.post(headers={"Authorization": f"Basic {delivery.key}"}), 401)
    auth = {"Authorization": f"Bearer {delivery.key}", "Content-Type": "application/json"}
    problem(await desk.ask("POST", "/v1/records/int_other", json=record(), headers=auth), 404)
    # Whoever has no key does not learn which integrations there are.
    problem(await desk.ask("POST", "/v1/records/int_other", json=record()), 401)
    assert await stored(desk) == 0


async def test_a_replaced_key_ends_with_its_overlap_and_at_once_without(
    desk: HttpDesk, delivery: Delivery, clock: FakeClock
) -> None:
    assert (await delivery.post()).status == 202
    path = f"/v1/integrations/{delivery.id}/keys"
    second = await desk.ok("POST", path, {"overlap_s": 60})
    assert second["replaces_until"] is not None
    assert (await delivery.post()).status == 202
    clock.advance(61)
    problem(await delivery.post(), 401)
    assert (await delivery.post(key=second["secret"])).status == 202
    third = await desk.ok("POST", path, {})
    problem(await delivery.post(key=second["secret"]), 401)
    assert (await delivery.post(key=third["secret"])).status == 202


async def test_a_key_ends_to_the_moment_however_fresh_it_is_in_memory(
    desk: HttpDesk, delivery: Delivery, clock: FakeClock
) -> None:
    await desk.ok("POST", f"/v1/integrations/{delivery.id}/keys", {"overlap_s": 1})
    clock.advance(0.6)
    assert (await delivery.post()).status == 202
    clock.advance(0.5)
    problem(await delivery.post(), 401)


async def test_a_source_that_is_disabled_is_refused_at_once(desk: HttpDesk, delivery: Delivery) -> None:
    assert (await delivery.post()).status == 202
    await desk.ok("POST", "/v1/sources/heart/enable", {"integration_id": delivery.id, "enabled": False})
    assert "sources enable" in problem(await delivery.post(), 400, "source")["fix"]


async def test_a_change_another_daemon_makes_is_seen_within_two_seconds(
    desk: HttpDesk, delivery: Delivery, clock: FakeClock
) -> None:
    from healthdesk.store import sources

    assert (await delivery.post()).status == 202
    await desk.engine.ctx.store.write(sources.enable, delivery.source_id, delivery.id, False)
    clock.advance(2)
    problem(await delivery.post(), 400, "source")


async def test_levels_and_fields_of_the_source_are_checked_without_repeating_values(
    desk: HttpDesk, delivery: Delivery
) -> None:
    await desk.ok(
        "PATCH",
        "/v1/sources/heart",
        {
            "levels": ["low", "high"],
            "fields": [
                {"name": "score", "type": "integer", "required": True},
                {"name": "risk", "required": True},
            ],
        },
    )
    problem(await delivery.post(), 400, "level")
    problem(await delivery.post(record(level="medium")), 400, "level")
    body = problem(await delivery.post(record(level="low", data={"score": "Ada Lovelace"})), 400, "data")
    assert "score" in body["detail"]
    assert "risk" in body["detail"]
    assert "Ada" not in json.dumps(body)
    assert (await delivery.post(record(level="low", data={"score": 1, "risk": "x"}))).status == 202
    assert await stored(desk) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/json; charset=latin-1"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "application/vnd.hra+json"}, 202),
        ({"Content-Type": 'application/json; charset="UTF-8"'}, 202),
        ({"Idempotency-Key": ""}, 400),
        ({"Idempotency-Key": "k" * 256}, 400),
        ({"Idempotency-Key": "k" * 255}, 202),
        ({"Expect": "200-ok"}, 417),
    ],
)
async def test_headers_decide(delivery: Delivery, headers: dict[str, str], status: int) -> None:
    answer = await delivery.post(headers=headers)
    assert answer.status == status, answer.body
    if status != 202:
        problem(answer, status)


async def test_who_expects_a_continue_gets_it(delivery: Delivery) -> None:
    assert (await delivery.post(expect100=True)).status == 202


async def test_too_large_is_413_announced_or_streamed(desk: HttpDesk, delivery: Delivery) -> None:
    big = json.dumps(record(data="x" * 30_000)).encode()
    problem(await delivery.post(big), 413)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(big), 4096):
            yield big[start : start + 4096]

    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {delivery.key}"}
    problem(await desk.ask("POST", f"/v1/records/{delivery.id}", data=chunks(), headers=headers), 413)
    assert await stored(desk) == 0
    fits = json.dumps(record(data="x" * 19_000)).encode()
    assert (await delivery.post(fits)).status == 202


async def test_a_body_announced_too_large_is_not_waited_for(desk: HttpDesk, delivery: Delivery) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
    head = (
        f"POST /v1/records/{delivery.id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {delivery.key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 20001\r\n\r\n"
    )
    writer.write(head.encode())
    async with asyncio.timeout(60):
        assert b" 413 " in await reader.readline()
    writer.close()


async def test_a_body_in_chunks_is_one_record(desk: HttpDesk, delivery: Delivery) -> None:
    raw = json.dumps(record()).encode()

    async def chunks() -> AsyncIterator[bytes]:
        for byte in raw:
            yield bytes([byte])

    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {delivery.key}"}
    answer = await desk.ask("POST", f"/v1/records/{delivery.id}", data=chunks(), headers=headers)
    assert answer.status == 202
    row = await desk.engine.ctx.store.read(queries.body, answer.json["id"])
    assert row is not None
    assert row.body == raw


async def test_over_the_limit_is_429_with_the_time_to_wait(
    desk: HttpDesk, delivery: Delivery, clock: FakeClock
) -> None:
    await desk.ok("PATCH", f"/v1/integrations/{delivery.id}", {"production": {"accept_limit_per_minute": 2}})
    assert [(await delivery.post()).status for _ in range(2)] == [202, 202]
    answer = await delivery.post()
    problem(answer, 429)
    assert answer.headers["Retry-After"] == "30"
    clock.advance(30)
    assert (await delivery.post()).status == 202
    await desk.ok(
        "PATCH", f"/v1/integrations/{delivery.id}", {"production": {"accept_limit_per_minute": None}}
    )
    assert [(await delivery.post()).status for _ in range(5)] == [202] * 5


async def test_while_paused_records_are_taken_and_held(desk: HttpDesk, delivery: Delivery) -> None:
    await desk.ok("POST", f"/v1/integrations/{delivery.id}/pause", {})
    answer = await delivery.post()
    assert answer.status == 202
    row = await desk.engine.ctx.store.read(queries.get, answer.json["id"])
    assert row.state is RecordState.HELD
    assert row.hold_reason is not None
    assert row.hold_reason.value == "paused"


async def test_a_store_that_cannot_write_is_503_and_nothing_is_stored(
    desk: HttpDesk, delivery: Delivery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await delivery.post()).status == 202

    async def full(_new: NewRecord, _accept: Accept) -> AcceptedRecord:
        raise StoreUnavailable("the disk of db.example.org is full", fix="ask db.example.org")

    with monkeypatch.context() as patch:
        intercept(patch, desk.engine.ctx.store, full)
        answer = await delivery.post()
        assert "db.example.org" not in json.dumps(problem(answer, 503))
        assert "db.example.org" in caplog.text
        assert int(answer.headers["Retry-After"]) > 0
    assert await stored(desk) == 1
    assert (await delivery.post()).status == 202


async def test_a_fault_of_ours_is_500_and_says_nothing(
    desk: HttpDesk, delivery: Delivery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_new: NewRecord, _accept: Accept) -> AcceptedRecord:
        raise RuntimeError("Grace Hopper")

    intercept(monkeypatch, desk.engine.ctx.store, broken)
    answer = await delivery.post()
    problem(answer, 500)
    assert b"Grace" not in answer.body
    assert "Grace" in caplog.text


async def test_both_environments_have_their_own_key_and_log(desk: HttpDesk, delivery: Delivery) -> None:
    other = await desk.connection(name="CRM test")
    await desk.ok("PATCH", f"/v1/integrations/{delivery.id}", {"testing": {"connection_id": other["id"]}})
    key = await desk.ok("POST", f"/v1/integrations/{delivery.id}/keys", {"environment": "testing"})
    answer = await delivery.post(key=key["secret"])
    assert answer.status == 202
    assert (await desk.ok("GET", f"/v1/records/{answer.json['id']}"))["environment"] == "testing"
    assert (await delivery.post()).status == 202
