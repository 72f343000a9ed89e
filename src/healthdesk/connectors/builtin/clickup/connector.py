"""ClickUp: changes of assignees that say who is added and who is removed, and a description that is emptied by a space."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.connectors.connector import Connector as Declared
from healthdesk.connectors.connector import TaskAnswer
from healthdesk.connectors.spec import TaskOperation


class Connector(Declared):
    """ClickUp as its manifest says, with what a change wants written otherwise."""

    async def _ask(
        self, operation: TaskOperation, inputs: Mapping[str, object], *, needs_task: bool = True
    ) -> TaskAnswer:
        """Send one operation, written as https://developer.clickup.com/reference/updatetask wants it."""
        if inputs.get("description") == "" and operation is self._tasks().update:
            inputs = {**inputs, "description": " "}
        if (person := inputs.get("assignee_id")) is not None:
            inputs = {**inputs, "assignees": {"add": [person], "rem": []}}
        return await super()._ask(operation, inputs, needs_task=needs_task)
