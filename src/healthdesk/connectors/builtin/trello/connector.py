"""What Trello wants that data cannot say: lists as statuses, searches by a board's id, texts too long for an address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from healthdesk.connectors import connector
from healthdesk.connectors.connector import AppClient, TaskAnswer, TaskInputs, TasksAnswer
from healthdesk.connectors.paths import text_at
from healthdesk.connectors.spec import RequestTemplate, TaskOperation

# https://developer.atlassian.com/cloud/trello/rest/api-group-boards/#api-boards-id-get
_BOARD = RequestTemplate(path="/boards/{board}", query={"fields": "id"})
_ID = re.compile(r"[0-9a-f]{24}")

_LONGEST_IN_ADDRESS = 4_000
"""Characters of a description as it stands in an address: servers and proxies take addresses of 8 KiB, not all more."""


class Connector(connector.Connector):
    """Trello."""

    def __init__(self, client: AppClient) -> None:
        super().__init__(client)
        self._with_body: dict[str, TaskOperation] = {}

    async def create_task(self, container: Mapping[str, object], task: TaskInputs) -> TaskAnswer:
        """Create a card on the list that is its status, or on the container's."""
        return await super().create_task({**container, "list": task.status or container.get("list")}, task)

    async def search_tasks(self, container: Mapping[str, object], text: str) -> TasksAnswer:
        """Find cards of the board: a search wants its id, and knows nothing of the short one in its address."""
        inputs = self._inputs(container)
        if not _ID.fullmatch(str(inputs.get("board", ""))):
            reply = await self.client.call(_BOARD, inputs, on="tasks", success="id")
            if not reply.ok:
                return TasksAnswer([], reply.failure, reply.exchange)
            container = {**container, "board": text_at("id", reply.document)}
        return await super().search_tasks(container, text)

    async def _ask(
        self, operation: TaskOperation, inputs: Mapping[str, object], *, needs_task: bool = True
    ) -> TaskAnswer:
        """Send a long description in the body.

        The API's document has every parameter in the query, and needs the list there; "Query parameters may also be
        replaced with a JSON request body instead".
        """
        if len(quote(str(inputs.get("description", "")))) > _LONGEST_IN_ADDRESS:
            operation = self._with_body.setdefault(operation.request.method, _with_body(operation))
        return await super()._ask(operation, inputs, needs_task=needs_task)


def _with_body(operation: TaskOperation) -> TaskOperation:
    request = operation.request
    query = {name: value for name, value in request.query.items() if name != "desc"}
    moved = RequestTemplate(
        method=request.method, path=request.path, query=query, json={"desc": request.query["desc"]}
    )
    return operation.model_copy(update={"request": moved})
