"""HubSpot: a creation as its published documents have it."""

from __future__ import annotations

import json as plain_json

import pytest
from aiohttp import web
from tests.connectors.apps.fake import json
from tests.connectors.apps.fake_hubspot import FakeHubSpot

from healthdesk.connectors.auth.build import build_authorizer
from healthdesk.connectors.auth.tokens import MemoryTokens
from healthdesk.connectors.client import AppClient
from healthdesk.connectors.connector import TaskInputs
from healthdesk.connectors.registry import Registry


class Documented(FakeHubSpot):
    """Answers a creation as the document of tickets says, not with the ticket itself."""

    async def create(self, request: web.Request) -> web.Response:
        self.asked = await request.json()
        made = await super().create(request)
        assert isinstance(made.body, bytes)
        ticket = plain_json.loads(made.body)
        return json({"createdResourceId": ticket["id"], "entity": ticket})


@pytest.mark.parametrize("kind", [FakeHubSpot, Documented])
async def test_a_creation_is_read_in_either_form(kind: type[FakeHubSpot], session, clock) -> None:
    app = Registry.builtin().get("hubspot")
    async with kind() as fake:
        authorizer = build_authorizer(
            app, "private_app", fake.credentials, {}, session=session, clock=clock, tokens=MemoryTokens()
        )
        client = AppClient(
            app, session=session, authorizer=authorizer, auth_id="private_app", base_url=fake.url, clock=clock
        )
        made = await app.connector(client).create_task(fake.container, TaskInputs(title="Rotate the keys"))

        assert made.failure is None, made.failure
        assert made.task is not None
        assert made.task.id in fake.tickets
        assert made.task.title == "Rotate the keys"
        if isinstance(fake, Documented):
            assert fake.asked["associations"] == []
