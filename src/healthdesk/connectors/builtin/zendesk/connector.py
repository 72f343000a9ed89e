"""What Zendesk wants that data cannot say: a first comment for every ticket, searches for words, the host as the site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from healthdesk.connectors import connector
from healthdesk.connectors.connector import CheckOutcome, TaskAnswer, TaskInputs, TasksAnswer


class Connector(connector.Connector):
    """Zendesk Support."""

    async def check(self) -> CheckOutcome:
        """Name the site by the host in the address that Zendesk gives of the account."""
        outcome = await super().check()
        if outcome.identity is None:
            return outcome
        try:
            host = urlsplit(outcome.identity.site).hostname or ""
        except ValueError:
            host = ""
        return replace(outcome, identity=replace(outcome.identity, site=host))

    async def create_task(self, container: Mapping[str, object], task: TaskInputs) -> TaskAnswer:
        """Create a ticket: its description is its first comment, which cannot be blank."""
        return await super().create_task(
            container, task if task.description else replace(task, description=task.title)
        )

    async def search_tasks(self, container: Mapping[str, object], text: str) -> TasksAnswer:
        """Find tickets that have the words of `text`: in quotes none of them is an operator (`status:closed`, `-new`)."""
        words = " ".join(f'"{word}"' for word in text.replace('"', " ").split())
        return await super().search_tasks(container, words)
