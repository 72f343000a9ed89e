"""ServiceNow: states that a table inherits, and a text that means more than itself in an encoded query."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.connectors.connector import Connector as Declared
from healthdesk.connectors.connector import StatusesAnswer, TasksAnswer

_INHERITED_FROM = "task"


class Connector(Declared):
    """ServiceNow as its manifest says, with the states of the table a table extends."""

    async def statuses(self, container: Mapping[str, object]) -> StatusesAnswer:
        """Return the states of the table, or those of `task` where it has none of its own."""
        own = await super().statuses(container)
        if own.statuses or own.failure is not None:
            return own
        return await super().statuses({**container, "table": _INHERITED_FROM})

    async def search_tasks(self, container: Mapping[str, object], text: str) -> TasksAnswer:
        """Find records by words of their short description, or by number.

        In an encoded query `^` stands between conditions, and `^^` for itself.
        """
        return await super().search_tasks(container, text.strip().replace("^", "^^"))
