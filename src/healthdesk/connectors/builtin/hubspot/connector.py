"""What HubSpot wants that data cannot say: a new ticket has a stage, which is its status."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.connectors import connector
from healthdesk.connectors.connector import TaskAnswer, TaskInputs


class Connector(connector.Connector):
    """HubSpot CRM."""

    async def create_task(self, container: Mapping[str, object], task: TaskInputs) -> TaskAnswer:
        """Create a ticket in the stage that is its status, or in the container's."""
        return await super().create_task({**container, "stage": task.status or container.get("stage")}, task)
