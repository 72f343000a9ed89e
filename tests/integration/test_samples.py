"""Sample data: one submission a level of each source that the integration is active for, marked, and followed to its end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from standardwebhooks import Webhook
from tests.harness.desk import Desk
from tests.harness.serving import served_desk, until

from healthdesk.api.connections import ConnectionCreate
from healthdesk.api.flow import CircuitChange
from healthdesk.api.integrations import EnvironmentSettings, IntegrationCreate, IntegrationEdit
from healthdesk.api.records import RecordFilter
from healthdesk.api.samples import SampleSend
from healthdesk.api.sources import SourceCreate, SourceEnable, SourceField
from healthdesk.client.client import Client
from healthdesk.domain.job_states import JobItemState, JobKind, JobState
from healthdesk.domain.states import Environment, HoldReason, RecordState
from healthdesk.errors import ApiRefused
from healthdesk.testing import FakeEndpoint

TESTING, PRODUCTION = Environment.TESTING, Environment.PRODUCTION
LEVELS = ["low", "moderate", "high"]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with served_desk(tmp_path) as served:
        yield served


@pytest.fixture
async def live() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint() as endpoint:
        yield endpoint


@pytest.fixture
async def trial() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint() as endpoint:
        yield endpoint


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[Client]:
    async with desk.client() as opened:
        yield opened


async def crm(client: Client, live: FakeEndpoint, trial: FakeEndpoint) -> tuple[str, dict[Environment, str]]:
    """An integration with both environments and two of three sources; its id and signing secrets."""
    made = [
        await client.connection_create(ConnectionCreate(name=name, base_url=endpoint.url, unchecked=True))
        for name, endpoint in (("CRM", live), ("CRM test", trial))
    ]
    integration = await client.integration_create(
        IntegrationCreate(
            name="CRM",
            production=EnvironmentSettings(connection_id=made[0].id, path="/hra"),
            testing=EnvironmentSettings(connection_id=made[1].id, path="/hra"),
        )
    )
    fields = [
        SourceField(name="participant_id", type="string", required=True, lookup=True),
        SourceField(name="score", type="integer", required=True),
        SourceField(name="risk_level", type="string"),
        SourceField(name="clinic", type="string", example="North"),
    ]
    await client.source_create(SourceCreate(key="heart", name="Heart health", levels=LEVELS, fields=fields))
    await client.source_create(SourceCreate(key="sleep", name="Sleep"))
    await client.source_create(SourceCreate(key="diabetes", name="Diabetes risk", levels=["low"]))
    for key in ("heart", "sleep"):
        await client.source_enable(key, SourceEnable(integration_id=integration.id))
    secrets = {each.environment: each.secret for each in integration.new_signing_secrets}
    return integration.id, secrets


async def test_one_a_level_of_each_source_where_it_is_active(
    client: Client, live: FakeEndpoint, trial: FakeEndpoint
) -> None:
    integration_id, secrets = await crm(client, live, trial)
    choice = SampleSend(integration_id=integration_id)
    plan = await client.sample_plan(choice)
    assert [(each.source, each.records, each.skipped) for each in plan.sources] == [
        ("heart", 3, ""),
        ("sleep", 1, ""),
        ("diabetes", 0, "not enabled for CRM"),
    ]
    assert (plan.total, plan.environment) == (4, TESTING)
    assert "may not match" in plan.warning
    assert live.requests + trial.requests == []

    job = await client.sample_send(choice)
    assert (job.kind, job.total) == (JobKind.SAMPLE, 4)
    await until(lambda: ended(client, job.id))
    done = await client.job(job.id)
    assert (done.state, done.counts.get(JobItemState.DELIVERED)) == (JobState.DONE, 4)

    assert live.requests == []
    assert len(trial.requests) == 4
    hook = Webhook(secrets[TESTING])
    sent = [hook.verify(request.body, dict(request.headers)) for request in trial.requests]
    assert {request.headers["healthdesk-sample"] for request in trial.requests} == {"true"}
    hearts = sorted((each for each in sent if "risk_level" in each), key=lambda each: each["score"])
    assert [each["risk_level"] for each in hearts] == LEVELS
    records = (await client.records_list(RecordFilter(integration_id=integration_id))).items
    assert {(each.sample, each.environment, each.state) for each in records} == {
        (True, TESTING, RecordState.DELIVERED)
    }
    looked_up = RecordFilter(lookup={"participant_id": hearts[0]["participant_id"]})
    assert [each.level for each in (await client.records_list(looked_up)).items] == ["low"]
    newest = (await client.activity_list(limit=1)).items[0]
    assert newest.verb == "sent samples"
    assert "participant" not in json.dumps(newest.detail)


async def ended(client: Client, job_id: str) -> bool:
    return (await client.job(job_id)).finished_at is not None


async def test_production_is_confirmed_by_the_integrations_name(
    client: Client, live: FakeEndpoint, trial: FakeEndpoint
) -> None:
    integration_id, _ = await crm(client, live, trial)
    choice = SampleSend(integration_id=integration_id, environment=PRODUCTION, sources=["sleep"])
    with pytest.raises(ApiRefused) as refused:
        await client.sample_send(choice)
    assert refused.value.field == "confirm"
    assert live.requests == []
    job = await client.sample_send(choice.model_copy(update={"confirm": "CRM"}))
    await until(lambda: ended(client, job.id))
    assert len(live.requests) == 1
    assert trial.requests == []


async def test_what_cannot_be_sent_is_told_with_the_reason(
    client: Client, live: FakeEndpoint, trial: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    integration_id, _ = await crm(client, live, trial)
    with pytest.raises(ApiRefused, match="not enabled"):
        await client.sample_send(SampleSend(integration_id=integration_id, sources=["diabetes"]))
    with pytest.raises(ApiRefused, match="no source nope"):
        await client.sample_plan(SampleSend(integration_id=integration_id, sources=["nope"]))
    with monkeypatch.context() as patch:
        patch.setattr("healthdesk.operations.samples.MAX_PAGE", 2)
        every = await client.sample_plan(SampleSend(integration_id=integration_id))
        assert [each.source for each in every.sources] == ["heart", "sleep", "diabetes"]
    await client.integration_circuit(integration_id, CircuitChange(environment=TESTING, do="open"))
    plan = await client.sample_plan(SampleSend(integration_id=integration_id, sources=["sleep"]))
    assert [each.skipped for each in plan.sources] == ["testing delivers nothing now: its circuit is open"]
    await client.integration_pause(integration_id, TESTING)
    plan = await client.sample_plan(SampleSend(integration_id=integration_id))
    assert plan.total == 0
    assert {each.skipped for each in plan.sources} == {"testing is paused", "not enabled for CRM"}


async def test_a_refused_sample_is_counted_and_found_in_the_log(
    client: Client, live: FakeEndpoint, trial: FakeEndpoint
) -> None:
    integration_id, _ = await crm(client, live, trial)
    trial.answer(422)
    job = await client.sample_send(SampleSend(integration_id=integration_id, sources=["heart"]))
    await until(lambda: ended(client, job.id))
    assert (await client.job(job.id)).counts.get(JobItemState.FAILED) == 3
    failed = await client.records_list(RecordFilter(job_id=job.id, states=[RecordState.FAILED], sample=True))
    assert len(failed.items) == 3

    ordered = {"testing": {"delivery": {"order": {"key": "clinic"}}}}
    await client.integration_edit(integration_id, IntegrationEdit.model_validate(ordered))
    job = await client.sample_send(SampleSend(integration_id=integration_id, sources=["heart"]))

    async def held() -> bool:
        waiting = RecordFilter(job_id=job.id, hold_reasons=[HoldReason.ORDER])
        return len((await client.records_list(waiting)).items) == 2

    await until(held)
