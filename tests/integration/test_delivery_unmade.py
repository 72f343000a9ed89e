"""Records that nothing can be made of: they fail by themselves, before anything is sent, and can be opened and fixed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.harness.desk import Delivery, Desk
from tests.harness.serving import served_desk
from tests.integration.test_delivery import in_state
from tests.integration.test_delivery_methods import deliver_with

from healthdesk.api.fixes import FixGiven, FixResend
from healthdesk.domain.states import Environment, OnUnknown, RecordState
from healthdesk.testing import FakeEndpoint

HUGE = "1e400"
"""A number as it is posted: no double holds it."""
HALF = "\ud800"
"""Half of a surrogate pair: JSON can say it, UTF-8 cannot."""


@pytest.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint() as server:
        yield server


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with served_desk(tmp_path / "desk", HEALTHDESK_DELIVERY__SCHEDULE="0s,1h,1h") as running:
        yield running


async def post(delivery: Delivery, value: Any) -> str:
    """Post a record with `value` as its data's `v`; HUGE stands there as a number."""
    body = {
        "source": delivery.source,
        "level": "low",
        "completed_at": "2026-11-22T14:02:00Z",
        "data": {"v": value},
    }
    sent = json.dumps(body).replace(f'"{HUGE}"', HUGE)
    async with (
        aiohttp.ClientSession() as http,
        http.post(delivery.url, headers=delivery.headers, data=sent) as answer,
    ):
        assert answer.status == 202, await answer.text()
        return str((await answer.json())["id"])


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("xml", {"1bad": 1}),
        ("xml", "a\x01"),
        ("xml", HALF),
        ("xml", HUGE),
        ("json", HALF),
        ("json", HUGE),
    ],
    ids=["xml-name", "xml-control", "xml-half", "xml-huge", "json-half", "json-huge"],
)
async def test_a_record_that_a_batch_cannot_be_made_with_keeps_no_other_from_going(
    desk: Desk, endpoint: FakeEndpoint, body: str, wrong: Any
) -> None:
    batch = {"size": 4, "wait_s": 5}
    delivery = await deliver_with(
        desk, endpoint, on_unknown=OnUnknown.HOLD, delivery={"body": body, "batch": batch}
    )
    async with desk.client() as client:
        await client.integration_pause(delivery.integration_id, Environment.PRODUCTION)
        good, bad, more, last = [await post(delivery, each) for each in ("a", wrong, "b", "c")]
        await client.integration_resume(delivery.integration_id, Environment.PRODUCTION)
    for record_id in (good, more, last):
        assert len((await in_state(desk, record_id, RecordState.DELIVERED)).attempts) == 1
    failed = await in_state(desk, bad, RecordState.FAILED, RecordState.UNKNOWN)
    assert failed.state is RecordState.FAILED
    assert failed.error.startswith("Nothing was sent: ")
    [request] = await endpoint.wait_for(1)
    quotes = {"xml": "<v>{}</v>", "json": '"v":"{}"'}[body]
    assert [request.body.count(quotes.format(each).encode()) for each in "abc"] == [1, 1, 1]


@pytest.mark.parametrize(
    ("settings", "wrong", "why"),
    [
        ({"path": "/p/{data.v}"}, HUGE, "too large to be written"),
        ({"path": "/p?v={data.v}"}, HUGE, "too large to be written"),
        ({"headers": {"X-V": "v {data.v}"}}, HUGE, "too large to be written"),
        ({"delivery": {"body": "form"}}, HUGE, "at v a number"),
        ({"delivery": {"body": "xml"}}, HUGE, "at record.v a number"),
        (
            {"delivery": {"mapping": [{"do": "set", "path": "w", "value": "w {data.v}"}]}},
            HUGE,
            "too large to be written",
        ),
        (
            {"delivery": {"mapping": [{"do": "format", "path": "v", "how": "text"}]}},
            HUGE,
            "the value at v cannot be written as text",
        ),
        ({"path": "/p/{data.v}"}, HALF, "the record's v holds half of a character"),
        ({"path": "/p?v={data.v}"}, HALF, "the record's v holds half of a character"),
        ({"headers": {"X-V": "{data.v}"}}, HALF, "the header X-V holds half of a character"),
    ],
)
async def test_it_fails_at_once_without_a_request_and_can_be_opened_and_fixed(
    desk: Desk, endpoint: FakeEndpoint, settings: dict[str, Any], wrong: str, why: str
) -> None:
    delivery = await deliver_with(desk, endpoint, **settings)
    record_id = await post(delivery, wrong)
    failed = await in_state(desk, record_id, RecordState.FAILED, RecordState.RETRYING, RecordState.UNKNOWN)
    assert failed.state is RecordState.FAILED
    assert failed.error.startswith("Nothing was sent: ")
    assert why in failed.error
    assert endpoint.requests == []
    async with desk.client() as client:
        shown = await client.record(record_id)
        assert shown.explanation is not None
        steps = [{"do": "set", "path": "v", "value": "good"}]
        preview = await client.record_fix_preview(record_id, FixGiven.model_validate({"mapping": steps}))
        assert preview.changed
        await client.record_fix(record_id, FixResend.model_validate({"mapping": steps}))
    await in_state(desk, record_id, RecordState.DELIVERED)
    assert len(endpoint.requests) == 1
