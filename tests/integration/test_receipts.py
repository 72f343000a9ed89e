"""`POST /v1/receipts/{integration_id}`: verified, on disk and in effect before it is answered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook
from tests.integration.http_desk import Answer, Delivery, HttpDesk, http_desk

from healthdesk.domain.states import AttemptOutcome, Environment, RecordState
from healthdesk.store.rows import EnvWant, Settlement
from healthdesk.testing import FakeClock

RECEIPT = {"deadline_s": 600}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def desk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=clock, SECURITY__MAX_BODY_BYTES="20000") as made:
        yield made


async def awaiting(desk: HttpDesk, delivery: Delivery, environment: Environment) -> str:
    """One record that the endpoint answered with 202."""
    key = await desk.ok("POST", f"/v1/integrations/{delivery.id}/keys", {"environment": environment.value})
    posted = (await delivery.post(key=key["secret"])).json
    store, now = desk.engine.ctx.store, desk.engine.ctx.clock.now()
    want = EnvWant(delivery.id, environment, 1)
    (claimed,) = (await store.settle_and_claim([], [want], now=now)).claimed
    assert claimed.id == posted["id"]
    settled = Settlement(
        attempt_id=claimed.attempt_id,
        record_id=claimed.id,
        integration_id=claimed.integration_id,
        environment=environment,
        outcome=AttemptOutcome.DELIVERED,
        state=RecordState.AWAITING_RECEIPT,
        next_at=now + timedelta(minutes=10),
        finished_at=now,
        exchange=None,
        failure=None,
        problem=None,
        tries=1,
    )
    await store.settle_and_claim([settled], [], now=now)
    return claimed.id


async def set_up(desk: HttpDesk, **receipt: Any) -> tuple[Delivery, str]:
    """An integration whose production awaits receipts, and the secret that proves them."""
    delivery = await desk.delivery(delivery={"receipt": {**RECEIPT, **receipt}})
    return delivery, await secret_of(desk, delivery)


async def secret_of(desk: HttpDesk, delivery: Delivery, **choice: Any) -> str:
    made = await desk.ok("POST", f"/v1/integrations/{delivery.id}/receipt-secrets", choice)
    return str(made["secret"])


async def state_of(desk: HttpDesk, record_id: str) -> str:
    return str((await desk.ok("GET", f"/v1/records/{record_id}"))["state"])


async def kept(desk: HttpDesk, delivery: Delivery) -> list[dict[str, Any]]:
    page = await desk.ok("GET", f"/v1/callbacks?integration_id={delivery.id}")
    return list(page["items"])


def signed(clock: FakeClock, secret: str, body: bytes, msg_id: str = "msg_1") -> dict[str, str]:
    at = clock.now()
    return {
        "webhook-id": msg_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(msg_id, at, body.decode()),
    }


async def post(desk: HttpDesk, delivery: Delivery, body: bytes, headers: dict[str, str]) -> Answer:
    return await desk.ask("POST", f"/v1/receipts/{delivery.id}", data=body, headers=headers)


def told(record_id: str, status: str = "delivered", **more: Any) -> bytes:
    return json.dumps({"webhook_id": record_id, "status": status, **more}).encode()


async def test_a_receipt_is_in_effect_before_it_is_answered(desk: HttpDesk, clock: FakeClock) -> None:
    delivery, secret = await set_up(desk)
    record_id = await awaiting(desk, delivery, Environment.PRODUCTION)
    body = told(record_id)
    answer = await post(desk, delivery, body, signed(clock, secret, body))
    assert (answer.status, answer.json["duplicate"]) == (202, False)
    assert await state_of(desk, record_id) == "delivered"
    again = await post(desk, delivery, body, signed(clock, secret, body))
    assert (again.status, again.json) == (202, {"id": answer.json["id"], "duplicate": True})
    (receipt,) = await kept(desk, delivery)
    assert (receipt["state"], receipt["event"], receipt["duplicates"]) == ("processed", "delivered", 1)
    assert (receipt["integration_id"], receipt["environment"], receipt["records"]) == (
        delivery.id,
        "production",
        [record_id],
    )
    shown = await desk.ok("GET", f"/v1/records/{record_id}")
    assert [(each["kind"], each["sentence"]) for each in shown["events"]] == [
        ("receipt", "The endpoint confirmed it.")
    ]


async def test_a_failure_is_told_without_values_and_its_body_is_masked(
    desk: HttpDesk, clock: FakeClock
) -> None:
    delivery, secret = await set_up(desk)
    record_id = await awaiting(desk, delivery, Environment.PRODUCTION)
    body = told(record_id, "rejected", error="no plan for Grace Hopper with score 71")
    await post(desk, delivery, body, signed(clock, secret, body))
    shown = await desk.ok("GET", f"/v1/records/{record_id}")
    assert shown["state"] == "failed"
    said = json.dumps([shown["error"], shown["events"], shown["explanation"]])
    assert "no plan for" in said
    assert not any(value in said for value in ("Grace", "Hopper", "score 71"))
    (problem,) = (await desk.ok("GET", "/v1/problems"))["items"]
    assert (problem["blame"], problem["count"]) == ("them", 1)
    assert "Grace" not in json.dumps(problem)
    (receipt,) = await kept(desk, delivery)
    masked = await desk.ok("GET", f"/v1/callbacks/{receipt['id']}")
    assert "Grace" not in json.dumps(masked)
    revealed = await desk.ok("POST", f"/v1/callbacks/{receipt['id']}/reveal")
    assert revealed["body"]["text"].encode() == body


async def test_a_forged_receipt_is_refused_and_changes_nothing(desk: HttpDesk, clock: FakeClock) -> None:
    delivery, secret = await set_up(desk)
    record_id = await awaiting(desk, delivery, Environment.PRODUCTION)
    body = told(record_id)
    forged = signed(clock, "whsec_" + base64.b64encode(b"x" * 32).decode(), body)
    answer = await post(desk, delivery, body, forged)
    assert (answer.status, answer.json["title"]) == (401, "Not authenticated")
    assert (await post(desk, delivery, body, {})).status == 401
    clock.advance(3600)
    good = signed(clock, secret, body)
    clock.advance(301)
    assert (await post(desk, delivery, body, good)).status == 401, "a receipt cannot be sent again later"
    assert await state_of(desk, record_id) == "awaiting_receipt"
    rejected = await kept(desk, delivery)
    assert [each["state"] for each in rejected] == ["rejected"] * 3
    assert [each["reason"] for each in rejected] == [
        "It was signed more than 5 minutes ago (by the clock here).",
        "The header webhook-id is missing.",
        "The signature does not match.",
    ]
    assert {each["environment"] for each in rejected} == {None}


async def test_both_secrets_are_good_while_they_overlap(desk: HttpDesk, clock: FakeClock) -> None:
    delivery, old = await set_up(desk)
    new = await secret_of(desk, delivery, overlap_s=600)
    for number, secret in enumerate((old, new)):
        record_id = await awaiting(desk, delivery, Environment.PRODUCTION)
        body = told(record_id)
        answer = await post(desk, delivery, body, signed(clock, secret, body, f"msg_{number}"))
        assert answer.status == 202
        assert await state_of(desk, record_id) == "delivered"
    listed = await desk.ok("GET", f"/v1/integrations/{delivery.id}/receipt-secrets")
    assert [bool(each["expires_at"]) for each in listed] == [False, True]
    assert new not in json.dumps(listed)
    clock.advance(601)
    body = told("rec_x")
    assert (await post(desk, delivery, body, signed(clock, old, body, "msg_3"))).status == 401
    assert (await post(desk, delivery, body, signed(clock, new, body, "msg_3"))).status == 202


async def test_what_testing_confirms_is_nothing_of_production(desk: HttpDesk, clock: FakeClock) -> None:
    delivery, production = await set_up(desk)
    other = await desk.connection(name="CRM test")
    settings = {"connection_id": other["id"], "delivery": {"receipt": RECEIPT}}
    await desk.ok("PATCH", f"/v1/integrations/{delivery.id}", {"testing": settings})
    testing = await secret_of(desk, delivery, environment="testing")
    real = await awaiting(desk, delivery, Environment.PRODUCTION)
    trial = await awaiting(desk, delivery, Environment.TESTING)
    body = told(real)
    assert (await post(desk, delivery, body, signed(clock, testing, body))).status == 202
    assert await state_of(desk, real) == "awaiting_receipt"
    for record_id, secret in ((trial, testing), (real, production)):
        body = told(record_id)
        assert (await post(desk, delivery, body, signed(clock, secret, body, "msg_2"))).status == 202
        assert await state_of(desk, record_id) == "delivered"
    environments = [each["environment"] for each in await kept(desk, delivery)]
    assert environments == ["production", "testing", "testing"]


async def test_receipts_have_the_limits_of_callbacks(desk: HttpDesk, clock: FakeClock) -> None:
    delivery, secret = await set_up(desk)
    edit = {"callback_limit_per_minute": 2}
    await desk.ok("PATCH", f"/v1/connections/{delivery.connection_id}", edit)
    statuses = []
    for number in range(3):
        body = told("rec_x")
        statuses.append((await post(desk, delivery, body, signed(clock, secret, body, f"m{number}"))).status)
        await post(desk, delivery, body, {})  # a stranger uses up nothing of it
    assert statuses == [202, 202, 429]
    large = told("rec_x", text="x" * 20_000)
    assert (await post(desk, delivery, large, signed(clock, secret, large))).status == 413


async def test_who_awaits_no_receipts_takes_none(desk: HttpDesk) -> None:
    delivery = await desk.delivery()
    assert (await post(desk, delivery, b"{}", {})).status == 404
    assert (await desk.ask("POST", "/v1/receipts/int_nobody", data=b"{}")).status == 404
    assert (await desk.ask("GET", f"/v1/receipts/{delivery.id}")).status == 405


def in_hex(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def in_basic(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


SCHEMES: list[tuple[str, dict[str, str], Any]] = [
    ("bearer", {}, lambda secret, _: {"Authorization": f"Bearer {secret}"}),
    ("basic", {}, lambda secret, _: {"Authorization": f"Basic {in_basic(secret)}"}),
    ("token", {"header": "X-Token"}, lambda secret, _: {"X-Token": secret}),
    (
        "hmac",
        {"header": "X-Sign", "prefix": "v1=", "id_header": "X-Id"},
        lambda secret, body: {"X-Sign": f"v1={in_hex(secret, body)}", "X-Id": "7"},
    ),
    ("github", {}, lambda secret, body: {"X-Hub-Signature-256": f"sha256={in_hex(secret, body)}"}),
]


@pytest.mark.parametrize(("scheme", "signature", "sign"), SCHEMES, ids=[each[0] for each in SCHEMES])
async def test_every_scheme_of_callbacks_proves_receipts(
    desk: HttpDesk, scheme: str, signature: dict[str, str], sign: Any
) -> None:
    delivery, secret = await set_up(desk, scheme=scheme, signature=signature)
    record_id = await awaiting(desk, delivery, Environment.PRODUCTION)
    body = told(record_id)
    assert (await post(desk, delivery, body, sign("somebody:else", body))).status == 401
    assert (await post(desk, delivery, body, sign(secret, body))).status == 202
    assert await state_of(desk, record_id) == "delivered"


async def test_a_secret_of_the_endpoints_own_is_kept_and_not_shown(desk: HttpDesk, clock: FakeClock) -> None:
    delivery, _ = await set_up(desk, scheme="bearer")
    made = await desk.ok(
        "POST", f"/v1/integrations/{delivery.id}/receipt-secrets", {"secret": "made by the endpoint"}
    )
    assert (made["secret"], made["hint"]) == ("", "••••oint")
    body = told("rec_x")
    answer = await post(desk, delivery, body, {"Authorization": "Bearer made by the endpoint"})
    assert answer.status == 202
    shown = await desk.ok("GET", f"/v1/integrations/{delivery.id}")
    assert shown["environments"][0]["receipt_secret_hint"] == "••••oint"
    assert shown["receipts_url"].endswith(f"/v1/receipts/{delivery.id}")
    assert "made by the endpoint" not in json.dumps(await desk.ok("GET", "/v1/activity"))
    standard, _ = await set_up_second(desk)
    wrong = await desk.call(
        "POST", f"/v1/integrations/{standard}/receipt-secrets", {"secret": "no such secret"}
    )
    assert wrong.status == 400
    clock.advance(1)


async def set_up_second(desk: HttpDesk) -> tuple[str, str]:
    connection = await desk.connection(name="Other")
    made = await desk.ok(
        "POST",
        "/v1/integrations",
        {
            "name": "Other",
            "production": {"connection_id": connection["id"], "delivery": {"receipt": RECEIPT}},
        },
    )
    return str(made["id"]), str(connection["id"])


@pytest.mark.parametrize(
    ("delivery", "field"),
    [
        ({"receipt": {"scheme": "none"}}, "receipt.scheme"),
        ({"receipt": {"statuses": [202, 404]}}, "receipt.statuses"),
        ({"receipt": {"scheme": "hmac", "signature": {"heder": "X"}}}, "receipt.signature"),
        ({"receipt": {"scheme": "hmac", "signature": {"signed": "{url}"}}}, "receipt.signature.signed"),
        ({"receipt": {"delivered": []}}, "receipt.delivered"),
        ({"receipt": {"failed": ["OK"]}}, "receipt.failed"),
        ({"receipt": {"id": "a["}}, "receipt.id"),
        ({"lookup": {"path": "/x", "method": "HEAD", "found": "id"}}, "lookup.found"),
        ({"lookup": {"path": "/x", "body": "{{}}"}}, "lookup.body"),
        ({"lookup": {"path": "/{nobody}"}}, "lookup.path"),
    ],
)
async def test_settings_that_could_never_work_are_refused_when_they_are_saved(
    desk: HttpDesk, delivery: dict[str, Any], field: str
) -> None:
    connection = await desk.connection()
    answer = await desk.call(
        "POST",
        "/v1/integrations",
        {"name": "CRM", "production": {"connection_id": connection["id"], "delivery": delivery}},
    )
    assert answer.status == 400, answer.body
    assert f"production.delivery.{field}" in answer.body.decode()


async def test_a_settled_record_is_not_moved_by_a_receipt_that_came_too_late(
    desk: HttpDesk, clock: FakeClock
) -> None:
    delivery, secret = await set_up(desk)
    record_id = await awaiting(desk, delivery, Environment.PRODUCTION)
    for number, (status, after) in enumerate(
        (("failed", "failed"), ("delivered", "delivered"), ("failed", "delivered"))
    ):
        body = told(record_id, status)
        await post(desk, delivery, body, signed(clock, secret, body, f"m{number}"))
        assert await state_of(desk, record_id) == after
    assert (await kept(desk, delivery))[0]["reason"] == "The record was delivered already."
