"""A daemon killed while a batch is under way: nothing is lost, and what was answered and committed is not sent again."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit
from healthdesk.domain.states import OnUnknown, RecordState
from healthdesk.testing import Behaviour, FakeEndpoint, hold, reply
from tests.harness.desk import Delivery, Desk, set_up_delivery
from tests.integration.engine_desk import QUICK, counted, post_many

SIZE = 4
pytestmark = pytest.mark.xdist_group("kill9-batches")


class Receiver:
    """Takes batches: of the first one all but its last record, the second one it holds, and it takes the others whole."""

    def __init__(self, endpoint: FakeEndpoint) -> None:
        self.batches: list[list[str]] = []
        endpoint.behave(Behaviour("batches", self._act))

    async def _act(self, visit) -> bool:
        ids = [item["key"] for item in json.loads(visit.request.body)]
        self.batches.append(ids)
        if len(self.batches) == 2:
            return await hold().act(visit)
        told = [{"id": each, "status": 200} for each in ids]
        if len(self.batches) == 1:
            told[-1]["status"] = 503
        return await reply(200, json={"results": told}).act(visit)


async def with_batches(desk: Desk, endpoint: FakeEndpoint, on_unknown: OnUnknown) -> Delivery:
    """Set up a paused delivery in batches, one at a time."""
    delivery = await set_up_delivery(desk, endpoint.url, concurrency=1)
    edit = EnvironmentEdit.model_validate(
        {
            "on_unknown": on_unknown,
            "delivery": {
                "mapping": [{"do": "set", "path": "key", "value": "{webhook_id}"}],
                "batch": {
                    "size": SIZE,
                    "wait_s": 0.05,
                    "results": "results",
                    "result_id": "id",
                    "result_status": "status",
                },
            },
        }
    )
    async with desk.client() as client:
        await client.integration_edit(delivery.integration_id, IntegrationEdit(production=edit))
        await client.integration_pause(delivery.integration_id)
    return delivery


@pytest.mark.parametrize("on_unknown", OnUnknown)
async def test_killed_while_a_batch_is_under_way(tmp_path: Path, on_unknown: OnUnknown) -> None:
    desk = Desk(tmp_path / "desk", settings=QUICK)
    async with FakeEndpoint() as endpoint:
        receiver = Receiver(endpoint)
        try:
            await desk.start()
            delivery = await with_batches(desk, endpoint, on_unknown)
            ids = await post_many(delivery, 3 * SIZE)
            async with desk.client() as client:
                await client.integration_resume(delivery.integration_id)
            await endpoint.wait_for(2)
            await counted(desk, delivered=SIZE - 1)
            desk.kill()
            await desk.start()
            await counted(desk, queued=0, sending=0, retrying=0)
            first, second = receiver.batches[:2]
            sent = Counter(each for batch in receiver.batches for each in batch)
            assert [sent[each] for each in first[:-1]] == [1] * (SIZE - 1), "committed: not sent again"
            if on_unknown is OnUnknown.HOLD:
                assert [sent[each] for each in second] == [1] * SIZE, "in doubt: kept, not sent again"
                in_doubt = RecordState.UNKNOWN
            else:
                await counted(desk, delivered=len(ids))
                assert [sent[each] for each in second] == [2] * SIZE
                in_doubt = RecordState.DELIVERED
            async with desk.client() as client:
                states = {each: (await client.record(each)).state for each in ids}
            assert {states[each] for each in second} == {in_doubt}
            others = {state for each, state in states.items() if each not in second}
            assert others == {RecordState.DELIVERED}, "what was claimed ahead and had not begun is sent"
            assert {each for each in ids if states[each] is RecordState.DELIVERED} <= set(sent)
            async with desk.client() as client:
                for record_id in second:
                    attempts = (await client.record(record_id)).attempts
                    assert attempts[0].outcome.value == "interrupted"
                for record_id in first[:-1]:
                    (attempt,) = (await client.record(record_id)).attempts
                    assert attempt.batch_id == endpoint.requests[0].headers["webhook-id"]
        finally:
            desk.end()


async def test_killed_between_the_answer_and_its_commit(tmp_path: Path) -> None:
    """All of the batch is in doubt then: it is kept for an operator where the integration says so, and sent once."""
    desk = Desk(tmp_path / "desk", settings=QUICK)
    async with FakeEndpoint() as endpoint:
        endpoint.answer(200)
        try:
            await desk.start()
            delivery = await with_batches(desk, endpoint, OnUnknown.HOLD)
            await post_many(delivery, SIZE)
            desk.kill()
            desk.dies_after = "healthdesk.store.settle:_settle"
            await desk.start()
            async with desk.client() as client:
                await client.integration_resume(delivery.integration_id)
            await desk.died()
            desk.dies_after = ""
            await desk.start()
            await counted(desk, unknown=SIZE)
            assert len(endpoint.requests) == 1
        finally:
            desk.end()
