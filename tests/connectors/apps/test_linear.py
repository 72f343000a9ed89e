"""Linear: teams are known by their keys."""

from __future__ import annotations

import pytest
from tests.connectors.apps.fake_linear import FakeLinear

from healthdesk.connectors.auth.build import build_authorizer
from healthdesk.connectors.auth.tokens import MemoryTokens
from healthdesk.connectors.client import AppClient
from healthdesk.connectors.connector import Connector, TaskInputs
from healthdesk.connectors.registry import Registry
from healthdesk.domain.states import Blame, ErrorKind


@pytest.fixture
async def fake():
    async with FakeLinear() as running:
        yield running


@pytest.fixture
def connector(fake, session, clock) -> Connector:
    app = Registry.builtin().get("linear")
    authorizer = build_authorizer(
        app, "api_key", fake.credentials, {}, session=session, clock=clock, tokens=MemoryTokens()
    )
    client = AppClient(
        app, session=session, authorizer=authorizer, auth_id="api_key", base_url=fake.url, clock=clock
    )
    return app.connector(client)


async def test_a_team_is_looked_up_once_by_its_key(fake, connector) -> None:
    assert (await connector.statuses({"team": "eng"})).failure is None
    assert (await connector.statuses({"team": "eng"})).failure is None
    assert len(fake.requests) == 3


async def test_a_team_by_its_id_is_not_looked_up(fake, connector) -> None:
    assert (await connector.statuses({"team": "5b6e2a0c-0f2e-4a55-9d1c-3d3f0a1b2c3d"})).failure is None
    assert len(fake.requests) == 1


async def test_a_team_nobody_knows_is_not_found_and_nothing_is_created(fake, connector) -> None:
    created = await connector.create_task({"team": "NOPE"}, TaskInputs(title="Rotate the keys"))
    collected = await connector.collect("team_members", {"team": "NOPE"})
    found = await connector.search_tasks({"team": "NOPE"}, "keys")
    probed = await connector.probe("team", {"team": "NOPE"})
    for failure in (created.failure, collected.failure, found.failure, probed.failure):
        assert failure is not None
        assert (failure.kind, failure.blame) == (ErrorKind.NOT_FOUND, Blame.CONFIGURATION)
    assert {method for method, _ in fake.requests} == {"QUERY"}
