"""What Linear wants that data cannot say: teams by id, where people know their keys."""

from __future__ import annotations

import re
from collections.abc import Mapping

from healthdesk.connectors import connector
from healthdesk.connectors.connector import (
    MOST_DATASET_PAGES,
    AppClient,
    Collected,
    Reply,
    StatusesAnswer,
    TaskAnswer,
    TaskInputs,
    TasksAnswer,
)
from healthdesk.connectors.paths import text_at
from healthdesk.connectors.results import NOTHING
from healthdesk.connectors.spec import RequestTemplate
from healthdesk.connectors.spec.errors import Operation

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TEAM = RequestTemplate(
    method="POST",
    path="/graphql",
    graphql="query TeamByKey($key: String!) { teams(filter: { key: { eq: $key } }, first: 1) { nodes { id } } }",
    variables={"key": "{team}"},
)


class Connector(connector.Connector):
    """Linear. A team's key is looked up once."""

    def __init__(self, client: AppClient) -> None:
        super().__init__(client)
        self._ids: dict[str, str] = {}

    async def create_task(self, container: Mapping[str, object], task: TaskInputs) -> TaskAnswer:
        """Create an issue in a team."""
        found, refused = await self._with_id(container, "tasks")
        if refused is not None:
            return TaskAnswer(None, refused.failure, refused.exchange)
        return await super().create_task(found, task)

    async def search_tasks(self, container: Mapping[str, object], text: str) -> TasksAnswer:
        """Find issues of a team."""
        found, refused = await self._with_id(container, "tasks")
        if refused is not None:
            return TasksAnswer([], refused.failure, refused.exchange)
        return await super().search_tasks(found, text)

    async def statuses(self, container: Mapping[str, object]) -> StatusesAnswer:
        """Return the states of a team's workflow."""
        found, refused = await self._with_id(container, "tasks")
        if refused is not None:
            return StatusesAnswer([], refused.failure, refused.exchange)
        return await super().statuses(found)

    async def collect(
        self, dataset_id: str, inputs: Mapping[str, object] = NOTHING, *, most_pages: int = MOST_DATASET_PAGES
    ) -> Collected:
        """Collect a dataset, of a team by its id."""
        found, refused = await self._with_id(inputs, "datasets")
        if refused is not None:
            return Collected([], [], failure=refused.failure, exchange=refused.exchange)
        return await super().collect(dataset_id, found, most_pages=most_pages)

    async def probe(self, probe_id: str, inputs: Mapping[str, object] = NOTHING) -> Reply:
        """Prove that a team can be used."""
        found, refused = await self._with_id(inputs, "probe")
        return refused if refused is not None else await super().probe(probe_id, found)

    async def _with_id(
        self, inputs: Mapping[str, object], on: Operation
    ) -> tuple[Mapping[str, object], Reply | None]:
        """Return the inputs with the team's id in the place of its key, or the reply that refused to tell it."""
        team = str(inputs.get("team") or "")
        if not team or _UUID.fullmatch(team):
            return inputs, None
        if team not in self._ids:
            reply = await self.client.call(_TEAM, {"team": team.upper()}, on=on)
            if not reply.ok:
                return inputs, reply
            # the manifest makes a failure of an empty list
            self._ids[team] = text_at("data.teams.nodes[0].id", reply.document)
        return {**inputs, "team": self._ids[team]}, None
