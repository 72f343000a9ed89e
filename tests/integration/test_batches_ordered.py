"""Batches where records of one key go in order: none overtakes another, within a batch or across batches."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.harness.desk import Desk
from tests.harness.serving import served_desk
from tests.integration.engine_desk import QUICK, counted
from tests.integration.test_delivery_batches import computed, post_held
from tests.integration.test_delivery_methods import deliver_with

from healthdesk.testing import Behaviour, FakeEndpoint, reply
from healthdesk.testing.faults import SeenRequest

PATIENT = QUICK | {"HEALTHDESK_DELIVERY__SCHEDULE": "0s" + ",0.05s" * 20}
DELIVERY = {
    "mapping": [{"do": "set", "path": "key", "value": "{webhook_id}"}],
    "order": {"key": "who"},
    "batch": {
        "size": 4,
        "wait_s": 0.05,
        "results": "results",
        "result_id": "id",
        "result_status": "status",
    },
}


@pytest.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint() as server:
        yield server


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with served_desk(tmp_path / "desk", **PATIENT) as running:
        yield running


class Receiver:
    """Takes the records of a batch one by one; the first try of every other one fails, and one in five is refused whole."""

    def __init__(self) -> None:
        self.tries: Counter[tuple[str, int]] = Counter()
        self.taken: list[tuple[str, int]] = []
        self.sizes: list[int] = []
        self.wrong: list[str] = []

    def answer(self, request: SeenRequest) -> Behaviour:
        items = json.loads(request.body)
        self.sizes.append(len(items))
        keys = [item["who"] for item in items]
        if len(set(keys)) != len(keys):
            self.wrong.append(f"one key more than once in a batch: {keys}")
        for item in items:
            missing = [n for n in range(item["n"]) if (item["who"], n) not in self.taken]
            if missing:
                self.wrong.append(f"{item['who']} {item['n']} came before {missing}")
        if len(self.sizes) % 5 == 2:
            return reply(400 if len(items) > 1 else 503)
        told = []
        for item in items:
            this = (item["who"], item["n"])
            self.tries[this] += 1
            fails = sum(map(ord, item["who"])) + item["n"]
            status = 503 if self.tries[this] == 1 and fails % 2 else 200
            if status == 200:
                self.taken.append(this)
            told.append({"id": item["key"], "status": status})
        return reply(200, json={"results": told})


async def test_no_record_overtakes_an_earlier_one_of_its_key(desk: Desk, endpoint: FakeEndpoint) -> None:
    delivery = await deliver_with(desk, endpoint, concurrency=4, delivery=DELIVERY)
    receiver = Receiver()
    endpoint.behave(computed(receiver.answer))
    datas = [{"who": who, "n": n} for n in range(5) for who in "abcdef"]
    await post_held(desk, delivery, datas)
    await counted(desk, delivered=len(datas))
    assert receiver.wrong == []
    assert Counter(receiver.taken) == Counter((each["who"], each["n"]) for each in datas), "each once"
    assert max(receiver.sizes) > 1, "they did go together"


async def test_a_record_that_fails_for_good_holds_back_its_key_and_no_other_of_the_batch(
    desk: Desk, endpoint: FakeEndpoint
) -> None:
    delivery = await deliver_with(desk, endpoint, delivery=DELIVERY)

    def answer(request: SeenRequest) -> Behaviour:
        told = [
            {"id": item["key"], "status": 400 if item["who"] == "a" else 200}
            for item in json.loads(request.body)
        ]
        return reply(200, json={"results": told})

    endpoint.behave(computed(answer))
    await post_held(desk, delivery, [{"who": who, "n": n} for n in range(3) for who in "ab"])
    await counted(desk, delivered=3, failed=1, held=2)
    sent = [(item["who"], item["n"]) for each in endpoint.requests for item in json.loads(each.body)]
    assert [each for each in sent if each[0] == "a"] == [("a", 0)]
    assert [each for each in sent if each[0] == "b"] == [("b", 0), ("b", 1), ("b", 2)]
