"""A whole set-up from a file: planned, made whole or not at all, exported the same, and applied again without a change."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.harness.setup_columns import IN_THE_FILE, left_out
from tests.integration.engine_desk import engine_on

from healthdesk.api.alerts import RuleCreate
from healthdesk.api.connections import ConnectionEdit
from healthdesk.api.filters import SavedFilterCreate
from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit
from healthdesk.api.records import RecordFilter
from healthdesk.api.samples import Promote
from healthdesk.api.setup import SetupGiven
from healthdesk.domain.signing import new_secret
from healthdesk.domain.states import Environment, IntegrationState, Role
from healthdesk.errors import Conflict, ConnectorError, Malformed, StoreUnavailable
from healthdesk.operations import (
    channels,
    connecting,
    connections,
    filters,
    integrations,
    journal,
    labels,
    promoting,
    rules,
    setup,
    task_integrations,
)
from healthdesk.operations.desk import Desk, Operator
from healthdesk.operations.setup_text import parsed
from healthdesk.store import connections as connection_queries
from healthdesk.store import integrations as integration_queries
from healthdesk.store.rehearsal import COPIED
from healthdesk.store.rows import HeartbeatSettings
from healthdesk.store.schema_all import TABLES
from healthdesk.testing import FakeClock
from healthdesk.vault import hint

TOKEN = "token-1234567890-abcd"

WHOLE = """
[[connections]]
name = "CRM endpoint"
auth = "bearer"
base_url = "https://crm.example/api/"
heartbeat = { method = "GET", path = "/health", expected_status = 204 }
verification = { scheme = "token", header = "X-Token" }
callback_secret = true
callback_limit_per_minute = 30
members = { mia = "manager" }

[[connections]]
name = "Data lake"
auth = "basic"
fields = { username = "desk" }
optional_secrets = ["password"]
base_url = "https://lake.example"
verification = { scheme = "none" }
settings = { token_url = "https://login.example/token" }
ping = { schedule = { cron = "0 3 * * *", zone = "Europe/Berlin" }, grace_s = 900.0 }

[[connections]]
name = "Our Jira"
app = "jira-cloud"
auth = "api_token"
fields = { site = "acme", email = "desk@acme.example" }

[[connections]]
name = "Our GitHub"
app = "github"
auth = "token"

[[integrations]]
name = "CRM"
[integrations.production]
connection = "CRM endpoint"
path = "/v2/hra"
method = "PUT"
headers = { X-Team = "ops" }
concurrency = 3
rate_per_s = 20.0
timeout_s = 12.0
on_unknown = "hold"
accept_limit_per_minute = 600
paused = true
[integrations.testing]
connection = "Data lake"
[integrations.testing.delivery]
body = "json"
mapping = [{ do = "rename", path = "score", to = "risk.score" }]

[[integrations]]
name = "Tickets"
kind = "tasks"
connection = "Our Jira"
paused = true
[integrations.tasks]
container = { project = "OPS", issue_type = "Task" }
directions = { description = "push" }
statuses = { not_started = "10001" }
their_statuses = { "10005" = "done" }
people = { mia = "mia@acme.example" }
values = { priority = "High" }
every_s = 1800.0

[[integrations]]
name = "Evidence"
kind = "proof"
app = "github"
proof = { every_s = 43200.0 }

[[sources]]
key = "heart-health"
name = "Heart health"
levels = ["low", "high"]
fields = [
    { name = "participant_id", type = "string", required = true, lookup = true },
    { name = "score", type = "integer", example = "7", sensitive = false },
]
enabled = ["CRM"]
silence = [
    { integration = "CRM", after_s = 0.0 },
    { integration = "CRM", environment = "testing", after_s = 7200.0 },
]

[[channels]]
name = "Ops"

[[rules]]
name = "CRM team"
integration = "CRM"
environments = ["production", "testing"]
channels = ["Ops"]
recoveries = false

[[rules]]
name = "Jira"
connection = "Our Jira"
channels = ["Ops"]
enabled = false

[[labels]]
kind = "control"
name = "Access"
description = "Who may get in"
members = ["mia"]

[[templates]]
name = "Review access"
task = { name = "Review access of {date}", description = "All of it", assignee = "mia", due_in_days = 7 }
schedule = { every_s = 86400.0 }
integration = "Tickets"
connection = "Our Jira"

[[proof_syncs]]
name = "Who can push"
integration = "Evidence"
connection = "Our GitHub"
dataset = "organisation_members"
fields = { org = "acme" }
control = "Access"
every_s = 3600.0

[[filters]]
name = "Refused by the CRM"
integration = "CRM"
filter = { states = ["failed"], statuses = [422], text = "score" }
"""
THINGS = 15

SECRETS = {
    "connections.CRM endpoint.token": TOKEN,
    "connections.CRM endpoint.callback_secret": TOKEN,
    "connections.Data lake.password": TOKEN,
    "connections.Our Jira.api_token": TOKEN,
    "connections.Our GitHub.token": TOKEN,
    "channels.Ops.url": "json://127.0.0.1:9/hook",
}

SMALL = """
[[connections]]
name = "Endpoint"
auth = "bearer"
base_url = "https://crm.example"

[[integrations]]
name = "CRM"
production = { connection = "Endpoint", path = "/v2", rate_per_s = 20.0, paused = true, delivery = { body = "json", mapping = [{ do = "remove", path = "a" }] } }

[[sources]]
key = "heart-health"
name = "Heart health"
levels = ["low", "high"]
fields = [{ name = "id", type = "string" }, { name = "score", type = "integer" }]
enabled = ["CRM"]

[[labels]]
name = "Access"
"""
SMALL_SECRETS = {"connections.Endpoint.token": TOKEN}


@contextlib.asynccontextmanager
async def desk_in(folder: Path) -> AsyncIterator[Desk]:
    async with engine_on(folder, FakeClock()) as engine:
        yield Desk(engine, Operator("alice", Role.ADMINISTRATOR))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path) as made:
        yield made


async def imported(desk: Desk, text: str, secrets: dict[str, str] | None = None):
    planned = await setup.load(desk, SetupGiven(text=text, secrets=secrets or {}))
    assert planned.refused == 0, [each for each in planned.changes if each.do == "refuse"]
    return await setup.load(desk, SetupGiven(text=text, secrets=secrets or {}, version=planned.version))


async def counted(desk: Desk, text: str) -> tuple[int, int, int, int]:
    planned = await setup.load(desk, SetupGiven(text=text))
    return planned.added, planned.changed, planned.refused, planned.same


async def rows(desk: Desk) -> dict[str, list[Any]]:
    """Return everything in the database."""

    def read(conn):
        return {
            name: [row._asdict() for row in conn.execute(sa.select(table))] for name, table in TABLES.items()
        }

    return await desk.read(read)


def test_every_column_is_in_the_file_or_there_is_a_reason_why_not() -> None:
    for name, table in TABLES.items():
        for column in [each.name for each in table.columns]:
            reasons = left_out(name, column)
            wanted = column in IN_THE_FILE.get(name, ())
            assert wanted != bool(reasons), (name, column, reasons)
    for name, columns in IN_THE_FILE.items():
        assert set(columns) <= set(TABLES[name].columns.keys())
    assert set(IN_THE_FILE) <= set(COPIED), "what a set-up is made of is there when it is rehearsed"


def configured(everything: dict[str, list[Any]]) -> dict[str, list[str]]:
    """Return the columns of a set-up, ids as what they are of."""
    named = {
        row["id"]: str(row.get("key") or row["name"])
        for table in ("connections", "integrations", "sources", "channels", "labels")
        for row in everything[table]
    }

    def told(value: Any) -> Any:
        text = json.dumps(value, default=str, sort_keys=True)
        for object_id, name in named.items():
            text = text.replace(object_id, name)
        return text

    return {
        table: sorted(told({column: row[column] for column in columns}) for row in everything[table])
        for table, columns in IN_THE_FILE.items()
    }


async def test_all_that_an_operator_sets_up_goes_to_another_desk_in_the_file(tmp_path: Path) -> None:
    async with desk_in(tmp_path / "one") as one, desk_in(tmp_path / "two") as two:
        done = await imported(one, WHOLE, SECRETS)
        assert done.added == THINGS
        assert set(done.secrets) == {
            "integrations.CRM.production.key",
            "integrations.CRM.production.signing_secret",
            "integrations.CRM.testing.key",
            "integrations.CRM.testing.signing_secret",
            "connections.Data lake.ping",
        }
        first = await rows(one)
        for table, columns in IN_THE_FILE.items():
            for column in columns:  # else the desk that follows could not show that it was left out
                values = [row[column] for row in first[table]]
                assert any(value not in (None, "", [], {}) for value in values), f"{table}.{column}"

        assert await counted(one, WHOLE) == (0, 0, 0, THINGS)
        unused = await setup.load(
            one, SetupGiven(text=WHOLE, secrets={"connections.Our Jira.api_token": "x"})
        )
        assert (done.unused_secrets, unused.unused_secrets) == ([], ["connections.Our Jira.api_token"])
        exported = await setup.export(one)
        assert TOKEN not in exported
        assert "json://" not in exported
        assert "Not in this file" not in exported
        assert await counted(one, exported) == (0, 0, 0, THINGS)

        await imported(two, exported, SECRETS)
        assert configured(await rows(two)) == configured(first)
        assert tomllib.loads(await setup.export(two)) == tomllib.loads(exported)


CHANGES = (
    ("/api/", "/api/v2"),
    ("expected_status = 204", "expected_status = 200"),
    ('header = "X-Token"', 'header = "X-Key"'),
    ("callback_limit_per_minute = 30", "callback_limit_per_minute = 60"),
    ('members = { mia = "manager" }', 'members = { bob = "user" }'),
    ("https://login.example/token", "https://login.example/v2/token"),
    ("grace_s = 900.0", "grace_s = 600.0"),
    ('method = "PUT"', 'method = "POST"'),
    ("concurrency = 3", "concurrency = 4"),
    (
        '[integrations.testing]\nconnection = "Data lake"',
        '[integrations.testing]\nconnection = "CRM endpoint"',
    ),
    (
        '[integrations.production]\nconnection = "CRM endpoint"',
        '[integrations.production]\nconnection = "Data lake"',
    ),
    ('project = "OPS"', 'project = "ENG"'),
    ("every_s = 43200.0", "every_s = 3600.0"),
    (
        'kind = "tasks"\nconnection = "Our Jira"\npaused = true',
        'kind = "tasks"\nconnection = "Our Jira"\npaused = false',
    ),
    ('    { integration = "CRM", environment = "testing", after_s = 7200.0 },\n', ""),
    ("after_s = 0.0", "after_s = 600.0"),
    ('integration = "CRM"\nenvironments', 'integration = "Evidence"\nenvironments'),
    ("enabled = false", "enabled = true"),
    ("Who may get in", "Who gets in"),
    ('members = ["mia"]', 'members = ["bob"]'),
    ("due_in_days = 7", "due_in_days = 3"),
    ("schedule = { every_s = 86400.0 }", 'schedule = { cron = "0 6 * * 1" }'),
    ('fields = { org = "acme" }', 'fields = { org = "beta", role = "admin" }'),
    ("statuses = [422]", "statuses = [400, 422]"),
)


async def test_every_kind_of_thing_is_changed_by_the_file_and_then_it_is_as_the_file_says(desk: Desk) -> None:
    await imported(desk, WHOLE, SECRETS)
    changed = WHOLE
    for before, after in CHANGES:
        assert before in changed, before
        changed = changed.replace(before, after)
    assert (
        await imported(desk, changed)
    ).changed == THINGS - 3  # two connections without settings, and the channel
    assert await counted(desk, changed) == (0, 0, 0, THINGS)
    assert (await counted(desk, WHOLE))[1] == THINGS - 3


async def test_names_that_are_there_twice_get_a_number_and_what_has_no_name_is_told(desk: Desk) -> None:
    text = (
        SMALL
        + '[[channels]]\nname = "Ops"\n[[integrations]]\nname = "Proof"\nkind = "proof"\napp = "github"\n'
    )
    await imported(desk, text, {**SMALL_SECRETS, "channels.Ops.url": "json://127.0.0.1:9/hook"})
    [ops] = (await channels.list_all(desk, None, 500)).items
    [proof] = [each for each in (await integrations.list_all(desk, None, 500)).items if each.name == "Proof"]
    for name, recoveries in (("Team", True), ("Team", False)):
        await rules.add(desk, RuleCreate(name=name, channel_ids=[ops.id], recoveries=recoveries))
    await rules.add(desk, RuleCreate(name="Gone", channel_ids=[ops.id], integration_id=proof.id))
    await task_integrations.remove(desk, proof.id, unlink=False)
    for name, shared in (("One job", True), ("Mine", False)):
        await filters.save(
            desk, SavedFilterCreate(name=name, shared=shared, filter=RecordFilter(job_id=f"job_{ops.id[4:]}"))
        )

    exported = await setup.export(desk)
    found = tomllib.loads(exported)
    assert [(each["name"], each.get("recoveries", True)) for each in found["rules"]] == [
        ("Team", True),
        ("Team 2", False),
    ]
    assert "filters" not in found
    assert [line for line in exported.splitlines() if line.startswith("# Not in this file")] == [
        "# Not in this file: rule Gone, as what it is for is gone",
        "# Not in this file: filter One job, as it names what only this desk has",
    ]
    assert await counted(desk, exported) == (0, 0, 0, 7)
    mine = '[[filters]]\nname = "Mine"\n'
    [refused] = (await setup.load(desk, SetupGiven(text=mine))).changes[:1]
    assert (refused.do, "for yourself" in refused.why) == ("refuse", True)


async def test_fifty_connections_and_three_integrations_from_a_file(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = "".join(
        f'[[connections]]\nname = "Endpoint {number}"\nbase_url = "https://crm{number % 49}.example"\n'
        for number in range(50)
    )
    three = '[[integrations]]\nname = "{}"\nproduction = {{ connection = "{}" }}\n'
    text = many + "".join(
        three.format(name, endpoint)
        for name, endpoint in (("CRM", "Endpoint 0"), ("Lake", "Endpoint 1"), ("Third", "Endpoint 49"))
    )
    text = text.replace('"Endpoint 49" }', '"Endpoint 49", delivery = { receipt = {} } }')
    text += (
        'testing = { connection = "Endpoint 0", delivery = { receipt = {} } }\n'  # where Endpoint 49 is, too
    )
    receipts_of_production, place = (
        f"integrations.Third.{each}.receipt_secret" for each in ("production", "testing")
    )
    own = {place: new_secret(bytes(24)), "integrations.CRM.production.receipt_secret": "sesame"}
    planned = await setup.load(desk, SetupGiven(text=text, secrets=own))
    done = await imported(desk, text, own)
    assert done.added == 53
    assert [each.partition(" and ")[0] for each in done.notes] == ["Third: Testing"]
    made = [
        f"integrations.{name}"
        for name in ("CRM.production", "Lake.production", "Third.production", "Third.testing")
    ]
    wanted = {
        *(f"{each}.key" for each in made),
        *(f"{each}.signing_secret" for each in made),
        receipts_of_production,
    }
    assert set(planned.new_secrets) == set(done.secrets) == wanted
    assert planned.unused_secrets == done.unused_secrets == ["integrations.CRM.production.receipt_secret"]
    everything = await rows(desk)
    hints = [
        row["hint"]
        for table in ("api_keys", "signing_secrets", "receipt_secrets")
        for row in everything[table]
    ]
    assert sorted(hints) == sorted(hint(each) for each in (*done.secrets.values(), own[place]))
    assert not [each for each in (*done.secrets.values(), own[place]) if each in str(everything)]
    page = await connections.list_all(desk, None, 500)
    assert len(page.items) == 50
    assert len((await integrations.list_all(desk, None, 500)).items) == 3
    await desk.write(lambda conn: conn.execute(sa.delete(TABLES["receipt_secrets"])))
    monkeypatch.setattr(desk.ctx.store, "write", None)
    assert await counted(desk, text) == (0, 0, 0, 53), "a plan does not take the writer"
    lacking = (await setup.load(desk, SetupGiven(text=text))).notes
    assert [each.rpartition(" --environment ")[2] for each in lacking] == [
        "production --receipt --new` makes one",
        "testing --receipt --new` makes one",
    ]
    assert await counted(desk, text.replace("crm48", "crm50")) == (0, 1, 0, 52)


async def test_what_differs_is_shown_value_by_value_and_changed(desk: Desk) -> None:
    await imported(desk, SMALL, SMALL_SECRETS)
    changed = (
        SMALL.replace("rate_per_s = 20.0, paused = true", "rate_per_s = 5.0, paused = false")
        .replace('levels = ["low", "high"]', 'levels = ["low", "moderate", "high"]')
        .replace('{ name = "score", type = "integer" }', '{ name = "bmi" }')
        .replace('"id", type = "string"', '"id", type = "string", required = true')
        .replace('[[labels]]\nname = "Access"\n', "")
        .replace('path = "a" }', 'path = "b" }')
    )
    planned = await setup.load(desk, SetupGiven(text=changed))
    told = {each.name: each.fields for each in planned.changes if each.do == "change"}
    assert told == {
        "CRM": [
            "production.delivery.mapping.1.path: a → b",
            "production.paused: true → false",
            "production.rate_per_s: 20.0 → 5.0",
        ],
        "heart-health": [
            "fields.id.required: false → true",
            "fields: − score",
            "fields: + bmi",
            "levels: low, high → low, moderate, high",
        ],
    }
    assert [each.name for each in planned.changes if each.do == "left"] == ["label Access"]
    await imported(desk, changed)
    [crm] = (await integrations.list_all(desk, None, 500)).items
    [live] = crm.environments
    assert (live.state, live.rate_per_s, live.path) == (IntegrationState.ACTIVE, 5, "/v2")
    assert [each.name for each in (await labels.list_all(desk, None, None, 500)).items] == ["Access"]
    assert await counted(desk, changed) == (0, 0, 0, 3)


SECRET_URL, SECRET_PATH = "https://127.0.0.1:9/in?sig=sesame&v=1", "/v2?token=sesame"
LOOKUP = {"path": "/seen/{webhook_id}?code=sesame"}


async def keep_secrets(desk: Desk) -> tuple[str, str]:
    """Have what a daemon saved that did not refuse secrets in addresses; returns connection and integration."""
    await imported(desk, SMALL, SMALL_SECRETS)
    [endpoint] = (await connections.list_all(desk, None, 500)).items
    [crm] = (await integrations.list_all(desk, None, 500)).items
    beat = HeartbeatSettings("GET", "/health?pwd=sesame")
    delivery = {
        **crm.environments[0].delivery.model_dump(mode="json", exclude_defaults=True),
        "lookup": LOOKUP,
    }

    def change(conn: sa.Connection) -> None:
        connection_queries.update(conn, endpoint.id, {"base_url": SECRET_URL, "heartbeat": beat})
        columns = {"path": SECRET_PATH, "delivery": delivery}
        integration_queries.put_environment(conn, crm.id, Environment.PRODUCTION, columns, desk.now())

    await desk.write(change)
    return endpoint.id, crm.id


async def test_secrets_in_addresses_are_not_in_the_file_and_stay(desk: Desk) -> None:
    await keep_secrets(desk)
    before = await rows(desk)
    exported = await setup.export(desk)
    assert "sesame" not in exported
    for whose in ("base_url of Endpoint", "heartbeat path of Endpoint", "path of CRM production"):
        assert f"# Not in this file: what •••• stands for in the {whose}" in exported
    assert await counted(desk, exported) == (0, 0, 0, 4)
    in_clear = exported.replace("sig=••••", "sig=sesame").replace("code=••••", "code=sesame")
    assert await counted(desk, in_clear) == (0, 0, 0, 4)
    slower = exported.replace("rate_per_s = 20.0", "rate_per_s = 5.0")
    slower = slower.replace('body = "json"', 'body = "form"')
    limited = slower.replace('auth = "bearer"', 'auth = "bearer"\ncallback_limit_per_minute = 30')
    await imported(desk, limited)
    after = await rows(desk)
    for table, columns in (("connections", ("base_url", "heartbeat")), ("environments", ("path",))):
        assert [[row[name] for name in columns] for row in after[table]] == [
            [row[name] for name in columns] for row in before[table]
        ]
    [live] = after["environments"]
    assert (live["rate_per_s"], live["delivery"]["body"], live["delivery"]["lookup"]) == (5, "form", LOOKUP)
    for text in (exported.replace("127.0.0.1:9", "127.0.0.1:8"), in_clear.replace("sesame", "open")):
        planned = await setup.load(desk, SetupGiven(text=text))
        refused = {each.name: each for each in planned.changes if each.do == "refuse"}
        assert "the parameter sig is a secret" in refused["Endpoint"].why
        assert "open" not in planned.model_dump_json()


async def test_secrets_in_addresses_are_shown_masked_and_refused_when_new(desk: Desk) -> None:
    connection_id, integration_id = await keep_secrets(desk)
    before = await rows(desk)
    endpoint = await connections.show(desk, connection_id)
    assert (endpoint.base_url, endpoint.heartbeat.path) == (
        "https://127.0.0.1:9/in?sig=••••&v=1",
        "/health?pwd=••••",
    )
    [live] = (await integrations.show(desk, integration_id)).environments
    assert (live.path, live.delivery.lookup.path) == ("/v2?token=••••", "/seen/{webhook_id}?code=••••")
    # What is shown is sent back with something else that changed, and once more with what is kept itself.
    for shown in (endpoint, endpoint.model_copy(update={"base_url": SECRET_URL})):
        beat = shown.heartbeat.model_copy(update={"expected_status": 204})
        same = ConnectionEdit(base_url=shown.base_url, heartbeat=beat, unchecked=True)
        await connecting.edit(desk, connection_id, same)
    edited = EnvironmentEdit(path=live.path, timeout_s=7, delivery=live.delivery)
    await integrations.edit(desk, integration_id, IntegrationEdit(production=edited))
    after = await rows(desk)
    [was], [row] = before["connections"], after["connections"]
    assert row["heartbeat"] == {**was["heartbeat"], "expected_status": 204}
    assert row["base_url"] == was["base_url"] == SECRET_URL
    [was], [row] = before["environments"], after["environments"]
    assert row == {**was, "timeout_s": 7}

    async def refused(change: Any) -> str:
        with pytest.raises(Malformed) as caught:
            await change
        assert "sesame2" not in f"{caught.value} {caught.value.fix}"
        assert "--auth query --parameter-name" in caught.value.fix
        return f"{caught.value.field}: {caught.value.what}"

    def connection(**changes: Any) -> Any:
        return connecting.edit(desk, connection_id, ConnectionEdit(unchecked=True, **changes))

    def integration(**changes: Any) -> Any:
        production = EnvironmentEdit(**changes)
        return integrations.edit(desk, integration_id, IntegrationEdit(production=production))

    lookup = {"path": "/seen/{id}?a=1&x-key=sesame2"}
    for change, what in (
        (connection(base_url="https://crm.example/?sig=sesame2"), "base_url: the parameter sig is"),
        (connection(base_url="https://new.example/in?sig=••••&v=1"), "base_url: the parameter sig is"),
        (
            connection(settings={"token_url": "https://h/?jwt=sesame2"}),
            "settings.token_url: the parameter jwt",
        ),
        (connection(heartbeat={"path": "/?pwd=sesame2"}), "heartbeat.path: the parameter pwd is"),
        (integration(path="/v2?access_token=sesame2"), "production.path: the parameter access_token is"),
        (integration(delivery={"lookup": lookup}), "production.delivery.lookup.path: the parameter x-key is"),
    ):
        assert what in await refused(change)
    with pytest.raises(ConnectorError, match="user name or password"):
        await connection(base_url="https://desk:sesame2@crm.example")
    await connection(base_url="https://127.0.0.1:9", heartbeat={"path": "/health"})
    await integration(path="/v3", delivery={})
    told = await journal.list_activity(desk, None, None, None, 500)
    assert "sesame" not in told.model_dump_json()
    assert "token=••••" in told.model_dump_json()


async def test_a_secret_in_an_address_of_testing_is_not_promoted(desk: Desk) -> None:
    connection_id, integration_id = await keep_secrets(desk)
    columns = {"path": "/v2?token=testing-sesame", "connection_id": connection_id}

    def change(conn: sa.Connection) -> None:
        integration_queries.put_environment(conn, integration_id, Environment.TESTING, columns, desk.now())

    await desk.write(change)
    told = await promoting.promotion(desk, integration_id)
    assert "sesame" not in told.model_dump_json()
    [path] = [each for each in told.changes if each.name == "path"]
    assert (path.testing, path.production, path.copied) == ("/v2?token=••••", "/v2?token=••••", True)
    assert any("Promoting is refused: the parameter token is a secret" in note for note in told.notes)
    with pytest.raises(Malformed, match="the parameter token is a secret") as caught:
        await promoting.promote(desk, integration_id, Promote(version=told.version))
    assert caught.value.field == "testing.path"


async def test_what_is_refused_is_refused_by_the_plan_and_nothing_is_changed(desk: Desk) -> None:
    before = await rows(desk)
    several = SMALL.replace("https://crm.example", "crm").replace('name = "score"', 'name = "id"')
    several = several.replace('enabled = ["CRM"]\n', "")
    told = await setup.load(desk, SetupGiven(text=several, secrets=SMALL_SECRETS))
    assert [each.name for each in told.changes if each.do == "refuse"] == ["Endpoint", "heart-health"]

    async def why(text: str, secrets: dict[str, str] = SMALL_SECRETS) -> str:
        planned = await setup.load(desk, SetupGiven(text=text, secrets=secrets))
        [refused] = [each for each in planned.changes if each.do == "refuse"]
        with pytest.raises((Malformed, Conflict), match="nothing was changed"):
            await setup.load(desk, SetupGiven(text=text, secrets=secrets, version=planned.version))
        return refused.why

    assert await why(SMALL, {}) == "needs connections.Endpoint.token"
    auth = 'auth = "bearer"'
    certificate = SMALL.replace(auth, f'{auth}\noptional_secrets = ["certificate"]')
    assert await why(certificate) == "needs connections.Endpoint.certificate"
    assert "has no secret cert: one of" in await why(certificate.replace("certificate", "cert"))
    both = SMALL.replace("[[sources]]", '[integrations.testing]\nconnection = "Endpoint"\n[[sources]]')
    assert "a connection of its own" in await why(both)
    assert "no channel nope" in await why(SMALL + '[[rules]]\nname = "x"\nchannels = ["nope"]\n')
    assert "`healthdesk apps`" in await why('[[connections]]\nname = "x"\napp = "nope"\n')
    assert "take it out" in await why(
        SMALL.replace('auth = "bearer"', 'auth = "bearer"\nfields = { token = "x" }')
    )
    # What only the operation knows is found by trying it.
    assert "declared twice" in await why(SMALL.replace('name = "score"', 'name = "id"'))
    assert "does not begin with" in await why(SMALL.replace("https://crm.example", "crm"))
    broken = '[[channels]]\nname = "Ops"\n'
    assert "nonsense" in await why(SMALL + broken, {**SMALL_SECRETS, "channels.Ops.url": "nonsense://x"})
    assert await rows(desk) == before


async def test_an_import_that_dies_half_way_leaves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = SetupGiven(text=SMALL, secrets=SMALL_SECRETS)
    planned = await setup.load(desk, given)
    before = await rows(desk)
    news: list[str] = []
    monkeypatch.setattr(desk.ctx.bus, "publish", lambda kind, *_: news.append(kind))
    last = labels.add

    async def dies(inside: Desk, new):
        await last(inside, new)
        assert len((await connections.list_all(inside, None, 500)).items) == 1
        raise SystemError

    with monkeypatch.context() as patched:
        patched.setattr(labels, "add", dies)
        with pytest.raises(SystemError):
            await setup.load(desk, given.model_copy(update={"version": planned.version}))
    assert await rows(desk) == before
    assert news == []
    assert (await imported(desk, SMALL, SMALL_SECRETS)).added == 4
    assert {"connection.changed", "integration.changed", "source.changed"} <= set(news)


async def test_secrets_that_an_import_made_are_shown_though_the_database_fails_right_after_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    planned = await setup.load(desk, given := SetupGiven(text=SMALL, secrets=SMALL_SECRETS))
    targets = desk.engine.targets

    async def fails() -> None:
        raise StoreUnavailable("the database cannot be used now: the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(targets, "refresh", fails)
        applied = await setup.load(desk, given.model_copy(update={"version": planned.version}))
        [(integration_id, kept)] = [
            (each.id, each.environments[0]) for each in (await integrations.list_all(desk, None, 500)).items
        ]
        assert applied.secrets["integrations.CRM.production.signing_secret"].endswith(
            kept.signing_secret_hint.lstrip("•")
        )
        assert "in effect once the database can be read: the database cannot be used now" in caplog.text
        assert targets.get(integration_id, kept.environment) is None
        stop = asyncio.Event()
        holding = asyncio.create_task(desk.engine.holds.run(stop))
        await asyncio.sleep(0)
        assert not holding.done(), "the loop that reads them again goes on"
    desk.engine.holds.wake()
    async with asyncio.timeout(60):
        while targets.get(integration_id, kept.environment) is None:  # noqa: ASYNC110 - the loop sets no event
            await asyncio.sleep(0)
    stop.set()
    await holding


async def test_a_plan_that_is_out_of_date_is_not_done(desk: Desk) -> None:
    given = SetupGiven(text=SMALL, secrets=SMALL_SECRETS)
    planned = await setup.load(desk, given)
    await imported(desk, '[[labels]]\nname = "Meanwhile"\n')
    with pytest.raises(Conflict, match="changed since"):
        await setup.load(desk, given.model_copy(update={"version": planned.version}))


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("[[connections]\n", "no TOML: .*line 1", "healthdesk export"),
        (
            '[[labels]]\nname = "a"\n\n[[labels]]\nnane = "x"\n',
            "line 5, labels number 2 nane: ",
            "mean name?",
        ),
        (
            '[[labels]]\nname = "a"\ndescription = 3\n',
            "line 3, labels 'a' description: it is no text",
            "quotes",
        ),
        (
            '[[labels]]\nname = "x"\n[[labels]]\nname = "x"\n',
            "line 3, .*twice, first on line 1",
            "another name",
        ),
        ('[[integrations]]\nname = "x"\nkind = "mail"\n', "line 3, integrations 'x' kind: ", "'delivery'"),
        (
            '[[integrations]]\nname = "x"\ntesting = { connection_id = "con_1", connection = "x" }\n',
            "name",
            "correct",
        ),
        ("healthdesk = 2\n", "line 1, healthdesk: ", "one of 1"),
        ("connection = 2\n", "line 1, connection: there is no such key", "connections?"),
        (
            '[connections]\nname = "x"\n',
            "line 1, connections: it is one table, and there may be many",
            "[[connections]]",
        ),
        (
            '[[connections]]\nname = "x"\nheartbeat = { path = "/" }\nping = { schedule = { every_s = 60 } }\n',
            "line 1, connections 'x': a connection has a heartbeat, by which it is called, or a ping, .*not both",
            "take heartbeat out, or ping",
        ),
    ],
)
def test_a_file_that_is_wrong_says_on_which_line_and_what_to_do(text: str, what: str, fix: str) -> None:
    with pytest.raises(Malformed, match=what) as wrong:
        parsed(text)
    assert fix in wrong.value.fix
