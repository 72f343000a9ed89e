"""What Microsoft Graph wants that data cannot say: etags, descriptions beside their task, and which secret is ours.

A Planner task is changed with the etag of what was read (If-Match), and its description is an object of its own:
learn.microsoft.com/graph/api/plannertask-update and plannertaskdetails-update.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from healthdesk.connectors import connector, reading
from healthdesk.connectors.connector import Abilities, CheckOutcome, Reply, TaskAnswer, TaskInputs
from healthdesk.connectors.paths import find, text_at
from healthdesk.connectors.spec import RequestTemplate, TasksManifest
from healthdesk.connectors.times import read_time

ETAG = '"@odata.etag"'
_TRIES = 3
_DETAILS = RequestTemplate(path="/planner/tasks/{id}/details")
_DESCRIBE = RequestTemplate(
    method="PATCH",
    path="/planner/tasks/{id}/details",
    headers={"If-Match": "{etag}"},
    json={"@odata.type": "#microsoft.graph.plannerTaskDetails", "description": "{description}"},
    answer="none",
)


class Connector(connector.Connector):
    """Microsoft Graph."""

    async def check(self) -> CheckOutcome:
        """Tell too when the client secret ends, where the app may read its own registration."""
        client = self.client
        started = client.clock.monotonic()
        outcome = await super().check()
        left_s = client.timeout_s - (client.clock.monotonic() - started)
        if outcome.identity is None or client.auth_id != "client_credentials" or left_s <= 0:
            return outcome
        own = next(each for each in self.manifest.probes if each.id == "own_application")
        reply = await client.call(own.request, on="heartbeat", timeout_s=max(left_s, 1.0))
        if not reply.ok:
            return outcome
        secret_id = str(reply.values.get("secret_id") or "")
        credentials = find("value[0].passwordCredentials", reply.document)
        ends = end_of_secret(credentials, secret_id, client.clock.now())
        return replace(outcome, identity=replace(outcome.identity, expires_at=ends))

    def abilities(self, container: Mapping[str, object]) -> Abilities:
        """Descriptions are changed beside their task."""
        told = super().abilities(container)
        described = {"description"}
        return replace(told, create=told.create | described, update=told.update | described)

    async def create_task(self, container: Mapping[str, object], task: TaskInputs) -> TaskAnswer:
        """Create a task, and describe it then: one whose description did not get through is there all the same."""
        inputs = {**self._inputs(container), **_sent(task)}
        reply = await self.client.call(self._planner().create.request, inputs, on="tasks")
        answer = self._answer(reply, "")
        if answer.task is None or not task.description:
            return answer
        described = await self._describe(answer.task.id, task.description)
        if not described.ok:
            return answer
        return replace(answer, task=replace(answer.task, description=task.description))

    async def get_task(self, container: Mapping[str, object], id: str, key: str = "") -> TaskAnswer:  # noqa: ARG002 - a task has one id
        """Read a task and its description."""
        inputs = {**self._inputs(container), "id": id}
        reply = await self.client.call(self._planner().get.request, inputs, on="tasks")
        if not reply.ok:
            return TaskAnswer(None, reply.failure, reply.exchange)
        details = await self.client.call(_DETAILS, inputs, on="tasks")
        if not details.ok:
            return TaskAnswer(None, details.failure, details.exchange)
        return self._answer(reply, str(find("description", details.document) or ""))

    async def update_task(
        self, container: Mapping[str, object], id: str, key: str, changes: TaskInputs
    ) -> TaskAnswer:
        """Change a task with the etag of how it is now, and its description with that of its details."""
        operation = self._planner().update
        inputs = {**self._inputs(container), **_sent(changes), "id": id}
        if operation is not None and any(
            each is not None for each in (changes.title, changes.status, changes.due)
        ):
            reply = await self._with_etag(self._planner().get.request, operation.request, inputs)
            if not reply.ok:
                return TaskAnswer(None, reply.failure, reply.exchange)
        if changes.description is not None:
            reply = await self._describe(id, changes.description)
            if not reply.ok:
                return TaskAnswer(None, reply.failure, reply.exchange)
        return await self.get_task(container, id, key)

    async def _describe(self, id: str, description: str) -> Reply:
        return await self._with_etag(_DETAILS, _DESCRIBE, {"id": id, "description": description})

    async def _with_etag(
        self, read: RequestTemplate, change: RequestTemplate, inputs: Mapping[str, object]
    ) -> Reply:
        """Read, then change what was read; again when somebody else was faster (412, and 409 for Planner's own conflicts)."""
        for left in reversed(range(_TRIES)):
            reply = await self.client.call(read, inputs, on="tasks")
            if not reply.ok:
                return reply
            reply = await self.client.call(
                change, {**inputs, "etag": text_at(ETAG, reply.document)}, on="tasks"
            )
            if left == 0 or reply.exchange.status not in (409, 412):
                break
        return reply

    def _answer(self, reply: Reply, description: str) -> TaskAnswer:
        if not reply.ok:
            return TaskAnswer(None, reply.failure, reply.exchange)
        task = reading.read_task(self._planner().result, reply.document, reply.values)
        if task is None:
            return TaskAnswer(None, self.client.missing(reply, "without the task"), reply.exchange)
        return TaskAnswer(replace(task, description=description), None, reply.exchange)

    def _planner(self) -> TasksManifest:
        return self._tasks()


def _sent(task: TaskInputs) -> dict[str, object]:
    """Return what is sent of a task, its status as the number that Planner counts in percent."""
    sent = task.given()
    if task.status is not None:
        sent["percent"] = int(task.status) if task.status.isdecimal() else task.status
    return sent


def end_of_secret(credentials: object, secret_id: str, now: datetime) -> datetime | None:
    """Return when our secret ends: of the one with that keyId, else the first to end of those that have not.

    `credentials` is `passwordCredentials` of the application. Its values are never told, so that of several without a
    `secret_id` it cannot be known which is ours.
    """
    if not isinstance(credentials, list):
        return None
    named = [
        each for each in credentials if secret_id and text_at("keyId", each).lower() == secret_id.lower()
    ]
    ends = [at for each in named or credentials if (at := read_time(find("endDateTime", each), "iso"))]
    ahead = [at for at in ends if at > now]
    return min(ahead) if ahead else max(ends, default=None)
