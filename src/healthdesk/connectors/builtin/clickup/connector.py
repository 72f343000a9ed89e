"""ClickUp: a change of assignees says who is added and who is removed, and wants both."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.connectors.connector import Connector as Declared
from healthdesk.connectors.connector import TaskAnswer
from healthdesk.connectors.spec import TaskOperation


class Connector(Declared):
    """ClickUp as its manifest says, with changes of assignees."""

    async def _ask(
        self, operation: TaskOperation, inputs: Mapping[str, object], *, needs_task: bool = True
    ) -> TaskAnswer:
        """Send one operation, with the input `assignees` (https://developer.clickup.com/reference/updatetask)."""
        if (person := inputs.get("assignee_id")) is not None:
            inputs = {**inputs, "assignees": {"add": [person], "rem": []}}
        return await super()._ask(operation, inputs, needs_task=needs_task)
