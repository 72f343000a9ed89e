"""Bearer keys of upstream systems, and the secrets that sign what the desk delivers."""

from __future__ import annotations

from datetime import datetime

from healthdesk.api.keys import Key, KeyCreate, NewSecret, SigningSecret
from healthdesk.domain.activity import Verb
from healthdesk.domain.signing import new_secret
from healthdesk.domain.states import Environment
from healthdesk.errors import NotFound
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.paging import model_of
from healthdesk.operations.secrets import hash_key, new_bearer_key
from healthdesk.store import integrations as queries
from healthdesk.store.rows import IntegrationRow
from healthdesk.vault import hint

_SECRET_BYTES = 32


async def list_keys(desk: Desk, integration_id: str) -> list[Key]:
    """Return the valid bearer keys of an integration, never their text."""
    desk.require("integrations.keys")
    await desk.read(queries.get, integration_id)
    rows = await desk.read(queries.keys, integration_id, desk.now())
    make = model_of(Key)
    return [make(row) for row in rows]


async def new_key(desk: Desk, integration_id: str, choice: KeyCreate) -> NewSecret:
    """Make a new bearer key; those before it stay valid for the overlap."""
    desk.require("integrations.add_key")
    text = new_bearer_key(desk)
    now = desk.now()
    key_id = desk.ctx.ids.new("key", now)

    def change(conn: Conn) -> datetime | None:
        row = with_environment(conn, integration_id, choice)
        until = queries.insert_key(
            conn,
            key_id=key_id,
            integration_id=integration_id,
            environment=choice.environment,
            key_hash=hash_key(text),
            hint=hint(text),
            now=now,
            by=desk.operator.user,
            overlap_s=choice.overlap_s,
        )
        _note(conn, desk, Verb.MADE_KEY, row, choice)
        return until

    until = await desk.write(change, ("integration", integration_id))
    return NewSecret(
        id=key_id, environment=choice.environment, secret=text, hint=hint(text), replaces_until=until
    )


async def list_signing_secrets(desk: Desk, integration_id: str) -> list[SigningSecret]:
    """Return the secrets that sign what an integration sends, those in their overlap too, never their text."""
    desk.require("integrations.signing_secrets")
    await desk.read(queries.get, integration_id)
    rows = await desk.read(queries.signing_secrets, integration_id, None, desk.now())
    make = model_of(SigningSecret)
    return [make(row) for row in rows]


def first_signing_secret(desk: Desk, conn: Conn, integration_id: str, environment: Environment) -> NewSecret:
    """Make the secret of a new environment, in the transaction that makes it: nothing leaves the desk unsigned."""
    text, now = new_secret(desk.ctx.random_bytes(_SECRET_BYTES)), desk.now()
    secret_id = desk.ctx.ids.new("sec", now)
    queries.insert_secret(
        conn,
        "signing",
        secret_id=secret_id,
        integration_id=integration_id,
        environment=environment,
        secret_enc=desk.ctx.vault.encrypt(text),
        hint=hint(text),
        now=now,
        by=desk.operator.user,
    )
    return NewSecret(id=secret_id, environment=environment, secret=text, hint=hint(text))


async def new_signing_secret(desk: Desk, integration_id: str, choice: KeyCreate) -> NewSecret:
    """Make a new signing secret; deliveries carry the signatures of both until the overlap ends."""
    desk.require("integrations.add_signing_secret")
    text = new_secret(desk.ctx.random_bytes(_SECRET_BYTES))
    now = desk.now()
    secret_id = desk.ctx.ids.new("sec", now)

    def change(conn: Conn) -> datetime | None:
        row = with_environment(conn, integration_id, choice)
        until = queries.insert_secret(
            conn,
            "signing",
            secret_id=secret_id,
            integration_id=integration_id,
            environment=choice.environment,
            secret_enc=desk.ctx.vault.encrypt(text),
            hint=hint(text),
            now=now,
            by=desk.operator.user,
            overlap_s=choice.overlap_s,
        )
        _note(conn, desk, Verb.MADE_SIGNING_SECRET, row, choice)
        return until

    until = await desk.write(change, ("integration", integration_id))
    await desk.engine.refresh()
    return NewSecret(
        id=secret_id, environment=choice.environment, secret=text, hint=hint(text), replaces_until=until
    )


def with_environment(conn: Conn, integration_id: str, choice: KeyCreate) -> IntegrationRow:
    """Return an integration that has the chosen environment, or raise NotFound."""
    row = queries.get(conn, integration_id)
    if choice.environment not in {each.environment for each in row.environments}:
        raise NotFound(
            f"{row.name} has no environment {choice.environment.value}",
            fix=f"add it with `healthdesk integrations edit {row.id} --environment {choice.environment.value}"
            " --connection CONNECTION`",
        )
    return row


def _note(conn: Conn, desk: Desk, verb: Verb, row: IntegrationRow, choice: KeyCreate) -> None:
    detail = {"environment": choice.environment.value, "overlap_s": choice.overlap_s}
    desk.note(conn, verb, "integration", row.id, row.name, detail)
