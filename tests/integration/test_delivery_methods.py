"""Methods beyond a plain POST, through the whole daemon: what arrives is what the mapping says, and its signature holds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import xmltodict
from standardwebhooks import Webhook
from svix.webhooks import Webhook as SvixWebhook
from tests.harness.desk import Delivery, Desk, set_up_delivery
from tests.harness.serving import served_desk
from tests.integration.test_delivery import in_state, post

from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit
from healthdesk.api.samples import Probe
from healthdesk.domain.states import Environment, RecordState
from healthdesk.errors import ApiRefused
from healthdesk.testing import FakeEndpoint
from healthdesk.testing.faults import Behaviour, SeenRequest, reply

QUICK = {"HEALTHDESK_DELIVERY__SCHEDULE": "0s,0.05s,0.05s,0.05s"}
DATA = {"participant": "p/1 ä", "first": "Ada", "score": "7", "born": "1815-12-10", "note": "private"}


@pytest.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint() as server:
        yield server


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with served_desk(tmp_path / "desk", **QUICK) as running:
        yield running


async def deliver_with(desk: Desk, endpoint: FakeEndpoint, **settings: Any) -> Delivery:
    """Set up a delivery and change its production environment; refusals are raised."""
    delivery = await set_up_delivery(desk, endpoint.url)
    async with desk.client() as client:
        changes = IntegrationEdit(production=EnvironmentEdit.model_validate(settings))
        await client.integration_edit(delivery.integration_id, changes)
    return delivery


def verified(delivery: Delivery, request: SeenRequest) -> SeenRequest:
    """Return a request whose signature both reference libraries accept."""
    for verifier in (Webhook, SvixWebhook):
        # Both read the body as JSON once its signature was right; one that is wrong is another error.
        with contextlib.suppress(json.JSONDecodeError):
            verifier(delivery.signing_secret).verify(request.body, dict(request.headers))
        with pytest.raises(Exception, match=r"(?i)signature"):
            verifier(delivery.signing_secret).verify(request.body + b" ", dict(request.headers))
    return request


MAPPING = [
    {"do": "rename", "path": "first", "to": "who.name"},
    {"do": "format", "path": "score", "how": "integer"},
    {"do": "format", "path": "born", "how": "date:%d.%m.%Y"},
    {"do": "remove", "path": "note"},
    {"do": "set", "path": "level", "value": "{level}"},
    {"do": "set", "path": "source", "value": "{source}"},
    {"do": "set", "path": "at", "value": "{completed_at}"},
    {"do": "set", "path": "key", "value": "{webhook_id}"},
]


async def test_a_mapping_makes_the_body_and_the_signature_is_over_what_is_sent(
    desk: Desk, endpoint: FakeEndpoint
) -> None:
    delivery = await deliver_with(desk, endpoint, delivery={"mapping": MAPPING})
    record_id = await post(delivery, DATA)
    request = verified(delivery, (await endpoint.wait_for(1))[0])
    assert json.loads(request.body) == {
        "participant": "p/1 ä",
        "who": {"name": "Ada"},
        "score": 7,
        "born": "10.12.1815",
        "level": "low",
        "source": "heart-health",
        "at": "2026-11-22T14:02:00Z",
        "key": record_id,
    }
    assert request.headers["content-type"] == "application/json"


async def test_xml_and_forms_are_signed_as_they_are_sent(desk: Desk, endpoint: FakeEndpoint) -> None:
    delivery = await deliver_with(
        desk,
        endpoint,
        delivery={"body": "xml", "xml_root": "submission", "mapping": [{"do": "remove", "path": "note"}]},
    )
    await post(delivery, DATA)
    request = verified(delivery, (await endpoint.wait_for(1))[0])
    assert xmltodict.parse(request.body)["submission"]["first"] == "Ada"
    assert request.headers["content-type"] == "application/xml; charset=utf-8"
    async with desk.client() as client:
        form = EnvironmentEdit.model_validate({"delivery": {"body": "form"}})
        await client.integration_edit(delivery.integration_id, IntegrationEdit(production=form))
    await post(delivery, DATA)
    request = verified(delivery, (await endpoint.wait_for(2))[1])
    assert parse_qs(request.body.decode())["participant"] == ["p/1 ä"]
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


async def test_path_and_headers_are_templates_and_values_stay_in_their_place(
    desk: Desk, endpoint: FakeEndpoint
) -> None:
    delivery = await deliver_with(
        desk,
        endpoint,
        method="PUT",
        path="/people/{data.participant}/records?level={level}&gone={data.gone}&raw={{x}}",
        headers={"X-Record": "{id}", "X-Source": "from {source}", "X-Gone": "{data.gone}"},
    )
    record_id = await post(delivery, DATA)
    request = verified(delivery, (await endpoint.wait_for(1))[0])
    assert request.method == "PUT"
    assert request.path == "/people/p%2F1%20%C3%A4/records?level=low&gone=&raw=%7Bx%7D"
    assert json.loads(request.body) == DATA
    assert (request.headers["x-record"], request.headers["x-source"]) == (record_id, "from heart-health")
    assert "x-gone" not in request.headers


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_methods_without_a_body_say_all_of_it_in_the_path(
    desk: Desk, endpoint: FakeEndpoint, method: str
) -> None:
    delivery = await deliver_with(
        desk, endpoint, method=method, path="/people/{data.first}?score={data.score}"
    )
    await post(delivery, DATA)
    request = verified(delivery, (await endpoint.wait_for(1))[0])
    assert (request.method, request.path, request.body) == (method, "/people/Ada?score=7", b"")


async def test_every_attempt_of_a_record_sends_the_same_but_for_the_time(
    desk: Desk, endpoint: FakeEndpoint
) -> None:
    delivery = await deliver_with(
        desk,
        endpoint,
        path="/x/{data.first}",
        headers={"X-Level": "{level}"},
        delivery={"mapping": MAPPING, "body": "xml"},
    )
    endpoint.script(500, 500)
    await in_state(desk, await post(delivery, DATA), RecordState.DELIVERED)
    requests = await endpoint.wait_for(3)
    timed = {"webhook-timestamp", "webhook-signature"}
    said = {
        (
            each.method,
            each.path,
            each.body,
            tuple(sorted(item for item in each.headers.items() if item[0].lower() not in timed)),
        )
        for each in requests
    }
    assert len(said) == 1
    for each in requests:
        verified(delivery, each)


async def test_a_record_nothing_can_be_made_of_fails_at_once_and_says_what_to_do(
    desk: Desk, endpoint: FakeEndpoint
) -> None:
    delivery = await deliver_with(
        desk, endpoint, path="/people/{data.email}", delivery={"mapping": [{"do": "remove", "path": "note"}]}
    )
    no_object = await in_state(desk, await post(delivery, ["private"]), RecordState.FAILED)
    no_email = await in_state(desk, await post(delivery, DATA), RecordState.FAILED)
    assert "the record's data is an array, and a mapping needs a JSON object" in no_object.error
    assert "the record's email is missing, and the path needs it" in no_email.error
    assert "private" not in no_object.error + no_email.error
    assert endpoint.requests == []
    async with desk.client() as client:
        shown = await client.integration(delivery.integration_id)
        assert shown.environments[0].totals["failed"] == 2


@pytest.mark.parametrize(
    ("refused", "answer", "error", "kind"),
    [
        ("error.message", {"error": {"message": "no such participant"}}, "no such participant", "refused"),
        (
            "success == `false`",
            {"success": False, "message": "consent is required"},
            "consent is required",
            "missing_field",
        ),
        ("success == `false`", {"success": False}, "The endpoint refused the record (200 OK)", "refused"),
        (
            "errors[0].detail",
            {"errors": [{"detail": "no place for Ada in it"}]},
            "no place for •••• in it",
            "refused",
        ),
    ],
)
async def test_an_answer_of_success_that_says_otherwise_refuses_the_record(
    desk: Desk, endpoint: FakeEndpoint, refused: str, answer: dict[str, Any], error: str, kind: str
) -> None:
    delivery = await deliver_with(desk, endpoint, delivery={"refused": refused})
    endpoint.answer(200, json=answer)
    failed = await in_state(desk, await post(delivery, DATA), RecordState.FAILED)
    [attempt] = failed.attempts
    assert (failed.error, attempt.error_kind, attempt.status) == (error, kind, 200)
    assert failed.likely is not None
    assert "(200)" in failed.likely.sentence
    async with desk.client() as client:
        tried = await client.integration_test(
            delivery.integration_id, Probe(environment=Environment.PRODUCTION, confirm="CRM delivery")
        )
    assert not tried.ok


async def test_a_test_that_fails_is_not_said_to_be_tried_again(desk: Desk, endpoint: FakeEndpoint) -> None:
    delivery = await set_up_delivery(desk, endpoint.url)
    endpoint.answer(503)
    async with desk.client() as client:
        tried = await client.integration_test(
            delivery.integration_id, Probe(environment=Environment.PRODUCTION, confirm="CRM delivery")
        )
    assert tried.next_action == "Test it again. If it stays, tell the endpoint's owner"


@pytest.mark.parametrize(
    "behaviour",
    [
        reply(200, json={"success": True, "error": None}),
        reply(200, json={"error": ""}),
        reply(201),
        reply(200, body=b"<p>error</p>", headers={"Content-Type": "text/html"}),
        reply(200, json=["error"]),
    ],
    ids=["says that it did", "an empty text", "no body", "no JSON", "another shape"],
)
async def test_an_answer_of_success_that_says_nothing_else_delivers(
    desk: Desk, endpoint: FakeEndpoint, behaviour: Behaviour
) -> None:
    delivery = await deliver_with(desk, endpoint, delivery={"refused": "error || success == `false`"})
    endpoint.script(behaviour)
    await in_state(desk, await post(delivery, DATA), RecordState.DELIVERED)


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ({"path": "/x/{surname}"}, "production.path", "{surname} names nothing of a record"),
        ({"headers": {"X-A": "{data.x"}}, "production.headers.X-A", "stands alone"),
        ({"method": "GET"}, "production.path", "the path names nothing of it"),
        (
            {"method": "DELETE", "path": "/{id}", "delivery": {"body": "json"}},
            "production.delivery.body",
            "has no body",
        ),
        (
            {"delivery": {"mapping": [{"do": "format", "path": "a", "how": "loud"}]}},
            "production.delivery.mapping[0].how",
            "no format",
        ),
        (
            {"delivery": {"body": "xml", "xml_root": "a b"}},
            "production.delivery.xml_root",
            "name of an element",
        ),
        (
            {"delivery": {"body": "form", "batch": {"size": 2}}},
            "production.delivery.batch",
            "several records",
        ),
        (
            {"delivery": {"batch": {"size": 2, "results": "a["}}},
            "production.delivery.batch.results",
            "JMESPath",
        ),
        ({"delivery": {"refused": "success =="}}, "production.delivery.refused", "JMESPath"),
        (
            {"delivery": {"refused": "error", "batch": {"size": 2, "results": "results"}}},
            "production.delivery.refused",
            "which of its records are refused",
        ),
        ({"delivery": {"order": {"key": "a..b"}}}, "production.delivery.order.key", "no path"),
        ({"delivery": {"lookup": {"path": "/{nope}"}}}, "production.delivery.lookup.path", "names nothing"),
    ],
)
async def test_settings_that_can_never_work_are_refused_with_their_place(
    desk: Desk, endpoint: FakeEndpoint, settings: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(ApiRefused) as caught:
        await deliver_with(desk, endpoint, **settings)
    assert (caught.value.status, caught.value.field) == (400, field)
    assert words in str(caught.value)
    assert caught.value.fix
    assert words != "{surname} names nothing of a record" or "{{surname}}" in caught.value.fix
