"""From post to endpoint to log, through the whole daemon on real sockets."""

import json

import aiohttp
import pytest
from standardwebhooks import Webhook
from svix.webhooks import Webhook as SvixWebhook
from tests.harness.desk import set_up_delivery
from tests.harness.serving import served_desk, until

from healthdesk.api.connections import ConnectionCreate, Credentials, CredentialsUpdate, HeartbeatRequest
from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit
from healthdesk.api.keys import KeyCreate
from healthdesk.api.records import RecordFilter
from healthdesk.domain.states import (
    AttemptOutcome,
    ConnectionState,
    HoldReason,
    OnUnknown,
    ProblemState,
    RecordState,
    Trigger,
)
from healthdesk.testing import FakeEndpoint, hold, reply, reset_after_request

QUICK = {
    "HEALTHDESK_DELIVERY__SCHEDULE": "0s,0.05s,0.05s,0.05s",
    "HEALTHDESK_DELIVERY__TIMEOUT": "60s",
}


@pytest.fixture
async def endpoint():
    async with FakeEndpoint() as server:
        yield server


@pytest.fixture
async def desk(tmp_path):
    async with served_desk(tmp_path / "desk", **QUICK) as running:
        yield running


async def post(delivery, data, **more) -> str:
    body = {
        "source": delivery.source,
        "level": "low",
        "completed_at": "2026-11-22T14:02:00Z",
        "data": data,
        **more,
    }
    async with (
        aiohttp.ClientSession() as http,
        http.post(delivery.url, headers=delivery.headers, data=json.dumps(body)) as answer,
    ):
        assert answer.status == 202, await answer.text()
        return (await answer.json())["id"]


async def in_state(desk, record_id, *states):
    """Return the record once it is in one of these states."""
    async with desk.client() as client:

        async def there():
            record = await client.record(record_id)
            return record if record.state in states else None

        return await until(there)


@pytest.mark.parametrize("verifier", [Webhook, SvixWebhook])
async def test_endpoint_verifies_our_signature_with_the_reference_libraries(desk, endpoint, verifier):
    delivery = await set_up_delivery(desk, endpoint.url)
    await post(delivery, {"participant": "p-1"})
    request = (await endpoint.wait_for(1))[0]
    verifier(delivery.signing_secret).verify(request.body, dict(request.headers))
    with pytest.raises(Exception, match=r"(?i)signature"):
        verifier(delivery.signing_secret).verify(request.body + b" ", dict(request.headers))


async def test_rotated_secret_and_the_one_before_both_verify_while_they_overlap(desk, endpoint):
    delivery = await set_up_delivery(desk, endpoint.url)
    async with desk.client() as client:
        new = await client.integration_signing_secret_create(
            delivery.integration_id, KeyCreate(overlap_s=3600)
        )
    await post(delivery, {"participant": "p-1"})
    request = (await endpoint.wait_for(1))[0]
    for secret in (delivery.signing_secret, new.secret):
        Webhook(secret).verify(request.body, dict(request.headers))


async def test_endpoint_receives_data_byte_for_byte(desk, endpoint):
    delivery = await set_up_delivery(desk, endpoint.url)
    data = b'{ "b":1.0,  "a" : "\\u00e9 \xc3\xa9", "n": 12345678901234567890 }'
    body = (
        b'{"data": '
        + data
        + b', "source": "heart-health", "level": "low", "completed_at": "2026-11-22T14:02:00Z"}'
    )
    async with (
        aiohttp.ClientSession() as http,
        http.post(delivery.url, headers=delivery.headers, data=body) as answer,
    ):
        assert answer.status == 202, await answer.text()
    assert (await endpoint.wait_for(1))[0].body == data


async def test_retries_keep_the_webhook_id_and_end_as_failed_when_the_schedule_is_over(desk, endpoint):
    delivery = await set_up_delivery(desk, endpoint.url)
    endpoint.answer(500, json={"message": "database down"})
    record = await in_state(desk, await post(delivery, {}), RecordState.FAILED)
    requests = await endpoint.wait_for(4)
    assert len(requests) == 4
    assert {request.headers["webhook-id"] for request in requests} == {record.id}
    assert [attempt.trigger for attempt in record.attempts] == [Trigger.FIRST, *[Trigger.RETRY] * 3]
    assert {attempt.status for attempt in record.attempts} == {500}
    assert "database down" in record.error


@pytest.mark.parametrize("status", [400, 404, 405, 410, 413, 415, 422])
async def test_permanent_refusal_fails_at_once(desk, endpoint, status):
    delivery = await set_up_delivery(desk, endpoint.url)
    endpoint.answer(status)
    record = await in_state(desk, await post(delivery, {}), RecordState.FAILED)
    assert record.tries == 1
    assert record.last_status == status


async def test_retry_after_is_honoured(desk, endpoint):
    delivery = await set_up_delivery(desk, endpoint.url)
    endpoint.script(reply(429, headers={"Retry-After": "600"}))
    record = await in_state(desk, await post(delivery, {}), RecordState.RETRYING)
    assert record.attempts[0].retry_after_s == 600
    assert record.next_attempt_at is not None
    assert (record.next_attempt_at - record.attempts[0].finished_at).total_seconds() >= 540


@pytest.mark.parametrize("behaviour", [hold(), reset_after_request()])
async def test_record_that_may_have_arrived_is_unknown_where_the_integration_wants_it_held(
    desk, endpoint, behaviour
):
    delivery = await set_up_delivery(desk, endpoint.url)
    async with desk.client() as client:
        await client.integration_edit(
            delivery.integration_id,
            IntegrationEdit(production=EnvironmentEdit(on_unknown=OnUnknown.HOLD, timeout_s=0.5)),
        )
    endpoint.script(behaviour)
    record = await in_state(desk, await post(delivery, {}), RecordState.UNKNOWN)
    assert record.attempts[0].outcome is AttemptOutcome.UNKNOWN
    async with desk.client() as client:
        await client.integration_edit(
            delivery.integration_id, IntegrationEdit(production=EnvironmentEdit(timeout_s=60))
        )
        await client.record_resend(record.id)
    record = await in_state(desk, record.id, RecordState.DELIVERED)
    assert {request.headers["webhook-id"] for request in endpoint.requests} == {record.id}
    endpoint.release()


async def test_paused_integration_holds_its_records_and_sends_them_when_resumed(desk, endpoint):
    delivery = await set_up_delivery(desk, endpoint.url)
    async with desk.client() as client:
        await client.integration_pause(delivery.integration_id)
        ids = [await post(delivery, {"number": number}) for number in range(5)]
        for record_id in ids:
            assert (await in_state(desk, record_id, RecordState.HELD)).hold_reason is HoldReason.PAUSED
        assert endpoint.requests == []
        await client.integration_resume(delivery.integration_id)
    for record_id in ids:
        await in_state(desk, record_id, RecordState.DELIVERED)
    assert len(endpoint.requests) == 5


async def test_refused_credential_turns_the_connection_red_holds_its_records_and_recovers(desk, endpoint):
    delivery = await set_up_delivery(desk, endpoint.url, token="expired-token-0001", heartbeat=True)

    endpoint.answer(401, json={"message": "token expired"})
    first = await in_state(desk, await post(delivery, {"participant": "p-1"}), RecordState.FAILED)
    assert first.last_status == 401
    async with desk.client() as client:

        async def failing():
            connection = await client.connection(delivery.connection_id)
            return connection.state is ConnectionState.FAILING

        await until(failing)
        held = await in_state(desk, await post(delivery, {"participant": "p-2"}), RecordState.HELD)
        assert held.hold_reason is HoldReason.CONNECTION
        problems = (await client.problems_list()).items
        assert len(problems) == 1, "the record and the heartbeat fail for one cause"
        assert problems[0].connection_id == delivery.connection_id
        endpoint.answer(200, json={"id": "me"})
        credentials = Credentials(auth="bearer", token="renewed-token-0002")
        connection = await client.connection_update_credentials(
            delivery.connection_id, CredentialsUpdate(credentials=credentials)
        )
        assert connection.state is ConnectionState.CONNECTED
        await in_state(desk, held.id, RecordState.DELIVERED)
        await client.records_resend([first.id])
        await in_state(desk, first.id, RecordState.DELIVERED)

        async def resolved():
            return not (await client.problems_list(states=[ProblemState.OPEN])).items

        await until(resolved)
    assert endpoint.requests[-1].headers["authorization"] == "Bearer renewed-token-0002"
    stored = [attempt.request_headers["Authorization"] for attempt in first.attempts]
    assert stored == ["Bearer ••••0001"]


async def test_slow_environment_holds_only_its_own_slots(desk, endpoint):
    async with FakeEndpoint() as slow:
        slow.behave(hold())
        stuck = await set_up_delivery(desk, slow.url, concurrency=2, name="Slow", source="slow-source")
        quick = await set_up_delivery(desk, endpoint.url, concurrency=2, name="Quick", source="quick-source")
        for number in range(10):
            await post(stuck, {"number": number})
        for number in range(20):
            await in_state(desk, await post(quick, {"number": number}), RecordState.DELIVERED)
        assert len(slow.requests) >= 2
        slow.release()


async def test_concurrency_bounds_the_attempts_under_way(desk, endpoint):
    delivery = await set_up_delivery(desk, endpoint.url, concurrency=3)
    endpoint.behave(hold())
    for number in range(12):
        await post(delivery, {"number": number})
    await endpoint.wait_for(3)
    async with desk.client() as client:

        async def claimed_ahead():
            return (await client.ledger()).rows[0].states["sending"] == 6

        await until(claimed_ahead)  # the next three are claimed, and wait for a slot
    assert len(endpoint.requests) == 3
    endpoint.release()


async def test_resend_of_all_in_the_filter_is_a_job_and_refuses_another_count(desk, endpoint):
    delivery = await set_up_delivery(desk, endpoint.url)
    endpoint.answer(422, json={"message": "risk_level is required"})
    for number in range(7):
        await in_state(desk, await post(delivery, {"number": number}), RecordState.FAILED)
    endpoint.answer(200)
    failed = RecordFilter(states=[RecordState.FAILED])
    async with desk.client() as client:
        plan = await client.records_resend_plan(failed)
        assert plan.total == 7
        assert [(group.status, group.count) for group in plan.groups] == [(422, 7)]
        with pytest.raises(Exception, match="7"):
            await client.records_resend_all(failed, expect=6)
        assert (await client.records_resend_all(failed, expect=7)).total == 7

        async def all_delivered():
            return (await client.ledger()).rows[0].states["delivered"] == 7

        await until(all_delivered)
        assert (await client.ledger()).balanced


async def test_stop_lets_attempts_under_way_finish_and_gives_back_those_not_sent(tmp_path, endpoint):
    folder = tmp_path / "desk"
    async with served_desk(folder, **QUICK) as desk:
        delivery = await set_up_delivery(desk, endpoint.url, concurrency=2)
        endpoint.behave(hold())
        ids = [await post(delivery, {"number": number}) for number in range(6)]
        await endpoint.wait_for(2)
        endpoint.release()
    sent = len(endpoint.requests)
    async with served_desk(folder, **QUICK) as desk:
        for record_id in ids:
            await in_state(desk, record_id, RecordState.DELIVERED)
        async with desk.client() as client:
            assert (await client.ledger()).balanced
    assert sent <= 6
    assert len(endpoint.requests) == 6, "nothing was sent twice"


async def test_connection_without_heartbeat_is_judged_by_its_deliveries(desk, endpoint):
    delivery = await set_up_delivery(desk, endpoint.url)
    async with desk.client() as client:
        assert (await client.connection(delivery.connection_id)).state_word == "Judged by deliveries"
        await in_state(desk, await post(delivery, {}), RecordState.DELIVERED)

        async def connected():
            return (await client.connection(delivery.connection_id)).state is ConnectionState.CONNECTED

        await until(connected)


async def test_heartbeat_asks_what_its_owner_configured(desk, endpoint):
    endpoint.on_path("/api/ping", reply(204))
    async with desk.client() as client:
        connection = await client.connection_create(
            ConnectionCreate(
                name="Ping",
                base_url=endpoint.url + "/api",
                heartbeat=HeartbeatRequest(method="GET", path="/ping", expected_status=204),
            )
        )
        connection = await client.connection_check(connection.id)
        assert connection.state is ConnectionState.CONNECTED
        assert connection.last_healthy is not None
        checks = (await client.connection_heartbeats(connection.id)).items
    assert [request.path for request in endpoint.requests] == ["/api/ping"] * len(checks)
