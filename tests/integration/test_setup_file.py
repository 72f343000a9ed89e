"""A whole set-up from a file: planned, made, exported the same, and applied again without a change."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.harness.desk import Desk
from tests.harness.serving import served_desk

from healthdesk.api.setup import SetupGiven
from healthdesk.client.client import Client
from healthdesk.domain.states import Environment, IntegrationKind, IntegrationState
from healthdesk.errors import ApiRefused

MANY = 50
TOKEN = "token-1234567890-abcd"


def document(**more: str) -> str:
    connections = "\n".join(
        f"""
[[connections]]
name = "Endpoint {number}"
auth = "bearer"
base_url = "https://crm{number}.example"
heartbeat = {{ path = "/health" }}
members = {{ mia = "manager" }}
"""
        for number in range(MANY)
    )
    return (
        connections
        + more.get("extra", "")
        + """
[[integrations]]
name = "CRM"
production = { connection = "Endpoint 0", path = "/v2/hra", rate_per_s = 20.0, paused = true }
[integrations.testing]
connection = "Endpoint 1"
path = "/v2/hra"
headers = { X-Team = "qa" }
[integrations.testing.delivery]
body = "json"
mapping = [{ do = "rename", path = "score", to = "risk.score" }]

[[integrations]]
name = "Data lake"
production = { connection = "Endpoint 2", path = "/in" }

[[integrations]]
name = "Evidence"
kind = "proof"
app = "github"

[[sources]]
key = "heart-health"
name = "Heart health"
levels = ["low", "high"]
fields = [{ name = "participant_id", type = "string", required = true, lookup = true }]
enabled = ["CRM", "Data lake"]

[[channels]]
name = "Ops"

[[rules]]
name = "CRM team"
integration = "CRM"
environments = ["production", "testing"]
channels = ["Ops"]

[[labels]]
name = "Access"
description = "Who may get in"
"""
    )


SECRETS = {
    **{f"connections.Endpoint {number}.token": TOKEN for number in range(MANY)},
    "channels.Ops.url": "json://127.0.0.1:9/hook",
}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with served_desk(tmp_path) as served:
        yield served


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[Client]:
    async with desk.client() as opened:
        yield opened


async def imported(client: Client, text: str, secrets: dict[str, str] | None = None):
    given = SetupGiven(text=text, secrets=SECRETS if secrets is None else secrets)
    plan = await client.setup_plan(given)
    return await client.setup_import(given, plan.version)


async def test_fifty_connections_and_three_integrations_from_a_file(client: Client) -> None:
    given = SetupGiven(text=document(), secrets=SECRETS)
    plan = await client.setup_plan(given)
    assert (plan.added, plan.changed, plan.refused) == (MANY + 7, 0, 0)
    assert (await client.connections_list()).items == []

    done = await client.setup_import(given, plan.version)
    assert set(done.secrets) == {
        "integrations.CRM.production.signing_secret",
        "integrations.CRM.testing.signing_secret",
        "integrations.Data lake.production.signing_secret",
    }
    made = {each.name: each for each in (await client.integrations_list()).items}
    crm = {each.environment: each for each in made["CRM"].environments}
    assert (crm[Environment.PRODUCTION].state, crm[Environment.PRODUCTION].rate_per_s) == (
        IntegrationState.PAUSED,
        20,
    )
    assert crm[Environment.TESTING].delivery.mapping[0].to == "risk.score"
    assert made["Evidence"].kind is IntegrationKind.PROOF
    assert made["CRM"].sources == made["Data lake"].sources == ["heart-health"]
    connections = (await client.connections_list(limit=500)).items
    assert len(connections) == MANY
    assert connections[0].credential_hint == "••••abcd"
    assert [(each.user, each.grant) for each in connections[0].members if each.grant != "owner"] == [
        ("mia", "manager")
    ]


async def test_the_same_file_twice_changes_nothing_and_the_export_is_the_same_set_up(client: Client) -> None:
    await imported(client, document())
    again = await client.setup_plan(SetupGiven(text=document()))
    assert (again.added, again.changed, again.refused, again.same) == (0, 0, 0, MANY + 7)
    exported = await client.setup_export()
    assert TOKEN not in exported
    assert "json://" not in exported
    of_export = await client.setup_plan(SetupGiven(text=exported))
    assert (of_export.added, of_export.changed, of_export.refused) == (0, 0, 0)


async def test_an_export_sets_up_another_desk(client: Client, tmp_path: Path) -> None:
    await imported(client, document())
    exported = await client.setup_export()
    async with served_desk(tmp_path / "other") as other, other.client() as second:
        await imported(second, exported)
        assert tomllib.loads(await second.setup_export()) == tomllib.loads(exported)


async def test_what_differs_is_shown_and_changed(client: Client) -> None:
    await imported(client, document())
    changed = (
        document()
        .replace("rate_per_s = 20.0, paused = true", "rate_per_s = 5.0, paused = false")
        .replace('levels = ["low", "high"]', 'levels = ["low", "moderate", "high"]')
        .replace('enabled = ["CRM", "Data lake"]', 'enabled = ["CRM"]')
    )
    plan = await client.setup_plan(SetupGiven(text=changed))
    told = {each.name: each.fields for each in plan.changes if each.do == "change"}
    assert told["CRM"] == ["production.paused: true → false", "production.rate_per_s: 20.0 → 5.0"]
    assert set(told) == {"CRM", "heart-health"}
    await imported(client, changed, {})
    crm = next(each for each in (await client.integrations_list()).items if each.name == "CRM")
    live = next(each for each in crm.environments if each.environment is Environment.PRODUCTION)
    assert (live.state, live.rate_per_s, live.path) == (IntegrationState.ACTIVE, 5, "/v2/hra")
    source = await client.source("heart-health")
    assert source.levels == ["low", "moderate", "high"]
    assert source.integrations == [crm.id]


async def test_nothing_is_changed_where_anything_is_refused(client: Client) -> None:
    plan = await client.setup_plan(SetupGiven(text=document(), secrets={}))
    assert len(plan.missing_secrets) == MANY + 1
    with pytest.raises(ApiRefused, match="nothing was changed"):
        await imported(client, document(), {})
    nowhere = document(extra='[[rules]]\nname = "x"\nchannels = ["nope"]\n')
    plan = await client.setup_plan(SetupGiven(text=nowhere, secrets=SECRETS))
    [refused] = [each for each in plan.changes if each.do == "refuse"]
    assert "no channel nope" in refused.why
    assert (await client.connections_list()).items == []
    assert (await client.channels_list()).items == []


async def test_a_plan_that_is_out_of_date_is_not_done(client: Client) -> None:
    given = SetupGiven(text=document(), secrets=SECRETS)
    plan = await client.setup_plan(given)
    await imported(client, '[[labels]]\nname = "Meanwhile"\n')
    with pytest.raises(ApiRefused) as refused:
        await client.setup_import(given, plan.version)
    assert refused.value.status == 409


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[connections]\n", "no TOML"),
        ('[[connections]]\nnane = "x"\n', "connections.0"),
        ('[[labels]]\nname = "x"\n[[labels]]\nname = "x"\n', "twice"),
        ("healthdesk = 2\n", "healthdesk"),
    ],
)
async def test_a_file_that_is_wrong_says_where(client: Client, text: str, words: str) -> None:
    with pytest.raises(ApiRefused, match=words):
        await client.setup_plan(SetupGiven(text=text))
