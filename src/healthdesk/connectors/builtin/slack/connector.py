"""What Slack wants that data cannot say: a message as a task.

The first line of a message is the title, in bold, the rest the description; a :white_check_mark: on it means done. Only
whoever posted a message can edit it, so that of others only the status can be changed.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import UTC, datetime

from healthdesk.connectors import connector
from healthdesk.connectors.connector import (
    Abilities,
    AppClient,
    ExternalTask,
    Reply,
    TaskAnswer,
    TaskInputs,
    TasksAnswer,
)
from healthdesk.connectors.paths import find, text_at
from healthdesk.connectors.spec import TasksManifest
from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.states import ErrorKind
from healthdesk.domain.verdicts import NOT_FOUND

DONE = "white_check_mark"
_MOST_PAGES = 5
# api.slack.com/methods/reactions.add and reactions.remove: what was wanted is so already.
_SO_ALREADY = frozenset({"already_reacted", "no_reaction"})


class Connector(connector.Connector):
    """Slack."""

    def __init__(self, client: AppClient) -> None:
        super().__init__(client)
        self._workspace = ""

    def abilities(self, container: Mapping[str, object]) -> Abilities:  # noqa: ARG002 - every channel has the same
        """A message is title and description, with a mark for what is done."""
        text = frozenset({"name", "description"})
        return Abilities(read=text | {"status"}, create=text, update=text | {"status"}, clear=text)

    async def create_task(self, container: Mapping[str, object], task: TaskInputs) -> TaskAnswer:
        """Post a message; with the status of one that is done, mark it."""
        channel, manifest = self._channel(container)
        text = written(task.title or "", task.description or "")
        reply = await self.client.call(
            manifest.create.request,
            {**channel, "text": text},
            on="tasks",
            success=manifest.create.success,
        )
        answer = await self._answer(reply, "message", channel)
        if answer.task is None or task.status != "done":
            return answer
        return await self.update_task(container, answer.task.id, "", TaskInputs(status="done"))

    async def get_task(self, container: Mapping[str, object], id: str, key: str = "") -> TaskAnswer:  # noqa: ARG002 - a message has one id
        """Read a message; the history of its channel says nothing of one that was deleted."""
        channel, manifest = self._channel(container)
        ts = with_dot(id)
        reply = await self.client.call(
            manifest.get.request, {**channel, "id": ts}, on="tasks", success=manifest.get.success
        )
        if reply.ok and text_at("messages[0].ts", reply.document) != ts:
            return TaskAnswer(None, _gone(), reply.exchange)
        return await self._answer(reply, "messages[0]", channel)

    async def update_task(
        self, container: Mapping[str, object], id: str, key: str, changes: TaskInputs
    ) -> TaskAnswer:
        """Edit the text, keeping what is not given, and set or take away the mark."""
        channel, manifest = self._channel(container)
        ts = with_dot(id)
        before = await self.get_task(container, id, key)
        if before.task is None or manifest.update is None or manifest.transition is None:
            return before
        title = before.task.title if changes.title is None else changes.title
        description = before.task.description if changes.description is None else changes.description
        reply: Reply | None = None
        if (title, description) != (before.task.title, before.task.description):
            inputs = {**channel, "id": ts, "text": written(title, description)}
            reply = await self.client.call(
                manifest.update.request, inputs, on="tasks", success=manifest.update.success
            )
            if not reply.ok:
                return TaskAnswer(None, reply.failure, reply.exchange)
        if changes.status is not None and changes.status != before.task.status:
            method = "reactions.add" if changes.status == "done" else "reactions.remove"
            inputs = {**channel, "id": ts, "reaction_method": method}
            reply = await self.client.call(
                manifest.transition.request, inputs, on="tasks", success=manifest.transition.success
            )
            if not reply.ok and text_at("error", reply.document) not in _SO_ALREADY:
                return TaskAnswer(None, reply.failure, reply.exchange)
        return before if reply is None else await self.get_task(container, id, key)

    async def search_tasks(self, container: Mapping[str, object], text: str) -> TasksAnswer:
        """Find messages that have every word: an app may not search, so the latest pages of the channel are read."""
        channel, manifest = self._channel(container)
        if manifest.search is None:
            return TasksAnswer([])
        words = text.casefold().split()
        found: list[ExternalTask] = []
        answer = TasksAnswer(found)
        async for page in self.client.pages(
            manifest.search.request,
            channel,
            on="tasks",
            items=manifest.search.items,
            success=manifest.search.success,
            most_pages=_MOST_PAGES,
        ):
            address = await self._address(channel)
            read = [read_message(each, address) for each in page.items]
            found += [each for each in read if each and all(word in each.title.casefold() for word in words)]
            answer = TasksAnswer(found, page.reply.failure, page.reply.exchange, page.more)
        return answer

    def find_reference(self, text: str) -> dict[str, str] | None:
        """Return channel and timestamp of a pasted link, whose timestamp has lost its dot."""
        found = super().find_reference(text)
        return found and {**found, "id": with_dot(found["id"])}

    def _channel(self, container: Mapping[str, object]) -> tuple[dict[str, object], TasksManifest]:
        return self._inputs(container), self._tasks()

    async def _answer(self, reply: Reply, path: str, channel: Mapping[str, object]) -> TaskAnswer:
        if not reply.ok:
            return TaskAnswer(None, reply.failure, reply.exchange)
        task = read_message(find(path, reply.document), await self._address(channel))
        if task is None:
            return TaskAnswer(None, self.client.missing(reply, "without the message"), reply.exchange)
        return TaskAnswer(task, None, reply.exchange)

    async def _address(self, channel: Mapping[str, object]) -> str:
        """Return the address of the channel for people; empty where Slack does not say that of the workspace now."""
        if not self._workspace:
            heartbeat = self.manifest.heartbeat[0]
            reply = await self.client.call(heartbeat.request, on="tasks", success=heartbeat.success)
            self._workspace = text_at("url", reply.document).rstrip("/")
        return f"{self._workspace}/archives/{channel['channel']}" if self._workspace else ""


def written(title: str, description: str) -> str:
    """Return the text of a message. Slack reads &, < and > as its own: api.slack.com/reference/surfaces/formatting."""
    lines = f"*{' '.join(title.split())}*\n{description}".rstrip()
    return html.escape(lines, quote=False)


def read_message(message: object, address: str) -> ExternalTask | None:
    """Return the task that a message is, or None when it is none. `address` is that of its channel."""
    ts = text_at("ts", message)
    if not ts:
        return None
    first, _, rest = html.unescape(str(find("text", message) or "")).partition("\n")
    names = find("reactions[].name", message)
    done = isinstance(names, list) and DONE in names
    return ExternalTask(
        id=ts,
        url=f"{address}/p{ts.replace('.', '')}" if address else "",
        title=first.removeprefix("*").removesuffix("*"),
        description=rest,
        status="done" if done else "open",
        status_name="Done" if done else "Open",
        done=done,
        updated_at=_time(text_at("edited.ts", message) or ts),
    )


def with_dot(ts: str) -> str:
    """Return a message's timestamp as the API has it: in links its dot is left out."""
    return ts if "." in ts or len(ts) != 16 else f"{ts[:10]}.{ts[10:]}"


def _time(ts: str) -> str:
    try:
        return datetime.fromtimestamp(float(ts), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def _gone() -> Failure:
    sentence = "The message is not in the Slack channel any more"
    return Failure(
        kind=ErrorKind.NOT_FOUND,
        blame=NOT_FOUND.blame,
        permanent=True,
        sentence=sentence,
        safe_sentence=sentence,
        next_action="Post it again, or unlink it",
        sent=Sent.YES,
    )
