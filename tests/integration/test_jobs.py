"""Jobs in a daemon at work: they stop by themselves, are paused, resumed and cancelled, and count what the log says."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import aiohttp
import pytest
from tests.harness.desk import set_up_delivery
from tests.harness.serving import served_desk, until
from tests.integration.engine_desk import QUICK, body_of, counted, ids_seen, post_many

from healthdesk.api.delivery import BatchSettings, DeliveryMethod
from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit
from healthdesk.api.records import RecordFilter
from healthdesk.api.sources import SourceEdit
from healthdesk.domain.job_states import JobItemState, JobStage, JobState
from healthdesk.domain.scrubbing import MASK
from healthdesk.domain.states import Environment, RecordState
from healthdesk.testing import Behaviour, FakeEndpoint, reply

FAILED = RecordFilter(states=[RecordState.FAILED])
REFUSED = {"message": "risk_level is required"}
NUMBER = 20


@pytest.fixture
async def endpoint():
    async with FakeEndpoint() as made:
        made.behave(reply(422, json=REFUSED))
        yield made


@pytest.fixture
async def desk(tmp_path):
    async with served_desk(tmp_path / "desk", **QUICK) as running:
        yield running


@pytest.fixture
async def delivery(desk, endpoint):
    """An integration of two slots, and records of it that were refused."""
    made = await set_up_delivery(desk, endpoint.url, concurrency=2)
    await post_many(made, NUMBER)
    await counted(desk, failed=NUMBER)
    endpoint.requests.clear()
    return made


class Gate:
    """Answers 200, but only once it is open."""

    def __init__(self, endpoint):
        self.open = asyncio.Event()
        endpoint.behave(Behaviour("gate", self._act))

    async def _act(self, visit):
        await self.open.wait()
        return await reply(200).act(visit)


async def begin(client, chosen=FAILED, **more):
    plan = await client.job_plan(chosen, **more)
    return await client.job_create(chosen, expect=plan.total, **more)


async def job_when(client, job_id, condition):
    """Return the job once `condition` holds of it."""

    async def there():
        job = await client.job(job_id)
        return job if condition(job) else None

    return await until(there)


def count(job, state):
    return job.counts.get(state, 0)


async def agreeing(client, job):
    """Return the state of each record of a job, which its counts, and the log, agree with."""
    items = (await client.job_records(job.id, limit=500)).items
    states = {each.record_id: each.state for each in items}
    assert len(states) == len(items) == job.total == sum(job.counts.values())
    assert Counter(states.values()) == +Counter(job.counts)
    for record_id, state in states.items():
        if state in {JobItemState.DELIVERED, JobItemState.FAILED}:
            assert (await client.record(record_id)).state.value == state.value
    return states


async def test_a_careful_job_stops_with_the_same_failure_and_completes_after_the_repair(
    desk, endpoint, delivery
):
    async with desk.client() as client:
        job = await begin(client)
        job = await job_when(client, job.id, lambda job: job.state is JobState.STOPPED)
        assert (job.stage, count(job, JobItemState.FAILED), len(endpoint.requests)) == (JobStage.ONE, 1, 1)
        assert "The same failure came back" in job.reason
        (noted,) = [
            each for each in (await client.activity_list(object_id=job.id)).items if each.verb == "stopped"
        ]
        assert (noted.user, noted.detail["left"]) == ("healthdesk", NUMBER - 1)
        endpoint.answer(200)
        assert (await client.job_resume(job.id)).stage is JobStage.ONE
        job = await job_when(client, job.id, lambda job: job.finished_at is not None)
        assert (job.state, job.stage, job.reason) == (JobState.DONE, JobStage.REST, "")
        states = await agreeing(client, job)
    assert Counter(states.values()) == {JobItemState.DELIVERED: NUMBER - 1, JobItemState.FAILED: 1}
    assert max(Counter(ids_seen(endpoint)).values()) == 1
    await counted(desk, delivered=NUMBER - 1, failed=1)


async def held_up(client, endpoint, gate):
    """Return a job of which as many records are under way as may be, none of them answered."""
    job = await begin(client, careful=False)
    job = await job_when(client, job.id, lambda job: count(job, JobItemState.SENT) == 4)
    await endpoint.wait_for(2)
    return job


async def test_the_rate_and_the_slots_of_an_environment_with_batches_count_requests(desk, endpoint, delivery):
    gate = Gate(endpoint)
    async with desk.client() as client:
        batches = DeliveryMethod(batch=BatchSettings(size=5, wait_s=5))
        edit = IntegrationEdit(production=EnvironmentEdit(delivery=batches, rate_per_s=100.0))
        await client.integration_edit(delivery.integration_id, edit)
        plan = await client.job_plan(FAILED)
        assert (plan.rate_per_s, plan.seconds) == (500.0, NUMBER / 500)
        job = await begin(client, careful=False)
        await job_when(client, job.id, lambda job: count(job, JobItemState.SENT) == 4 * 5 == NUMBER)
        gate.open.set()
        await job_when(client, job.id, lambda job: job.finished_at is not None)
    assert [len(json.loads(each.body)) for each in endpoint.requests] == [5] * 4


async def test_a_paused_job_sends_nothing_more_until_it_is_resumed(desk, endpoint, delivery):
    gate = Gate(endpoint)
    async with desk.client() as client:
        job = await held_up(client, endpoint, gate)
        paused = await client.job_pause(job.id)
        assert (paused.state, count(paused, JobItemState.PENDING)) == (JobState.PAUSED, NUMBER - 4)
        gate.open.set()
        job = await job_when(client, job.id, lambda job: not count(job, JobItemState.SENT))
        assert (job.state, job.finished, len(endpoint.requests)) == (JobState.PAUSED, 4, 4)
        # A job that is made later goes past it: the runner looked, and left the paused one alone.
        await post_many(delivery, 1, start=NUMBER)
        await counted(desk, delivered=5, failed=NUMBER - 4)
        assert (await client.job(job.id)).counts == job.counts
        await client.job_resume(job.id)
        job = await job_when(client, job.id, lambda job: job.finished_at is not None)
        assert (job.state, count(job, JobItemState.DELIVERED)) == (JobState.DONE, NUMBER)
        await agreeing(client, job)
    assert len(endpoint.requests) == NUMBER + 1


async def test_a_cancelled_job_leaves_what_was_not_sent_as_it_was(desk, endpoint, delivery):
    gate = Gate(endpoint)
    async with desk.client() as client:
        job = await held_up(client, endpoint, gate)
        assert (await client.job_cancel(job.id)).state is JobState.CANCELLED
        gate.open.set()
        job = await job_when(client, job.id, lambda job: job.finished_at is not None)
        states = await agreeing(client, job)
        assert Counter(states.values()) == {JobItemState.DELIVERED: 4, JobItemState.CANCELLED: NUMBER - 4}
        for record_id, state in states.items():
            record = await client.record(record_id)
            sent = state is JobItemState.DELIVERED
            assert (record.state.value, record.attempts_total) == (
                ("delivered", 2) if sent else ("failed", 1)
            )
    await counted(desk, delivered=4, failed=NUMBER - 4)
    assert len(endpoint.requests) == 4


async def test_two_jobs_over_the_same_records_send_each_once(desk, endpoint, delivery):
    gate = Gate(endpoint)
    everything = RecordFilter(integration_id=delivery.integration_id)
    async with desk.client() as client:
        first = await held_up(client, endpoint, gate)
        second = await begin(client, everything, careful=False)
        await job_when(client, second.id, lambda job: count(job, JobItemState.SENT) == 4)
        gate.open.set()
        ended = [
            await job_when(client, each.id, lambda job: job.finished_at is not None)
            for each in (first, second)
        ]
        both = [await agreeing(client, each) for each in ended]
        skipped = [
            each.detail
            for job in ended
            for each in (await client.job_records(job.id, limit=500)).items
            if each.state is JobItemState.SKIPPED
        ]
    assert [each.state for each in ended] == [JobState.DONE] * 2
    delivered = Counter(
        record_id for states in both for record_id, state in states.items() if state is JobItemState.DELIVERED
    )
    assert (len(delivered), set(delivered.values())) == (NUMBER, {1})
    assert max(Counter(ids_seen(endpoint)).values()) == 1
    assert all(skipped), "what is skipped says why"
    await counted(desk, delivered=NUMBER)


async def test_records_on_hold_are_waited_for_and_sent_when_the_integration_goes_on(
    desk, endpoint, delivery, monkeypatch
):
    """The job says what for, and what became of a record that it was told to try again: after it had ended, that is."""
    monkeypatch.setattr("healthdesk.engine.jobs.FOLLOW_S", 0.1)
    endpoint.answer(200)
    endpoint.script(503)
    async with desk.client() as client:
        await client.integration_pause(delivery.integration_id, Environment.PRODUCTION)
        job = await begin(client, careful=False)
        job = await job_when(client, job.id, lambda job: count(job, JobItemState.SENT) > 0)
        job = await job_when(client, job.id, lambda job: job.waits)
        assert (job.state, endpoint.requests) == (JobState.RUNNING, [])
        assert job.waiting == "4 held, CRM delivery · production: paused"
        await client.integration_resume(delivery.integration_id, Environment.PRODUCTION)
        job = await job_when(client, job.id, lambda job: job.finished_at is not None)
        assert (job.state, job.waits) == (JobState.DONE, [])
        followed = await job_when(client, job.id, lambda job: count(job, JobItemState.DELIVERED) == NUMBER)
        assert followed.finished_at == job.finished_at
        await agreeing(client, followed)
    assert max(Counter(ids_seen(endpoint)).values()) == 2


async def _any(client, chosen):
    return (await client.records_count(chosen, exact=True)).total > 0


async def test_what_a_job_looks_for_is_in_clear_nowhere(desk, endpoint, delivery):
    endpoint.answer(200)
    async with desk.client() as client:
        fields = [{"name": "number", "type": "any", "lookup": True}]
        await client.source_edit(delivery.source, SourceEdit(fields=fields))
        secret = "participant-4711"
        endpoint.behave(reply(422, json=REFUSED))
        async with aiohttp.ClientSession() as http:
            body = body_of(delivery, {"number": secret})
            async with http.post(delivery.url, headers=delivery.headers, data=body) as answer:
                assert answer.status == 202
        chosen = FAILED.model_copy(update={"lookup": {"number": secret}})
        await until(lambda: _any(client, chosen))
        endpoint.answer(200)
        job = await begin(client, chosen)
        assert job.filter.lookup == {"number": MASK}
        job = await job_when(client, job.id, lambda job: job.finished_at is not None)
        assert (job.total, count(job, JobItemState.DELIVERED)) == (1, 1), "its record is found all the same"
        told = [
            *(each.model_dump(mode="json") for each in (await client.jobs_list()).items),
            *(each.model_dump(mode="json") for each in (await client.activity_list()).items),
        ]
    assert secret not in json.dumps(told)
