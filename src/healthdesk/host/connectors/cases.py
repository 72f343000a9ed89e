"""Runs one case of a connector: the connector as the engine has it, with what a fixture gives it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from healthdesk.clock import Clock
from healthdesk.connectors.app import App
from healthdesk.connectors.auth.build import build_authorizer, method_of
from healthdesk.connectors.auth.tokens import MemoryTokens, Tokens
from healthdesk.connectors.client import AppClient
from healthdesk.connectors.connector import Connector
from healthdesk.connectors.fixtures import Fixture
from healthdesk.connectors.results import TaskInputs
from healthdesk.connectors.session import GuardedSession
from healthdesk.connectors.spec import AuthManifest
from healthdesk.domain.exchange import Failure
from healthdesk.errors import ConnectorError
from healthdesk.host.connectors.replay import StillClock

STAND_IN = "redacted-{}"
NEW_KEY = "*"
"""Stands for a private key in a fixture: each run makes its own."""


def connector_for(app: App, fixture: Fixture, session: GuardedSession) -> Connector:
    """Return the connector of a case, with stand-ins for its secrets. Raises ConnectorError."""
    method = method_of(app, fixture.auth)
    values = {
        **{
            field.key: STAND_IN.format(field.key)
            for field in method.fields
            if field.secret and field.required
        },
        **fixture.credentials,
    }
    if method.jwt is not None:
        values[method.jwt.key] = _with_key(values.get(method.jwt.key, NEW_KEY), method)
    return build_connector(
        app,
        fixture,
        values,
        session=session,
        tokens=tokens_of(method, fixture),
        clock=StillClock(fixture.at),
        base_url=fixture.base_url,
    )


def build_connector(
    app: App,
    fixture: Fixture,
    values: Mapping[str, str],
    *,
    session: GuardedSession,
    tokens: MemoryTokens,
    clock: Clock,
    base_url: str = "",
) -> Connector:
    """Return the connector of a case with these credentials. Raises ConnectorError."""
    authorizer = build_authorizer(
        app, fixture.auth, values, fixture.settings, session=session, clock=clock, tokens=tokens
    )
    client = AppClient(
        app,
        session=session,
        authorizer=authorizer,
        auth_id=fixture.auth,
        base_url=base_url,
        settings=fixture.settings,
        clock=clock,
    )
    return app.connector(client)


def tokens_of(method: AuthManifest, fixture: Fixture) -> MemoryTokens:
    """Return stand-ins for tokens that a browser brings; none where the method gets its own."""
    if method.type not in ("oauth2_code", "oauth2_device"):
        return MemoryTokens()
    made = Tokens(
        STAND_IN.format("access_token"),
        fixture.at,
        refresh_token=STAND_IN.format("refresh_token"),
        values=fixture.tokens,
    )
    return MemoryTokens(made)


async def perform(connector: Connector, fixture: Fixture) -> dict[str, Any]:
    """Do what a case is about and return its outcome as JSON values. Raises ConnectorError."""
    inputs, given = fixture.inputs, TaskInputs(**fixture.task)
    operation = fixture.operation
    if operation == "heartbeat":
        check = await connector.check()
        if check.identity is None:
            return _of({"healthy": True}, check.failure)
        return _of({"identity": check.identity.to_json()}, check.failure)
    if operation == "probe":
        reply = await connector.probe(fixture.of, inputs)
        return _of({"permitted": True}, reply.failure)
    if operation == "dataset":
        rows = await connector.collect(fixture.of, inputs)
        return _of({"rows": rows.rows, "cut": rows.cut}, rows.failure)
    if operation == "statuses":
        statuses = await connector.statuses(inputs)
        return _of({"statuses": [asdict(each) for each in statuses.statuses]}, statuses.failure)
    if operation == "fields":
        fields = await connector.task_fields(inputs)
        return _of(
            {"fields": [each.model_dump(exclude_unset=True) for each in fields.fields]}, fields.failure
        )
    if operation == "search":
        tasks = await connector.search_tasks(inputs, fixture.search)
        return _of({"tasks": [asdict(each) for each in tasks.tasks], "cut": tasks.cut}, tasks.failure)
    if operation == "get":
        answer = await connector.get_task(inputs, fixture.id, fixture.key)
    elif operation == "create":
        answer = await connector.create_task(inputs, given)
    else:
        answer = await connector.update_task(inputs, fixture.id, fixture.key, given)
    return _of({"task": asdict(answer.task) if answer.task else None}, answer.failure)


def _of(outcome: dict[str, Any], failure: Failure | None) -> dict[str, Any]:
    if failure is None:
        return outcome
    told: dict[str, Any] = {
        "kind": failure.kind.value,
        "blame": failure.blame.value,
        "status": failure.status,
        "sentence": failure.sentence,
        "next_action": failure.next_action,
    }
    if failure.retry_after_s is not None:
        told["retry_after_s"] = failure.retry_after_s
    return {"failure": told}


def _with_key(text: str, method: AuthManifest) -> str:
    """Return the stand-in of a key field with a private key of its own: PEM, or the key file it is in."""
    assert method.jwt is not None
    key = (
        ec.generate_private_key(ec.SECP256R1())
        if method.jwt.algorithm == "ES256"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    if not text.startswith("{"):
        return pem
    try:
        members = json.loads(text)
    except ValueError:
        raise ConnectorError(
            f"credentials.{method.jwt.key} is no key file", fix='write "*" for PEM'
        ) from None
    return json.dumps({**members, "private_key": pem})
