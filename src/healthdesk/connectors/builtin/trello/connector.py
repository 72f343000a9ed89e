"""What Trello wants that data cannot say: the status of a new card is the list it is put on."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.connectors import connector
from healthdesk.connectors.connector import TaskAnswer, TaskInputs


class Connector(connector.Connector):
    """Trello."""

    async def create_task(self, container: Mapping[str, object], task: TaskInputs) -> TaskAnswer:
        """Create a card on the list that is its status, or on the container's."""
        return await super().create_task({**container, "list": task.status or container.get("list")}, task)
