"""Zendesk: what is searched for are words."""

from __future__ import annotations

from tests.connectors.apps.fake_zendesk import FakeZendesk

from healthdesk.connectors.auth.build import build_authorizer
from healthdesk.connectors.auth.tokens import MemoryTokens
from healthdesk.connectors.client import AppClient
from healthdesk.connectors.connector import TaskInputs
from healthdesk.connectors.registry import Registry


async def test_what_is_searched_for_are_words_whatever_they_are(session, clock) -> None:
    app = Registry.builtin().get("zendesk")
    async with FakeZendesk() as fake:
        authorizer = build_authorizer(
            app,
            "api_token",
            fake.credentials,
            fake.settings,
            session=session,
            clock=clock,
            tokens=MemoryTokens(),
        )
        client = AppClient(
            app,
            session=session,
            authorizer=authorizer,
            auth_id="api_token",
            base_url=fake.url,
            settings=fake.settings,
            clock=clock,
        )
        connector = app.connector(client)
        created = await connector.create_task({}, TaskInputs(title='status:new -keys "of" doom*'))
        assert created.task is not None, created.failure
        found = await connector.search_tasks({}, "status:new  -keys doom*")
        assert [each.id for each in found.tasks] == [created.task.id], found.failure
        assert (await connector.search_tasks({}, 'keys" status:open "')).tasks == []
