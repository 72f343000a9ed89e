"""What Azure DevOps wants that data cannot say: HTML descriptions, WIQL searches, and the organization as the site."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

from healthdesk.connectors import connector
from healthdesk.connectors.connector import CheckOutcome, ExternalTask, TaskAnswer, TaskInputs, TasksAnswer
from healthdesk.connectors.paths import text_at
from healthdesk.connectors.spec import RequestTemplate

_PROJECT = RequestTemplate(path="/_apis/projects/{project}", query={"api-version": "7.1"})
# learn.microsoft.com/rest/api/azure/devops/wit/wiql/query-by-wiql
_WIQL = RequestTemplate(
    method="POST",
    path="/{project}/{team}/_apis/wit/wiql",
    query={"$top": "50", "api-version": "7.1"},
    json={"query": "{wiql}"},
)
_BLOCKS = frozenset(
    {"div", "p", "li", "ul", "ol", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote"}
)


class Connector(connector.Connector):
    """Azure DevOps Services or Server."""

    async def check(self) -> CheckOutcome:
        """Name the site by the organization: the answer has no more than its id."""
        outcome = await super().check()
        organization = self.client.settings.get("organization", "")
        if outcome.identity is None or not organization:
            return outcome
        return replace(outcome, identity=replace(outcome.identity, site=organization))

    async def create_task(self, container: Mapping[str, object], task: TaskInputs) -> TaskAnswer:
        """Create a work item."""
        return _answer_as_text(await super().create_task(container, _as_html(task)))

    async def get_task(self, container: Mapping[str, object], id: str, key: str = "") -> TaskAnswer:
        """Read a work item."""
        return _answer_as_text(await super().get_task(container, id, key))

    async def update_task(
        self, container: Mapping[str, object], id: str, key: str, changes: TaskInputs
    ) -> TaskAnswer:
        """Change a work item."""
        return _answer_as_text(await super().update_task(container, id, key, _as_html(changes)))

    async def search_tasks(self, container: Mapping[str, object], text: str) -> TasksAnswer:
        """Find work items by words of their titles, or by number: a query gives ids, and those are asked for."""
        inputs = {**self._inputs(container), "wiql": wiql(text)}
        if not inputs.get("team"):
            # the API's document knows queries of a team only; every project has one it begins with
            reply = await self.client.call(_PROJECT, inputs, on="tasks", success="defaultTeam.id")
            if not reply.ok:
                return TasksAnswer([], reply.failure, reply.exchange)
            inputs["team"] = text_at("defaultTeam.id", reply.document)
        reply = await self.client.call(_WIQL, inputs, on="tasks")
        if not reply.ok:
            return TasksAnswer([], reply.failure, reply.exchange)
        ids = text_at("workItems[].id", reply.document, 4_000)
        if not ids:
            return TasksAnswer([], None, reply.exchange)
        found = await super().search_tasks({**container, "ids": ids.replace(" ", "")}, text)
        return replace(found, tasks=[_as_text(each) for each in found.tasks])

    def find_reference(self, text: str) -> dict[str, str] | None:
        """Return what a pasted URL or number tells; names of projects have spaces, encoded in a URL."""
        found = super().find_reference(text)
        return None if found is None else {name: unquote(value) for name, value in found.items()}


def wiql(text: str) -> str:
    """Return the query for work items whose title has the words of `text`, or whose number it is, newest first."""
    words = text.strip().replace("'", "''")
    where = f"[System.Title] CONTAINS '{words}'"
    if words.isascii() and words.isdecimal() and len(words) < 10:
        where = f"([System.Id] = {words} OR {where})"
    query = "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project"
    return f"{query} AND {where} ORDER BY [System.ChangedDate] DESC"


def _as_html(task: TaskInputs) -> TaskInputs:
    """Descriptions are HTML: plain text would lose its lines, and what looks like a tag."""
    if task.description is None:
        return task
    lines = html.escape(task.description, quote=False).splitlines()
    return replace(task, description="<br>".join(lines))


def _answer_as_text(answer: TaskAnswer) -> TaskAnswer:
    return answer if answer.task is None else replace(answer, task=_as_text(answer.task))


def _as_text(task: ExternalTask) -> ExternalTask:
    return replace(task, description=plain_text(task.description))


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the base's
        if tag == "br" or (tag in _BLOCKS and self.parts and not self.parts[-1].endswith("\n")):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS and self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def plain_text(markup: str) -> str:
    """Return the text of an HTML description, a line for each block."""
    reader = _Text()
    reader.feed(markup)
    reader.close()
    return "".join(reader.parts).strip("\n")
