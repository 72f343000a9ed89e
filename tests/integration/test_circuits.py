"""A circuit opens on repeated failure, lets one record through at a time, and ramps back: the whole daemon."""

from __future__ import annotations

import pytest
from tests.harness.desk import Desk, set_up_delivery
from tests.harness.serving import served_desk, until
from tests.integration.engine_desk import QUICK, counted, ids_seen, post_many

from healthdesk.api.delivery import BatchSettings, CircuitSettings, DeliveryMethod
from healthdesk.api.flow import CircuitChange
from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit
from healthdesk.api.records import RecordFilter
from healthdesk.domain.states import CircuitState, Environment, HoldReason, RecordState
from healthdesk.engine.deliver import Deliverer
from healthdesk.errors import ApiRefused
from healthdesk.testing import FakeEndpoint, hold, reply

PRODUCTION = Environment.PRODUCTION
SLOW = {**QUICK, "HEALTHDESK_DELIVERY__SCHEDULE": "0s,30s,30s"}
"""A record that failed is not tried again by itself while a test looks."""


@pytest.fixture
async def endpoint():
    async with FakeEndpoint() as running:
        yield running


async def with_circuit(desk: Desk, delivery, **settings) -> None:
    method = DeliveryMethod(
        circuit=CircuitSettings(**({"least": 3, "open_s": 3600, "longest_s": 3600} | settings))
    )
    async with desk.client() as client:
        changes = IntegrationEdit(production=EnvironmentEdit(delivery=method))
        await client.integration_edit(delivery.integration_id, changes)


async def circuit_of(desk: Desk, delivery):
    async with desk.client() as client:
        (environment,) = (await client.integration(delivery.integration_id)).environments
    return environment.circuit


async def in_circuit(desk: Desk, delivery, *states: CircuitState):
    """Return the circuit once it is in one of these states."""

    async def there():
        circuit = await circuit_of(desk, delivery)
        return circuit if circuit.state in states else None

    return await until(there)


async def held_for(desk: Desk, reason: HoldReason, count: int) -> None:
    async def there():
        async with desk.client() as client:
            held = (await client.records_list(RecordFilter(states=[RecordState.HELD]), limit=100)).items
        return [each.hold_reason for each in held] == [reason] * count

    await until(there)


async def test_repeated_failure_opens_it_and_what_comes_then_is_held(tmp_path, endpoint):
    endpoint.answer(503)
    async with served_desk(tmp_path / "desk", **SLOW) as desk:
        delivery = await set_up_delivery(desk, endpoint.url, concurrency=1)
        await with_circuit(desk, delivery)
        await post_many(delivery, 3)
        circuit = await in_circuit(desk, delivery, CircuitState.OPEN)
        assert circuit.reason == "3 of 3 attempts failed"
        assert circuit.next_probe_at is not None
        await post_many(delivery, 5, start=10)
        await held_for(desk, HoldReason.CIRCUIT, 8)
        assert len(endpoint.requests) == 3
        await counted(desk, held=8)


async def test_a_refusal_of_the_record_itself_leaves_it_closed(tmp_path, endpoint):
    endpoint.answer(422)
    async with served_desk(tmp_path / "desk", **SLOW) as desk:
        delivery = await set_up_delivery(desk, endpoint.url)
        await with_circuit(desk, delivery)
        await post_many(delivery, 20)
        await counted(desk, failed=20)
        assert (await circuit_of(desk, delivery)).state is CircuitState.CLOSED


async def by_hand(desk: Desk, delivery, do: str):
    async with desk.client() as client:
        change = CircuitChange(environment=PRODUCTION, do=do)
        item = await client.integration_circuit(delivery.integration_id, change)
    return item.environments[0].circuit


async def test_one_record_is_the_probe_and_a_good_one_ramps_back_until_all_is_delivered(tmp_path, endpoint):
    endpoint.answer(503)
    async with served_desk(tmp_path / "desk", **SLOW) as desk:
        delivery = await set_up_delivery(desk, endpoint.url, concurrency=8)
        await with_circuit(desk, delivery)
        posted = await post_many(delivery, 3)
        await in_circuit(desk, delivery, CircuitState.OPEN)
        posted += await post_many(delivery, 40, start=10)
        await held_for(desk, HoldReason.CIRCUIT, 43)
        endpoint.behave(hold())
        assert (await by_hand(desk, delivery, "probe")).state is CircuitState.OPEN
        await endpoint.wait_for(4)
        assert (await in_circuit(desk, delivery, CircuitState.PROBING)).step == 0
        assert len(endpoint.requests) == 4, "the others wait for what becomes of it"
        endpoint.release()
        await counted(desk, delivered=43)
        await in_circuit(desk, delivery, CircuitState.CLOSED)
    assert sorted(set(ids_seen(endpoint)[3:])) == sorted(posted)


async def test_a_held_record_says_since_when_why_and_what_comes_next(tmp_path, endpoint):
    endpoint.answer(503)
    async with served_desk(tmp_path / "desk", **SLOW) as desk:
        delivery = await set_up_delivery(desk, endpoint.url, concurrency=1)
        await with_circuit(desk, delivery)
        await post_many(delivery, 3)
        circuit = await in_circuit(desk, delivery, CircuitState.OPEN)
        (record_id,) = await post_many(delivery, 1, start=10)
        async with desk.client() as client:
            explanation = (await client.record(record_id)).explanation
    assert explanation.sentence == (
        f"Held: the circuit of CRM delivery · production is open since {circuit.since:%Y-%m-%d %H:%M} UTC after"
        f" 3 of 3 attempts failed; one record is sent as a probe at {circuit.next_probe_at:%Y-%m-%d %H:%M} UTC."
    )


async def test_by_hand_it_is_opened_probed_and_closed_and_what_is_so_already_is_refused(tmp_path, endpoint):
    async with served_desk(tmp_path / "desk", **SLOW) as desk:
        delivery = await set_up_delivery(desk, endpoint.url)
        for do in ("close", "probe"):
            with pytest.raises(ApiRefused, match="closed"):
                await by_hand(desk, delivery, do)
        circuit = await by_hand(desk, delivery, "open")
        assert circuit.reason.endswith(" opened it")
        (record_id,) = await post_many(delivery, 1)
        await held_for(desk, HoldReason.CIRCUIT, 1)
        with pytest.raises(ApiRefused, match="open already"):
            await by_hand(desk, delivery, "open")
        assert (await by_hand(desk, delivery, "close")).state is CircuitState.CLOSED
        await counted(desk, delivered=1)
    assert ids_seen(endpoint) == [record_id]


async def test_a_batch_that_fails_is_one_failure_however_many_records_are_in_it(tmp_path, endpoint):
    endpoint.script(503)
    async with served_desk(tmp_path / "desk", **SLOW) as desk:
        delivery = await set_up_delivery(desk, endpoint.url, concurrency=1)
        method = DeliveryMethod(batch=BatchSettings(size=4, wait_s=1), circuit=CircuitSettings(least=3))
        async with desk.client() as client:
            changes = IntegrationEdit(production=EnvironmentEdit(delivery=method))
            await client.integration_edit(delivery.integration_id, changes)
            await client.integration_pause(delivery.integration_id, PRODUCTION)
            await post_many(delivery, 4)
            await client.integration_resume(delivery.integration_id, PRODUCTION)
        await counted(desk, retrying=4)
        await post_many(delivery, 1)
        await counted(desk, retrying=4, delivered=1)
        assert (await circuit_of(desk, delivery)).state is CircuitState.CLOSED


async def test_a_probe_that_was_lost_with_the_delivery_loop_is_made_again(tmp_path, endpoint, monkeypatch):
    endpoint.script(503, 503, 503)
    endpoint.behave(hold())
    async with served_desk(tmp_path / "desk", **SLOW) as desk:
        delivery = await set_up_delivery(desk, endpoint.url, concurrency=1)
        await with_circuit(desk, delivery, open_s=1, longest_s=1)
        await post_many(delivery, 3)
        await endpoint.wait_for(4)
        await in_circuit(desk, delivery, CircuitState.PROBING)
        turn = Deliverer._turn

        async def dies(self):
            monkeypatch.setattr(Deliverer, "_turn", turn)
            raise RuntimeError("a fault of ours")

        monkeypatch.setattr(Deliverer, "_turn", dies)
        endpoint.behave(reply(200))
        await post_many(delivery, 1, start=9)
        await counted(desk, delivered=4)


async def test_a_failed_probe_waits_twice_as_long(tmp_path, endpoint):
    endpoint.answer(503)
    async with served_desk(tmp_path / "desk", **SLOW) as desk:
        delivery = await set_up_delivery(desk, endpoint.url, concurrency=1)
        await with_circuit(desk, delivery, open_s=1800)
        await post_many(delivery, 3)
        await in_circuit(desk, delivery, CircuitState.OPEN)
        await by_hand(desk, delivery, "probe")
        await endpoint.wait_for(4)

        async def twice():
            circuit = await circuit_of(desk, delivery)
            return circuit if circuit.state is CircuitState.OPEN and circuit.step else None

        circuit = await until(twice)
        assert circuit.step == 1
        assert (circuit.next_probe_at - circuit.since).total_seconds() == 3600
        assert circuit.reason == "3 of 3 attempts failed"
    assert len(endpoint.requests) == 4


@pytest.mark.parametrize("state", [CircuitState.OPEN, CircuitState.PROBING, CircuitState.RAMPING])
async def test_a_daemon_that_is_killed_leaves_the_circuit_as_it_was(tmp_path, endpoint, state):
    endpoint.answer(503)
    async with Desk(tmp_path / "desk", settings=SLOW) as desk:
        delivery = await set_up_delivery(desk, endpoint.url, concurrency=32)
        await with_circuit(desk, delivery)
        await post_many(delivery, 3)
        await in_circuit(desk, delivery, CircuitState.OPEN)
        await post_many(delivery, 5, start=10)
        await held_for(desk, HoldReason.CIRCUIT, 8)
        if state is not CircuitState.OPEN:
            endpoint.behave(hold())
            if state is CircuitState.RAMPING:
                endpoint.script(200)  # the probe is good, and all that follows hangs
            await by_hand(desk, delivery, "probe")
        before = await in_circuit(desk, delivery, state)
        under_way = {CircuitState.OPEN: 0, CircuitState.PROBING: 1, CircuitState.RAMPING: 2}[state]
        seen = await endpoint.wait_for(3 + under_way + (state is CircuitState.RAMPING))
        desk.kill()
        count = len(seen)
        await desk.start()
        assert await circuit_of(desk, delivery) == before
        if state is CircuitState.RAMPING:
            await endpoint.wait_for(count + 2)
            assert len(endpoint.requests) == count + 2, "two at a time, as before"
        else:
            await held_for(desk, HoldReason.CIRCUIT, 8)
            assert len(endpoint.requests) == count, "nothing goes out before the next probe"
        endpoint.behave(reply(200))
        endpoint.release()
        await by_hand(desk, delivery, "close")
        await counted(desk, delivered=8)
