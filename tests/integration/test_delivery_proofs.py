"""Deliveries that prove who sends with tokens that are renewed meanwhile, or with a client certificate."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook
from tests.connectors.certificates import Authority
from tests.harness.desk import Delivery, Desk, set_up_delivery
from tests.harness.serving import served_desk, until
from tests.integration.test_delivery import in_state, post

from healthdesk.api.connections import (
    ConnectionCreate,
    ConnectionEdit,
    Credentials,
    CredentialsUpdate,
    HeartbeatRequest,
    PutBack,
)
from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit
from healthdesk.domain.states import ConnectionState, RecordState
from healthdesk.errors import ApiRefused
from healthdesk.testing import FakeEndpoint, reply
from healthdesk.testing.faults import SeenRequest

QUICK = {"HEALTHDESK_DELIVERY__SCHEDULE": "0s,0.05s,0.05s,0.05s"}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with served_desk(tmp_path / "desk", **QUICK) as running:
        yield running


@pytest.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint() as server:
        yield server


def oauth(endpoint: FakeEndpoint, secret: str = "the-client-secret", **more: str) -> Credentials:
    fields = {"token_endpoint": f"{endpoint.url}/token", "client_id": "desk", "client_secret": secret}
    fields |= {"scopes": "records.write", "audience": "crm", **more}
    return Credentials(auth="oauth2", fields={key: SecretStr(text) for key, text in fields.items()})


def issue(endpoint: FakeEndpoint, number: int, lives_s: float = 3600) -> None:
    """Have the token endpoint give this token from now on."""
    endpoint.on_path("/token", reply(200, json={"access_token": f"token-{number}", "expires_in": lives_s}))


async def use(desk: Desk, delivery: Delivery, create: ConnectionCreate) -> str:
    """Have the delivery go through a new connection; return its id."""
    async with desk.client() as client:
        connection = await client.connection_create(create)
        edit = IntegrationEdit(production=EnvironmentEdit(connection_id=connection.id))
        await client.integration_edit(delivery.integration_id, edit)
    return connection.id


def sent_to(endpoint: FakeEndpoint, path: str) -> list[SeenRequest]:
    return [each for each in endpoint.requests if each.path == path]


async def test_a_token_is_got_once_used_by_heartbeat_and_deliveries_and_asked_once_more_when_it_is_refused(
    desk: Desk, endpoint: FakeEndpoint
) -> None:
    issue(endpoint, 1)
    delivery = await set_up_delivery(desk, endpoint.url)
    connection_id = await use(
        desk,
        delivery,
        ConnectionCreate(
            name="OAuth",
            base_url=endpoint.url,
            credentials=oauth(endpoint),
            heartbeat=HeartbeatRequest(path="/health"),
        ),
    )
    [asked] = sent_to(endpoint, "/token")
    assert asked.body == b"grant_type=client_credentials&scope=records.write&audience=crm"
    assert asked.headers["authorization"].startswith("Basic ")
    for _ in range(2):
        await in_state(desk, await post(delivery, {"a": 1}), RecordState.DELIVERED)
    for each in (*sent_to(endpoint, "/hra"), *sent_to(endpoint, "/health")):
        assert each.headers["authorization"] == "Bearer token-1"
    assert len(sent_to(endpoint, "/token")) == 1

    endpoint.script(401)
    record = await in_state(desk, await post(delivery, {"a": 2}), RecordState.DELIVERED)
    first, second = sent_to(endpoint, "/hra")[2:]
    assert first.body == second.body
    Webhook(delivery.signing_secret).verify(second.body, dict(second.headers))
    assert len(record.attempts) == 1
    async with desk.client() as client:
        assert (await client.connection(connection_id)).state is ConnectionState.CONNECTED
        detail = await client.record_attempt(record.id, record.attempts[0].id)
    assert "token-1" not in detail.model_dump_json()
    assert "token-1" not in desk.log


async def test_a_token_is_renewed_while_records_are_delivered(desk: Desk, endpoint: FakeEndpoint) -> None:
    issue(endpoint, 1, lives_s=0.001)
    delivery = await set_up_delivery(desk, endpoint.url)
    in_body = oauth(endpoint, client_auth="client_secret_post")
    create = ConnectionCreate(name="OAuth", base_url=endpoint.url, credentials=in_body, unchecked=True)
    await use(desk, delivery, create)
    for number in (1, 2, 3):
        issue(endpoint, number, lives_s=0.001)
        await in_state(desk, await post(delivery, {"a": number}), RecordState.DELIVERED)
        assert sent_to(endpoint, "/hra")[-1].headers["authorization"] == f"Bearer token-{number}"
    asked = sent_to(endpoint, "/token")[0]
    assert "authorization" not in asked.headers
    assert b"client_id=desk&" in asked.body
    assert b"client_secret=the-client-secret" in asked.body


async def test_a_client_that_the_token_endpoint_refuses_is_the_connection_s_failure_not_the_record_s(
    desk: Desk, endpoint: FakeEndpoint
) -> None:
    endpoint.on_path("/token", reply(401, json={"error": "invalid_client"}))
    delivery = await set_up_delivery(desk, endpoint.url)
    create = ConnectionCreate(
        name="OAuth", base_url=endpoint.url, credentials=oauth(endpoint), unchecked=True
    )
    connection_id = await use(desk, delivery, create)
    record_id = await post(delivery, {"a": 1})
    async with desk.client() as client:

        async def doubted() -> bool:
            state = (await client.connection(connection_id)).state
            return state in (ConnectionState.SUSPECT, ConnectionState.FAILING)

        await until(doubted)
        assert sent_to(endpoint, "/hra") == []
        issue(endpoint, 3)
        update = CredentialsUpdate(credentials=oauth(endpoint, "another-secret"), unchecked=True)
        await client.connection_update_credentials(connection_id, update)
        if (await client.record(record_id)).state is RecordState.FAILED:
            await client.record_resend(record_id)
    await in_state(desk, record_id, RecordState.DELIVERED)
    assert sent_to(endpoint, "/hra")[-1].headers["authorization"] == "Bearer token-3"


@pytest.mark.parametrize("batch", [None, {"size": 2, "wait_s": 0}], ids=["alone", "batch"])
async def test_of_a_request_for_a_token_that_is_refused_its_own_body_is_shown_and_never_the_record(
    desk: Desk, endpoint: FakeEndpoint, batch: dict[str, Any] | None
) -> None:
    issue(endpoint, 1)
    delivery = await set_up_delivery(desk, endpoint.url)
    in_body = oauth(endpoint, client_auth="client_secret_post")
    create = ConnectionCreate(name="OAuth", base_url=endpoint.url, credentials=in_body, unchecked=True)
    await use(desk, delivery, create)
    endpoint.on_path("/token", reply(401, json={"error": "invalid_client"}))
    async with desk.client() as client:
        edit = EnvironmentEdit.model_validate({"delivery": {"batch": batch}})
        await client.integration_edit(delivery.integration_id, IntegrationEdit(production=edit))
        record_id = await post(delivery, {"name": "Ada"})

        async def tried() -> bool:
            return any(each.finished_at for each in (await client.record(record_id)).attempts)

        await until(tried)
        attempt = (await client.record(record_id)).attempts[0]
        shown = await client.record_attempt(record_id, attempt.id)
        revealed = await client.record_attempt_reveal(record_id, attempt.id)
    assert shown.url == f"{endpoint.url}/token"
    assert shown.request_body is not None
    assert "grant_type=••••" in shown.request_body.text
    assert revealed.request_body is not None
    asked = parse_qs(revealed.request_body.text)
    assert asked["grant_type"] == ["client_credentials"]
    assert asked["client_secret"] == ["••••"]
    assert "Ada" not in revealed.curl + revealed.request_body.text
    assert '--data-raw "${BODY:?the body: the secrets in it are not kept}"' in revealed.curl
    assert "the-client-secret" not in revealed.model_dump_json()


async def test_mutual_tls_for_heartbeat_and_deliveries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority.make(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    certificate, key = authority.issue("desk")
    _, other_key = authority.issue("other")

    def credentials(private_key: str) -> Credentials:
        fields = {"certificate": certificate, "private_key": private_key, "token": "tok-bearer-1"}
        return Credentials(auth="bearer", fields={name: SecretStr(text) for name, text in fields.items()})

    async with (
        FakeEndpoint(ssl_context=authority.server(tmp_path)) as endpoint,
        served_desk(tmp_path / "desk", **QUICK) as desk,
    ):
        delivery = await set_up_delivery(desk, endpoint.url)
        create = ConnectionCreate(
            name="mTLS",
            base_url=endpoint.url,
            credentials=credentials(key),
            heartbeat=HeartbeatRequest(path="/health"),
        )
        wrong = create.model_copy(update={"credentials": credentials(other_key), "name": "wrong"})
        with pytest.raises(ApiRefused, match="does not fit the certificate") as caught:
            await use(desk, delivery, wrong)
        assert caught.value.field == "credentials.fields.private_key"
        connection_id = await use(desk, delivery, create)
        record = await in_state(desk, await post(delivery, {"a": 1}), RecordState.DELIVERED)
        assert '--cert "${CLIENT_CERT:?' in record.curl
        [health], [sent] = sent_to(endpoint, "/health"), sent_to(endpoint, "/hra")
        assert {health.headers["authorization"], sent.headers["authorization"]} == {"Bearer tok-bearer-1"}
        Webhook(delivery.signing_secret).verify(sent.body, dict(sent.headers))
        async with desk.client() as client:
            shown = await client.connection(connection_id)
        assert shown.state is ConnectionState.CONNECTED
        assert shown.expires_at is not None
        assert shown.expires_at.year == 2120
        assert json.dumps(shown.model_dump(mode="json")).count("PRIVATE KEY") == 0


async def test_a_client_certificate_is_not_taken_where_nothing_would_ask_for_it(
    desk: Desk, endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    certificate, key = Authority.make(tmp_path).issue("desk")
    mutual = Credentials(
        auth="mtls", fields={"certificate": SecretStr(certificate), "private_key": SecretStr(key)}
    )
    secure = endpoint.url.replace("http://", "https://")
    async with desk.client() as client:
        refused = pytest.raises(ApiRefused, match=r"shown in TLS, and the base URL begins with http://")
        with refused as caught:
            create = ConnectionCreate(name="A", base_url=endpoint.url, credentials=mutual, unchecked=True)
            await client.connection_create(create)
        assert (caught.value.field, "https://" in caught.value.fix) == ("base_url", True)
        taken = await client.connection_create(create.model_copy(update={"base_url": secure}))
        edit = ConnectionEdit(base_url=endpoint.url, unchecked=True)
        with refused:
            await client.connection_edit(taken.id, edit)
        bearer = Credentials(auth="bearer", token=SecretStr("tok-bearer-1"))
        await client.connection_update_credentials(
            taken.id, CredentialsUpdate(credentials=bearer, unchecked=True)
        )
        assert (await client.connection_edit(taken.id, edit)).base_url == endpoint.url
        with refused:
            await client.connection_update_credentials(
                taken.id, CredentialsUpdate(credentials=mutual, unchecked=True)
            )
        with refused:
            await client.connection_put_back(taken.id, PutBack(unchecked=True))
        assert (await client.connection(taken.id)).auth == "bearer"
    assert endpoint.requests == []
