"""Batches through the whole daemon: one signed request, and each record settled by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from tests.harness.desk import Delivery, Desk
from tests.harness.serving import served_desk
from tests.integration.test_delivery import in_state, post
from tests.integration.test_delivery_methods import deliver_with, verified

from healthdesk.api.integrations import EnvironmentChoice
from healthdesk.api.records import RecordFilter
from healthdesk.api.samples import Probe
from healthdesk.domain.states import Environment, RecordState
from healthdesk.errors import ApiRefused
from healthdesk.testing import FakeEndpoint, reply
from healthdesk.testing.faults import Behaviour, SeenRequest, Visit

QUICK = {"HEALTHDESK_DELIVERY__SCHEDULE": "0s,0.05s,0.05s,0.05s"}
KEYED = [{"do": "set", "path": "key", "value": "{webhook_id}"}]


@pytest.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint() as server:
        yield server


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with served_desk(tmp_path / "desk", **QUICK) as running:
        yield running


async def post_held(desk: Desk, delivery: Delivery, datas: list[Any]) -> list[str]:
    """Post records while the integration is paused, and let them go together."""
    async with desk.client() as client:
        choice = EnvironmentChoice(environment=Environment.PRODUCTION)
        await client.integration_pause(delivery.integration_id, choice.environment)
        ids = [await post(delivery, data) for data in datas]
        await client.integration_resume(delivery.integration_id, choice.environment)
    return ids


def computed(answer: Callable[[SeenRequest], Behaviour]) -> Behaviour:
    """Answer each request with what is computed of it."""

    async def act(visit: Visit) -> bool:
        assert visit.request is not None
        return await answer(visit.request).act(visit)

    return Behaviour("computed", act)


async def test_records_go_together_signed_and_under_a_name(desk: Desk, endpoint: FakeEndpoint) -> None:
    delivery = await deliver_with(
        desk,
        endpoint,
        path="/a/{{b}}",
        delivery={"mapping": KEYED, "batch": {"size": 3, "wait_s": 5, "items": "records"}},
    )
    ids = await post_held(desk, delivery, [{"n": number} for number in range(6)])
    records = [await in_state(desk, each, RecordState.DELIVERED) for each in ids]
    requests = await endpoint.wait_for(2)
    assert [unquote(each.path) for each in requests] == ["/a/{b}"] * 2
    sent = []
    for request in requests:
        body = json.loads(verified(delivery, request).body)
        assert list(body) == ["records"]
        assert len(body["records"]) == 3
        assert request.headers["webhook-id"].startswith("bat_")
        sent += body["records"]
    assert sorted((each["n"], each["key"]) for each in sent) == list(enumerate(ids))
    assert {record.attempts[0].batch_id for record in records} == {
        each.headers["webhook-id"] for each in requests
    }
    async with desk.client() as client:
        probe = Probe(environment=Environment.PRODUCTION, confirm="CRM delivery")
        tried = await client.integration_test(delivery.integration_id, probe)
        shown = await client.record_reveal(ids[0])
    assert shown.next_body is None, "the next attempt sends the same"
    assert f'{{"records":[{{"n":0,"key":"{ids[0]}"}}]}}' in shown.curl
    assert tried.ok, tried.sentence
    probed = verified(delivery, endpoint.requests[-1])
    assert probed.headers["webhook-id"].startswith("bat_")
    assert probed.headers["healthdesk-probe"] == "true"
    assert tried.exchange is not None
    assert json.loads(tried.exchange.request_body.text or "") == json.loads(probed.body)
    assert len(json.loads(probed.body)["records"]) == 1


async def test_a_partial_batch_waits_no_longer_than_it_may(desk: Desk, endpoint: FakeEndpoint) -> None:
    delivery = await deliver_with(desk, endpoint, delivery={"batch": {"size": 100, "wait_s": 0.2}})
    await in_state(desk, await post(delivery, {"n": 1}), RecordState.DELIVERED)
    [request] = endpoint.requests
    assert json.loads(request.body) == [{"n": 1}]


async def test_a_batch_that_is_refused_with_an_answer_of_success_is_sent_one_by_one(
    desk: Desk, endpoint: FakeEndpoint
) -> None:
    delivery = await deliver_with(
        desk, endpoint, delivery={"refused": "error", "batch": {"size": 2, "wait_s": 5}}
    )

    def answer(request: SeenRequest) -> Behaviour:
        bad = any(item["first"] == "Bob" for item in json.loads(request.body))
        return reply(200, json={"error": "nobody of that name"} if bad else {})

    endpoint.behave(computed(answer))
    good, bad = await post_held(desk, delivery, [{"first": "Ada"}, {"first": "Bob"}])
    await in_state(desk, good, RecordState.DELIVERED)
    failed = await in_state(desk, bad, RecordState.FAILED)
    assert (failed.error, failed.attempts[-1].status) == ("nobody of that name", 200)
    sizes = [len(json.loads(each.body)) for each in endpoint.requests]
    assert sizes == [2, 1, 1]


async def test_each_record_is_settled_by_what_is_said_of_it_and_only_those_that_failed_are_sent_again(
    desk: Desk, endpoint: FakeEndpoint
) -> None:
    delivery = await deliver_with(
        desk,
        endpoint,
        delivery={
            "mapping": KEYED,
            "batch": {
                "size": 3,
                "wait_s": 5,
                "results": "results",
                "result_id": "id",
                "result_status": "status",
                "result_error": "error",
            },
        },
    )

    def answer(request: SeenRequest) -> Behaviour:
        told = [
            {"id": item["key"], "status": 200}
            if item["n"] == 0 or len(endpoint.requests) > 1
            else {"id": item["key"], "status": 503, "error": "busy"}
            if item["n"] == 1
            else {
                "id": item["key"],
                "status": 400,
                "error": f"no such clinic as {item['clinic']}, see Miriam Klein",
            }
            for item in json.loads(request.body)
        ]
        return reply(200, json={"results": told[::-1]})

    endpoint.behave(computed(answer))
    datas = [{"n": number, "clinic": "North Ward"} for number in range(3)]
    ids = await post_held(desk, delivery, [{**datas[0], "name": "Miriam Klein"}, *datas[1:]])
    good = await in_state(desk, ids[0], RecordState.DELIVERED)
    busy = await in_state(desk, ids[1], RecordState.DELIVERED)
    bad = await in_state(desk, ids[2], RecordState.FAILED)
    assert [len(each.attempts) for each in (good, busy, bad)] == [1, 2, 1]
    sent = [[item["n"] for item in json.loads(verified(delivery, each).body)] for each in endpoint.requests]
    assert sorted(sent[0]) == [0, 1, 2]
    assert sent[1:] == [[1]]
    assert "no such clinic" in bad.error
    async with desk.client() as client:
        found = await client.records_list(RecordFilter(statuses=[400]))
    assert [each.id for each in found.items] == [bad.id], "its own status, not that of the whole answer"
    assert (good.last_status, bad.last_status, bad.attempts[0].status) == (200, 400, 400)
    assert "North Ward" not in bad.error
    assert "Klein" not in bad.error, "a value of another record of the batch"
    async with desk.client() as client:
        shown = await client.record_attempt_reveal(bad.id, bad.attempts[0].id)
    assert ids[0] not in shown.model_dump_json()
    assert shown.response_body is not None
    assert json.loads(shown.response_body.text) == {
        "id": bad.id, "status": 400, "error": "no such clinic as North Ward, see ••••"
    }, "what is said of it, its own values in it, and no trace of the others"  # fmt: skip


async def test_a_batch_that_is_refused_whole_is_sent_one_by_one_to_learn_which_it_was(
    desk: Desk, endpoint: FakeEndpoint
) -> None:
    delivery = await deliver_with(desk, endpoint, delivery={"batch": {"size": 3, "wait_s": 5}})

    def answer(request: SeenRequest) -> Behaviour:
        bad = any(item["n"] == 1 for item in json.loads(request.body))
        return reply(400 if bad else 200, json={"error": "n cannot be that"} if bad else {})

    endpoint.behave(computed(answer))
    ids = await post_held(desk, delivery, [{"n": number} for number in range(3)])
    assert [
        (await in_state(desk, each, RecordState.DELIVERED, RecordState.FAILED)).state for each in ids
    ] == [
        RecordState.DELIVERED,
        RecordState.FAILED,
        RecordState.DELIVERED,
    ]
    assert [len(json.loads(each.body)) for each in endpoint.requests] == [3, 1, 1, 1]


async def test_an_answer_that_says_nothing_of_a_record_leaves_it_to_be_sent_again(
    desk: Desk, endpoint: FakeEndpoint
) -> None:
    delivery = await deliver_with(
        desk, endpoint, delivery={"batch": {"size": 2, "wait_s": 5, "results": "@", "result_error": "error"}}
    )
    endpoint.script(reply(200, json=[{}]), reply(200, json=[{}]))
    ids = await post_held(desk, delivery, [{"n": 0}, {"n": 1}])
    async with asyncio.TaskGroup() as group:
        both = [
            group.create_task(in_state(desk, each, RecordState.DELIVERED, RecordState.FAILED)) for each in ids
        ]
    assert len(endpoint.requests) >= 2
    records = [each.result() for each in both]
    assert min(len(each.attempts) for each in records) == 1
    assert any("says nothing of this record" in each.error for record in records for each in record.attempts)


async def test_an_answer_of_success_that_says_nothing_of_a_record_leaves_its_arrival_unknown(
    desk: Desk, endpoint: FakeEndpoint
) -> None:
    delivery = await deliver_with(
        desk,
        endpoint,
        on_unknown="hold",
        delivery={"batch": {"size": 2, "wait_s": 5, "results": "@", "result_error": "error"}},
    )
    endpoint.behave(reply(200, body=b"<p>Thank you"))
    ids = await post_held(desk, delivery, [{"n": 0}, {"n": 1}])
    records = [await in_state(desk, each, RecordState.UNKNOWN) for each in ids]
    assert len(endpoint.requests) == 1
    assert {each.last_status for each in records} == {200}


async def test_what_an_endpoint_says_of_one_record_of_a_batch_is_told_with_no_other(
    desk: Desk, endpoint: FakeEndpoint
) -> None:
    delivery = await deliver_with(desk, endpoint, delivery={"batch": {"size": 2, "wait_s": 5}})
    answer = {"message": "cannot store Zsofia Quill now", "of": [{"name": "Zsofia Quill", "smoker": True}]}
    endpoint.behave(reply(503, json=answer, headers={"x-refused": "Zsofia Quill"}))
    ids = await post_held(desk, delivery, [{"name": "Ann Bee"}, {"name": "Zsofia Quill"}])
    for each in ids:
        record = await in_state(desk, each, RecordState.FAILED)
        assert record.error.startswith("cannot store")
        assert "Quill" not in record.error
    async with desk.client() as client:
        revealed = await client.record_reveal(ids[0])
        together = next(each for each in revealed.attempts if each.batch_id)
        shown = await client.record_attempt_reveal(ids[0], together.id)
        assert shown.response_headers["x-refused"] == "••••"
        assert shown.response_body is not None
        kept = {"message": "cannot store •••• now", "of": [{"name": "••••", "smoker": "••••"}]}
        assert json.loads(shown.response_body.text) == kept, (
            "whoever may see Ann's values may not see the other's"
        )
        assert "Quill" not in (await client.problems_list()).model_dump_json()


async def test_a_batch_has_one_path(desk: Desk, endpoint: FakeEndpoint) -> None:
    with pytest.raises(ApiRefused, match="several records") as caught:
        await deliver_with(desk, endpoint, path="/x/{id}", delivery={"batch": {"size": 2}})
    assert caught.value.field == "production.path"
