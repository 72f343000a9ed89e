"""What monday.com wants that data cannot say: column values as JSON in a text, and labels out of a column's settings.

Sources: developer.monday.com/api-reference, "Column values" (values may be plain texts) and "Status".
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from healthdesk.connectors import connector
from healthdesk.connectors.connector import (
    Abilities,
    StatusesAnswer,
    TaskAnswer,
    TaskInputs,
    TasksAnswer,
    TaskStatus,
)
from healthdesk.connectors.paths import find, one_line
from healthdesk.connectors.task_inputs import completed

_FIELDS = {"description": "description_column", "due": "due_column", "assignee": "person_column"}
_COLUMNS = tuple(_FIELDS.values())
# A column that no board has: without one, an item would answer with all of its columns.
_NO_COLUMN = "healthdesk_none"


class Connector(connector.Connector):
    """monday.com."""

    def abilities(self, container: Mapping[str, object]) -> Abilities:
        """A field is told and taken where the container names a column for it."""
        held = frozenset(name for name, column in _FIELDS.items() if container.get(column))
        return Abilities(
            read=held | {"name", "status"}, create=held | {"name"}, update=held | {"name", "status"}
        )

    async def create_task(self, container: Mapping[str, object], task: TaskInputs) -> TaskAnswer:
        """Create an item; the answer holds no more than its id, name and address."""
        given = self._inputs(container)
        wanted, failure, exchange = await completed(self.client, self._tasks(), given, task.given())
        if failure is not None:
            return TaskAnswer(None, failure, exchange)
        fields = {**task.fields, "values": _values(given, wanted)}
        return await super().create_task(given, TaskInputs(title=task.title, fields=fields))

    async def get_task(self, container: Mapping[str, object], id: str, key: str = "") -> TaskAnswer:
        """Read an item with the columns of the container."""
        return await super().get_task(_with_columns(self._inputs(container)), id, key)

    async def update_task(
        self, container: Mapping[str, object], id: str, key: str, changes: TaskInputs
    ) -> TaskAnswer:
        """Change an item: its name and columns at once, then its status."""
        given = self._inputs(container)
        wanted, failure, exchange = await completed(self.client, self._tasks(), given, changes.given())
        if failure is not None:
            return TaskAnswer(None, failure, exchange)
        values = _values(given, {**wanted, "status": None, "name": changes.title})
        fields = {"values": values} if values else {}
        answer = await super().update_task(given, id, key, TaskInputs(status=changes.status, fields=fields))
        # what changes an item answers with no more than its id
        return answer if answer.failure is not None else await self.get_task(container, id, key)

    async def search_tasks(self, container: Mapping[str, object], text: str) -> TasksAnswer:
        """Find items of the board by their names."""
        return await super().search_tasks(_with_columns(self._inputs(container)), text)

    async def statuses(self, container: Mapping[str, object]) -> StatusesAnswer:
        """Return the labels of the status column, by their texts."""
        statuses = self._tasks().statuses
        assert statuses.request is not None, "the manifest asks for them"
        reply = await self.client.call(statuses.request, self._inputs(container), on="tasks")
        if not reply.ok:
            return StatusesAnswer([], reply.failure, reply.exchange)
        read = read_labels(find("data.boards[0].columns[0].settings_str", reply.document))
        if not read:
            return StatusesAnswer([], self.client.missing(reply, "without a status column"), reply.exchange)
        return StatusesAnswer(read, None, reply.exchange)


def read_labels(settings: object) -> list[TaskStatus]:
    """Return the labels of a status column from its settings: `{"labels": {"1": "Done"}, "done_colors": [1]}`."""
    try:
        told = json.loads(settings) if isinstance(settings, str) else None
    except (ValueError, RecursionError):
        return []
    labels = find("labels", told)
    done = find("done_colors", told)
    read: dict[str, TaskStatus] = {}
    for index, label in labels.items() if isinstance(labels, dict) else ():
        name = one_line(label)
        if name and name not in read:
            is_done = isinstance(done, list) and index.isdecimal() and int(index[:9]) in done
            read[name] = TaskStatus(name, name, is_done)
    return list(read.values())


def _with_columns(given: Mapping[str, object]) -> dict[str, object]:
    """Return the inputs with a column for everything that the queries ask for."""
    return {**dict.fromkeys(_COLUMNS, _NO_COLUMN), **given}


def _values(given: Mapping[str, object], wanted: Mapping[str, object]) -> str | None:
    """Return the values of columns as the API takes them, JSON in a text; None where there are none."""
    told = {
        given.get("status_column"): wanted.get("status"),
        given.get("description_column"): wanted.get("description"),
        given.get("due_column"): wanted.get("due"),
        given.get("person_column"): wanted.get("assignee_id"),
        "name": wanted.get("name"),
    }
    values = {str(column): str(value) for column, value in told.items() if column and value is not None}
    return json.dumps(values, ensure_ascii=False) if values else None
