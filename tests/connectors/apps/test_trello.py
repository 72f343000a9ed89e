"""Trello: long descriptions, and boards by the id in their address."""

from __future__ import annotations

from aiohttp import web
from tests.connectors.apps.fake import json
from tests.connectors.apps.fake_trello import FakeTrello

from healthdesk.connectors.auth.build import build_authorizer
from healthdesk.connectors.auth.tokens import MemoryTokens
from healthdesk.connectors.client import AppClient
from healthdesk.connectors.connector import TaskInputs
from healthdesk.connectors.registry import Registry
from healthdesk.domain.states import ErrorKind


class Bodies(FakeTrello):
    """Takes what is in a body, as Trello does beside the query."""

    body: object = None

    async def create(self, request: web.Request) -> web.Response:
        if request.body_exists:
            self.body = await request.json()
            return json({"id": "1", "shortLink": "short001", "idList": "2"})
        return await super().create(request)


def connector_of(fake: FakeTrello, session, clock):
    app = Registry.builtin().get("trello")
    authorizer = build_authorizer(
        app, "token", fake.credentials, {}, session=session, clock=clock, tokens=MemoryTokens()
    )
    return app.connector(
        AppClient(
            app, session=session, authorizer=authorizer, auth_id="token", base_url=fake.url, clock=clock
        )
    )


async def test_a_search_of_a_board_by_its_short_id_asks_for_its_long_one(session, clock) -> None:
    async with FakeTrello() as fake:
        connector = connector_of(fake, session, clock)
        container = {**fake.container, "board": "3tsqIRgQ"}
        created = await connector.create_task(container, TaskInputs(title="Rotate the keys"))

        found = await connector.search_tasks(container, "Rotate")

        assert found.failure is None, found.failure
        assert [each.id for each in found.tasks] == [created.task.id]
        unknown = await connector.search_tasks({**container, "board": "nowhere0"}, "Rotate")
        assert unknown.failure is not None
        assert unknown.failure.kind is ErrorKind.NOT_FOUND


async def test_a_description_that_no_address_holds_goes_in_the_body(session, clock) -> None:
    async with Bodies() as fake:
        connector = connector_of(fake, session, clock)
        for length in (500, 16_000):
            task = TaskInputs(title="Rotate the keys", description="ä" * length)
            created = await connector.create_task(fake.container, task)
            assert created.failure is None, created.failure
            assert (fake.body is None) == (length == 500)
        assert fake.body == {"desc": "ä" * 16_000}
        sent = fake.requests[-1][1]
        assert f"idList={fake.container['list']}&name=Rotate" in sent
        assert len(sent) < 250
