"""Salesforce and HubSpot as endpoints: records become contacts, each settled by what the app says of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.connectors.apps.fake import FakeApp
from tests.connectors.apps.fake_crm import FakeHubSpotContacts, FakeSalesforceObjects
from tests.harness.desk import Delivery, Desk, set_up_delivery
from tests.harness.serving import served_desk, until
from tests.integration.test_delivery import in_state
from tests.integration.test_delivery_batches import post_held
from tests.integration.test_samples import ended

from healthdesk.api.connections import ConnectionCreate, Credentials
from healthdesk.api.delivery import MappingStep
from healthdesk.api.fixes import FixGiven, FixResend
from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit
from healthdesk.api.samples import Probe, SampleSend
from healthdesk.api.sources import SourceEdit, SourceEnable, SourceField
from healthdesk.client.client import Client
from healthdesk.domain.states import Environment, ErrorKind, MappingVerb, RecordState
from healthdesk.errors import ApiRefused

QUICK = {"HEALTHDESK_DELIVERY__SCHEDULE": "0s,0.05s,0.05s,0.05s"}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with served_desk(tmp_path / "desk", **QUICK) as running:
        yield running


async def deliver_to(desk: Desk, fake: FakeApp, base_url: str, method: dict[str, Any]) -> Delivery:
    """Set up a delivery through a connection of the fake's app."""
    delivery = await set_up_delivery(desk, fake.url, path="")
    async with desk.client() as client:
        connection_id = await connect(client, fake, base_url)
        edit = EnvironmentEdit.model_validate({"connection_id": connection_id, "delivery": method})
        await client.integration_edit(delivery.integration_id, IntegrationEdit(production=edit))
    return delivery


async def connect(client: Client, fake: FakeApp, base_url: str, name: str | None = None) -> str:
    """Add a connection of the fake's app and return its id."""
    fields = {key: SecretStr(value) for key, value in fake.credentials.items()}
    connection = await client.connection_create(
        ConnectionCreate(
            name=name,
            app=fake.app_id,
            base_url=base_url,
            settings=fake.connection_settings(),
            credentials=Credentials(auth=fake.auth, fields=fields),
        )
    )
    return connection.id


SALESFORCE: dict[str, Any] = {
    "operation": "upsert",
    "inputs": {"object": "Contact", "external_id_field": "Participant_ID__c"},
    "mapping": [
        {"do": "rename", "path": "participant", "to": "Participant_ID__c"},
        {"do": "rename", "path": "last", "to": "LastName"},
    ],
    "batch": {"size": 4, "wait_s": 5},
}
HUBSPOT: dict[str, Any] = {
    "operation": "upsert",
    "mapping": [{"do": "rename", "path": "last", "to": "lastname"}, {"do": "remove", "path": "email"}],
    "batch": {"size": 3, "wait_s": 5},
}


async def test_salesforce_contacts_are_upserted_together_and_settled_one_by_one(desk: Desk) -> None:
    async with FakeSalesforceObjects() as fake:
        delivery = await deliver_to(desk, fake, "", SALESFORCE)
        fake.locked.add("p-2")
        ids = await post_held(
            desk,
            delivery,
            [
                {"participant": "p-1", "last": "Byron"},
                {"participant": "p-2", "last": "Hopper"},
                {"participant": "p-3"},
                {"participant": "p-4", "last": "Private", "Secret__c": "x"},
            ],
        )
        first = await in_state(desk, ids[0], RecordState.DELIVERED)
        locked = await in_state(desk, ids[1], RecordState.DELIVERED)
        lacking = await in_state(desk, ids[2], RecordState.FAILED)
        unknown = await in_state(desk, ids[3], RecordState.FAILED)
        assert [len(each.attempts) for each in (first, locked, lacking, unknown)] == [1, 2, 1, 1]
        assert {key: each["LastName"] for key, each in fake.contacts.items()} == {
            "p-1": "Byron",
            "p-2": "Hopper",
        }
        assert sorted(len(each) for each in fake.collections) == [1, 4]
        assert "REQUIRED_FIELD_MISSING" in lacking.error
        assert "No such column" in unknown.error
        again = await post_held(desk, delivery, [{"participant": "p-1", "last": "Lovelace"}] * 4)
        for each in again:
            await in_state(desk, each, RecordState.DELIVERED)
        assert fake.contacts["p-1"]["LastName"] == "Lovelace"
        assert len(fake.contacts) == 2
        await _shown_and_fixed_as_the_app_receives_it(desk, fake, ids[2])


async def _shown_and_fixed_as_the_app_receives_it(
    desk: Desk, fake: FakeSalesforceObjects, record_id: str
) -> None:
    contact = {"Participant_ID__c": "p-3", "attributes": {"type": "Contact"}}
    async with desk.client() as client:
        shown = await client.record_reveal(record_id)
        assert json.loads(shown.request_body.text or "") == contact
        assert shown.next_body is None, "the next attempt sends the same"
        assert json.dumps([contact], ensure_ascii=False) in shown.curl
        fix = FixResend(
            mapping=[MappingStep(do=MappingVerb.SET, path="last", value="Ching")],
            headers={"Sforce-Auto-Assign": "FALSE"},
            reveal=True,
        )
        seen = await client.record_fix_preview(record_id, fix)
        assert json.loads(seen.before) == contact
        assert json.loads(seen.after) == contact | {"LastName": "Ching"}
        assert seen.url.endswith("/composite/sobjects/Contact/Participant_ID__c")
        assert seen.headers["Sforce-Auto-Assign"] == "FALSE"
        await client.record_fix(record_id, fix)
    await in_state(desk, record_id, RecordState.DELIVERED)
    assert fake.contacts["p-3"]["LastName"] == "Ching"
    assert fake.seen[-1].headers["Sforce-Auto-Assign"] == "FALSE"


async def test_an_app_is_tried_with_a_sample_in_testing_and_its_heartbeat_in_production(desk: Desk) -> None:
    async with FakeSalesforceObjects() as fake:
        delivery = await deliver_to(desk, fake, "", SALESFORCE)
        async with desk.client() as client:
            crm = await client.integration(delivery.integration_id)
            method = {"connection_id": await connect(client, fake, "", "Sandbox"), "delivery": SALESFORCE}
            edit = IntegrationEdit(testing=EnvironmentEdit.model_validate({"path": "", **method}))
            await client.integration_edit(crm.id, edit)
            fields = [SourceField(name="participant", type="string"), SourceField(name="last", type="string")]
            await client.source_edit(delivery.source, SourceEdit(fields=fields))

            tried = await client.integration_test(crm.id, Probe())
            assert tried.ok, tried.sentence
            assert "Salesforce took a sample by “Upsert by external ID” (200)" in tried.sentence
            [[sent]] = fake.collections
            assert tried.exchange is not None
            assert tried.exchange.url.endswith("/composite/sobjects/Contact/Participant_ID__c")
            assert tried.exchange.request_headers["healthdesk-probe"] == "true"
            assert json.loads(tried.exchange.request_body.text or "")["records"] == [sent]
            fake.locked.add(sent["Participant_ID__c"])
            refused = await client.integration_test(crm.id, Probe())
            assert (refused.ok, "UNABLE_TO_LOCK_ROW" in refused.sentence) == (False, True)

            samples = SampleSend(integration_id=crm.id)
            assert "Nothing at Salesforce marks them" in (await client.sample_plan(samples)).warning
            marks = [*SALESFORCE["mapping"], {"do": "set", "path": "FirstName", "value": "{sample}"}]
            edit = IntegrationEdit.model_validate({"testing": {"delivery": SALESFORCE | {"mapping": marks}}})
            await client.integration_edit(crm.id, edit)
            assert "Nothing at Salesforce" not in (await client.sample_plan(samples)).warning
            job = await client.sample_send(samples)
            assert await until(lambda: ended(client, job.id))
            assert {each["FirstName"] for each in fake.collections.pop()} == {True}
            assert fake.seen[-1].headers["healthdesk-sample"] == "true"

            live = Probe(environment=Environment.PRODUCTION, confirm=crm.name)
            tried = await client.integration_test(crm.id, live)
            assert tried.ok, tried.sentence
            assert "Nothing was sent by “Upsert by external ID”" in tried.sentence
            assert len(fake.collections) == 2
            await client.source_enable(delivery.source, SourceEnable(integration_id=crm.id, enabled=False))
            with pytest.raises(ApiRefused, match="enabled for no source"):
                await client.integration_test(crm.id, Probe())


async def test_hubspot_names_what_failed_and_the_rest_is_delivered(desk: Desk) -> None:
    async with FakeHubSpotContacts() as fake:
        delivery = await deliver_to(desk, fake, fake.url, HUBSPOT)
        ids = await post_held(
            desk,
            delivery,
            [
                {"email": "ada@example.com", "last": "Byron"},
                {"email": "grace@example.com", "last_name": "Hopper"},
                {"email": "joan@example.com", "last": "Clarke"},
            ],
        )
        states = [await in_state(desk, each, RecordState.DELIVERED, RecordState.FAILED) for each in ids]
        assert [each.state for each in states] == [
            RecordState.DELIVERED,
            RecordState.FAILED,
            RecordState.DELIVERED,
        ]
        assert set(fake.contacts) == {"ada@example.com", "joan@example.com"}
        [sent] = fake.batches
        assert sorted(each["objectWriteTraceId"] for each in sent) == sorted(ids)
        assert "lastname is missing" in states[1].error
        assert "grace@example.com" not in states[1].error
        named = FixGiven(mapping=[MappingStep(do=MappingVerb.SET, path="last", value="Hopper")])
        other = FixGiven(mapping=[MappingStep(do=MappingVerb.SET, path="first", value="Grace")])
        async with desk.client() as client:
            seen = [await client.record_fix_preview(ids[1], each) for each in (named, other)]
            likely = (await client.record(ids[1])).likely
        assert likely is not None
        assert (likely.field, "it was sent as last_name" in likely.sentence) == ("lastname", True)
        assert [["lastname" in said for said in each.warnings] for each in seen] == [[], [True]]
        [lost] = await post_held(desk, delivery, [{"last": "Nobody"}])
        unmade = await in_state(desk, lost, RecordState.FAILED)
        assert unmade.error_kind == ErrorKind.CONFIGURATION
        assert "the record lacks what the input id_value names" in unmade.error

        create = EnvironmentEdit.model_validate(
            {"delivery": {"operation": "create", "mapping": HUBSPOT["mapping"][:1]}}
        )
        async with desk.client() as client:
            await client.integration_edit(delivery.integration_id, IntegrationEdit(production=create))
        made = await post_held(desk, delivery, [{"email": "ada@example.com", "last": "King"}])
        await in_state(desk, made[0], RecordState.DELIVERED)
        [[created]] = fake.batches[1:]
        assert created["properties"] == {"email": "ada@example.com", "lastname": "King"}
        assert created["objectWriteTraceId"] == made[0]


@pytest.mark.parametrize(
    ("method", "field", "words"),
    [
        ({"operation": ""}, "production.delivery.operation", "by an operation"),
        ({"operation": "merge"}, "production.delivery.operation", "has no operation merge"),
        ({"inputs": {"object": "Contact"}}, "production.delivery.inputs.external_id_field", "is missing"),
        ({"inputs": {"what": "x"}}, "production.delivery.inputs.what", "has no input"),
        (
            {"inputs": {"object": "{data.kind}"}},
            "production.delivery.inputs.object",
            "the same for all records",
        ),
        ({"inputs": {"object": "a b"}}, "production.delivery.inputs.object", "does not look like one"),
        ({"batch": {"size": 201}}, "production.delivery.batch.size", "at most 200"),
        ({"body": "xml"}, "production.delivery.body", "decides that by itself"),
    ],
)
async def test_what_an_app_cannot_do_is_refused_when_it_is_saved(
    desk: Desk, method: dict[str, Any], field: str, words: str
) -> None:
    async with FakeSalesforceObjects() as fake:
        with pytest.raises(ApiRefused) as caught:
            await deliver_to(desk, fake, "", SALESFORCE | method)
        assert (caught.value.field, caught.value.status) == (field, 400)
        assert words in str(caught.value)
