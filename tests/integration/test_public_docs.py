"""What docs/http.md tells upstream systems and apps to run is run here, against a desk."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_desk import Accept, HttpDesk, http_desk, intercept, record

from healthdesk.domain.signing import sign
from healthdesk.store.rows import AcceptedRecord, NewRecord


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path) as made:
        yield made


def example(repository: Path, name: str, function: str) -> Callable[..., Any]:
    """Return a function of the page."""
    text = (repository / "docs" / "http.md").read_text(encoding="utf-8")
    found = re.search(rf"```python {name}\n(.*?)```", text, re.DOTALL)
    assert found, name
    names: dict[str, Any] = {}
    exec(compile(found[1], "docs/http.md", "exec"), names)
    made: Callable[..., Any] = names[function]
    return made


async def test_the_example_posts_a_record_once(desk: HttpDesk, repository: Path) -> None:
    post = example(repository, "post_record", "post_record")
    delivery = await desk.delivery()
    url = f"{desk.url}/v1/records/{delivery.id}"
    first = await asyncio.to_thread(post, url, delivery.key, "submission-1", record())
    again = await asyncio.to_thread(post, url, delivery.key, "submission-1", record())
    assert first == again
    assert (await desk.ok("GET", "/v1/records/count"))["total"] == 1
    with pytest.raises(ValueError, match="source"):
        await asyncio.to_thread(post, url, delivery.key, "submission-2", record(source="nosuch"))


async def test_the_example_posts_again_when_told_to_wait(
    desk: HttpDesk, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from healthdesk.errors import StoreUnavailable

    post = example(repository, "post_record", "post_record")
    delivery = await desk.delivery()
    waits: list[float] = []
    monkeypatch.setattr(post.__globals__["time"], "sleep", waits.append)
    calls = 0

    async def full_at_first(new: NewRecord, accept: Accept) -> AcceptedRecord:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise StoreUnavailable("the disk is full")
        return await accept(new)

    intercept(monkeypatch, desk.engine.ctx.store, full_at_first)
    url = f"{desk.url}/v1/records/{delivery.id}"
    await asyncio.to_thread(post, url, delivery.key, "submission-1", record())
    assert waits == [5]


async def test_the_example_signs_callbacks(desk: HttpDesk, repository: Path) -> None:
    post = example(repository, "sign_callback", "post_callback")
    made = await desk.connection(
        verification={
            "scheme": "hmac",
            "header": "X-Signature",
            "prefix": "sha256=",
            "id_header": "X-Delivery",
            "event_header": "X-Event",
        },
        callback_secret="a secret of both",
    )
    url = f"{desk.url}/v1/callbacks/{made['id']}"
    assert await asyncio.to_thread(post, url, "a secret of both", "d-1", "record.received", b"{}") == 202
    [row] = (await desk.ok("GET", "/v1/callbacks"))["items"]
    assert (row["delivery_id"], row["event"], row["state"]) == ("d-1", "record.received", "accepted")


async def test_the_example_verifies_what_the_desk_signs(desk: HttpDesk, repository: Path) -> None:
    read = example(repository, "verify_delivery", "read_delivery")
    delivery = await desk.delivery()
    made = await desk.ok("POST", f"/v1/integrations/{delivery.id}/signing-secrets", {})
    body, now = json.dumps({"score": 71}).encode(), int(desk.engine.ctx.clock.now().timestamp())
    headers = {
        "webhook-id": "rec_1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign([made["secret"]], "rec_1", now, body),
    }
    assert read(made["secret"], headers, body) == {"score": 71}
