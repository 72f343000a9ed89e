"""Trello: long descriptions."""

from __future__ import annotations

from aiohttp import web
from tests.connectors.apps.fake import json
from tests.connectors.apps.fake_trello import FakeTrello

from healthdesk.connectors.auth.build import build_authorizer
from healthdesk.connectors.auth.tokens import MemoryTokens
from healthdesk.connectors.client import AppClient
from healthdesk.connectors.connector import TaskInputs
from healthdesk.connectors.registry import Registry


class Bodies(FakeTrello):
    """Takes what is in a body, as Trello does beside the query."""

    body: object = None

    async def create(self, request: web.Request) -> web.Response:
        if request.can_read_body:
            self.body = await request.json()
            return json({"id": "1", "shortLink": "short001", "idList": "2"})
        return await super().create(request)


async def test_a_description_that_no_address_holds_goes_in_the_body(session, clock) -> None:
    app = Registry.builtin().get("trello")
    async with Bodies() as fake:
        authorizer = build_authorizer(
            app, "token", fake.credentials, {}, session=session, clock=clock, tokens=MemoryTokens()
        )
        client = AppClient(
            app, session=session, authorizer=authorizer, auth_id="token", base_url=fake.url, clock=clock
        )
        connector = app.connector(client)
        for length in (500, 16_000):
            task = TaskInputs(title="Rotate the keys", description="ä" * length)
            created = await connector.create_task(fake.container, task)
            assert created.failure is None, created.failure
            assert (fake.body is None) == (length == 500)
        assert fake.body == {
            "idList": fake.container["list"],
            "name": "Rotate the keys",
            "desc": "ä" * 16_000,
        }
        assert len(fake.requests[-1][1]) < 200
