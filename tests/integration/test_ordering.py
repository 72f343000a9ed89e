"""Records of one key arrive at their endpoint in the order they were posted, whatever fails and whoever dies."""

from __future__ import annotations

import json

import aiohttp
import pytest
from tests.harness.desk import Desk, set_up_delivery
from tests.harness.serving import served_desk, until
from tests.integration.engine_desk import QUICK, counted

from healthdesk.api.delivery import CircuitSettings, DeliveryMethod, OrderSettings
from healthdesk.api.flow import CircuitChange
from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit
from healthdesk.api.records import RecordFilter
from healthdesk.domain.states import Environment, HoldReason, RecordState
from healthdesk.testing import FakeEndpoint, hold, reply

KEYS = "abc"


@pytest.fixture
async def endpoint():
    async with FakeEndpoint() as running:
        yield running


async def in_order(desk: Desk, delivery, **settings) -> None:
    method = DeliveryMethod(order=OrderSettings(key="who.id", **settings))
    async with desk.client() as client:
        changes = IntegrationEdit(production=EnvironmentEdit(delivery=method))
        await client.integration_edit(delivery.integration_id, changes)


async def post(delivery, key: str, number: int) -> str:
    data = {"who": {"id": key}, "number": number}
    body = {"source": delivery.source, "level": "low", "completed_at": "2026-11-22T14:02:00Z", "data": data}
    async with (
        aiohttp.ClientSession() as http,
        http.post(delivery.url, headers=delivery.headers, data=json.dumps(body)) as answer,
    ):
        assert answer.status == 202, await answer.text()
        return (await answer.json())["id"]


def firsts(endpoint: FakeEndpoint, key: str) -> list[int]:
    """Return the numbers of a key's records in the order in which each was first seen."""
    seen = [request.json() for request in endpoint.requests]
    return list(dict.fromkeys(each["number"] for each in seen if each["who"]["id"] == key))


async def test_each_key_in_its_order_while_attempts_fail_and_the_daemon_is_killed(tmp_path, endpoint):
    patient = QUICK | {"HEALTHDESK_DELIVERY__SCHEDULE": "0s" + ",0.05s" * 20}
    async with Desk(tmp_path / "desk", settings=patient) as desk:
        delivery = await set_up_delivery(desk, endpoint.url, concurrency=8)
        await in_order(desk, delivery)
        endpoint.script(*[503, 200, 500, 200] * 5)
        for number in range(6):
            for key in KEYS:
                await post(delivery, key, number)
        desk.kill()
        await desk.start()
        for number in range(6, 9):
            for key in KEYS:
                await post(delivery, key, number)
        await counted(desk, delivered=9 * len(KEYS))
    for key in KEYS:
        assert firsts(endpoint, key) == list(range(9))


async def test_a_later_one_waits_and_says_for_which_and_a_resend_before_it_is_refused(tmp_path, endpoint):
    async with served_desk(tmp_path / "desk", **QUICK) as desk:
        delivery = await set_up_delivery(desk, endpoint.url)
        await in_order(desk, delivery)
        endpoint.script(422)
        first = await post(delivery, "a", 0)
        await counted(desk, failed=1)
        second = await post(delivery, "a", 1)
        other = await post(delivery, "b", 0)
        async with desk.client() as client:

            async def waits():
                record = await client.record(second)
                return record if record.hold_reason is HoldReason.ORDER else None

            explanation = (await until(waits)).explanation
            assert explanation.sentence == f"Held: it waits for {first} of the same key, which failed."
            answer = await client.records_resend([second])
            assert answer.skipped == {second: f"{first} of the same key goes first, and is failed"}
            await counted(desk, delivered=1, held=1, failed=1)
            assert (await client.record(other)).state is RecordState.DELIVERED
            problem = (await client.problems_list()).items[0]
            await client.problem_resolve(problem.id)

            async def gone_on():
                return (await client.record(second)).state is RecordState.DELIVERED

            await until(gone_on)
    assert firsts(endpoint, "a") == [0, 1]


async def test_what_waited_for_another_closes_an_open_circuit_where_nothing_else_is_left(tmp_path, endpoint):
    async with served_desk(tmp_path / "desk", **QUICK) as desk:
        delivery = await set_up_delivery(desk, endpoint.url)
        method = DeliveryMethod(
            order=OrderSettings(key="who.id"), circuit=CircuitSettings(open_s=1, longest_s=1)
        )
        endpoint.script(422)
        async with desk.client() as client:
            changes = IntegrationEdit(production=EnvironmentEdit(delivery=method))
            await client.integration_edit(delivery.integration_id, changes)
            await post(delivery, "a", 0)
            await counted(desk, failed=1)
            await post(delivery, "a", 1)
            await counted(desk, failed=1, held=1)
            opened = CircuitChange(environment=Environment.PRODUCTION, do="open")
            await client.integration_circuit(delivery.integration_id, opened)
            await client.problem_resolve((await client.problems_list()).items[0].id)
        await counted(desk, failed=1, delivered=1)


async def test_one_of_a_key_is_under_way_at_a_time(tmp_path, endpoint):
    endpoint.behave(hold())
    async with served_desk(tmp_path / "desk", **QUICK) as desk:
        delivery = await set_up_delivery(desk, endpoint.url, concurrency=8)
        await in_order(desk, delivery)
        for number in range(3):
            for key in KEYS:
                await post(delivery, key, number)
        await endpoint.wait_for(len(KEYS))

        async def rest_waits():
            async with desk.client() as client:
                held = await client.records_list(RecordFilter(states=[RecordState.HELD]))
            return len(held.items) == 6

        await until(rest_waits)
        assert len(endpoint.requests) == len(KEYS)
        endpoint.behave(reply(200))
        endpoint.release()
        await counted(desk, delivered=9)
    for key in KEYS:
        assert firsts(endpoint, key) == [0, 1, 2]
