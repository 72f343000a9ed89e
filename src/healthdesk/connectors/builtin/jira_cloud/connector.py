"""Jira Cloud: what its manifest cannot say. Rich text, steps of a workflow, fields of a project, members of roles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from healthdesk.connectors import paths, reading
from healthdesk.connectors.builtin.jira_cloud import fields as project_fields
from healthdesk.connectors.builtin.jira_cloud.adf import to_adf, to_text
from healthdesk.connectors.builtin.jira_cloud.workflow import Step, no_step, read_steps, wants_fields
from healthdesk.connectors.connector import (
    MOST_DATASET_PAGES,
    Abilities,
    Collected,
    ExternalTask,
    FieldsAnswer,
    Reply,
    StatusesAnswer,
    TaskAnswer,
    TaskInputs,
    TasksAnswer,
)
from healthdesk.connectors.connector import Connector as Declared
from healthdesk.connectors.results import MOST_DESCRIPTION, NOTHING
from healthdesk.connectors.spec import RequestTemplate, TaskOperation, TaskResult

# https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-issueidorkey-transitions-get
_STEPS = RequestTemplate(path="rest/api/3/issue/{id}/transitions", query={"expand": "transitions.fields"})
_STEP = RequestTemplate(
    method="POST",
    path="rest/api/3/issue/{id}/transitions",
    json={"transition": {"id": "{step}"}},
    answer="none",
)
_ROLE = RequestTemplate(path="rest/api/3/project/{project}/role/{role}")
_MOST_ROLES = 100
_NOT_A_WORD = re.compile(r'[+\-&|!(){}\[\]^~*?\\:"/;]+')


class Connector(Declared):
    """Jira Cloud as its manifest says, with rich text as plain text and a status by the workflow's steps."""

    def abilities(self, container: Mapping[str, object]) -> Abilities:
        """Descriptions are read as documents, and a status is changed by steps."""
        told = super().abilities(container)
        return replace(told, read=told.read | {"description"}, update=told.update | {"status"})

    async def get_task(self, container: Mapping[str, object], id: str, key: str = "") -> TaskAnswer:
        """Read an issue by its id, or by its key: Jira takes either."""
        return await super().get_task(container, id or key, key)

    async def create_task(self, container: Mapping[str, object], task: TaskInputs) -> TaskAnswer:
        """Create an issue, with the project's own fields as each wants its value."""
        if not task.fields:
            return await super().create_task(container, task)
        known = await project_fields.known(self.client, self._inputs(container))
        if known.failure is not None:
            return TaskAnswer(None, known.failure, known.exchange)
        operation = project_fields.with_fields(self._tasks().create, known.fields, task.fields)
        values = project_fields.values(known.fields, task.fields)
        return await self._create(operation, container, replace(task, fields=values))

    async def update_task(
        self, container: Mapping[str, object], id: str, key: str, changes: TaskInputs
    ) -> TaskAnswer:
        """Change what is given of an issue; its status by the step of the workflow that leads there."""
        plain = replace(changes, status=None)
        if changes.status is None:
            return await super().update_task(container, id, key, plain)
        if plain.given():
            # first the fields: an issue that is done may no longer take them
            answer = await super().update_task(container, id, key, plain)
        else:
            answer = await self.get_task(container, id, key)
        if answer.task is None or answer.failure is not None or answer.task.status == changes.status:
            return answer
        return await self._move(container, answer.task, changes.status)

    async def _move(self, container: Mapping[str, object], task: ExternalTask, status: str) -> TaskAnswer:
        reply = await self.client.call(_STEPS, {"id": task.id}, on="tasks")
        if not reply.ok:
            return TaskAnswer(task, reply.failure, reply.exchange)
        steps = read_steps(reply.document)
        there = [each for each in steps if each.to == status]
        if not there:
            name = await self._name_of(container, status)
            return TaskAnswer(task, no_step(task, name, steps), reply.exchange)
        step = next((each for each in there if not each.wanted), None)
        if step is None:
            return TaskAnswer(task, wants_fields(task, there[0]), reply.exchange)
        return await self._take(container, task, step)

    async def _take(self, container: Mapping[str, object], task: ExternalTask, step: Step) -> TaskAnswer:
        moved = await self.client.call(_STEP, {"id": task.id, "step": step.id}, on="tasks")
        if not moved.ok:
            return TaskAnswer(task, moved.failure, moved.exchange)
        return await self.get_task(container, task.id, task.key)

    async def _name_of(self, container: Mapping[str, object], status: str) -> str:
        known = await self.statuses(container)
        return next((each.name for each in known.statuses if each.id == status), status)

    async def search_tasks(self, container: Mapping[str, object], text: str) -> TasksAnswer:
        """Find issues of the project by words of their text, the latest change first.

        Jira's index lags some seconds behind.
        """
        words = " ".join(_NOT_A_WORD.sub(" ", text).split())
        looked_for = f' AND text ~ "{words}"' if words else ""
        jql = f'project = "{container.get("project", "")}"{looked_for} ORDER BY updated DESC'
        return await super().search_tasks({**container, "jql": jql}, text)

    async def statuses(self, container: Mapping[str, object]) -> StatusesAnswer:
        """Return the statuses of the container's issue type; of all types where the project has none of that name."""
        declared = self._tasks().statuses
        assert declared.request is not None
        inputs = self._inputs(container)
        reply = await self.client.call(declared.request, inputs, on="tasks")
        if not reply.ok:
            return StatusesAnswer([], reply.failure, reply.exchange)
        types = paths.items("@", reply.document) or []
        wanted = str(inputs.get("issue_type", "")).casefold()
        chosen = [each for each in types if paths.text_at("name", each).casefold() == wanted] or types
        found = paths.items(declared.items, chosen)
        if found is None:
            return StatusesAnswer([], self.client.missing(reply, "without statuses"), reply.exchange)
        return StatusesAnswer(reading.read_statuses(declared, found), None, reply.exchange)

    async def task_fields(self, container: Mapping[str, object]) -> FieldsAnswer:
        """Return the fields that the project asks of a new issue, beyond those the desk fills by itself."""
        known = await project_fields.known(self.client, self._inputs(container))
        return FieldsAnswer(project_fields.asked_for(known.fields), known.failure, known.exchange)

    async def collect(
        self, dataset_id: str, inputs: Mapping[str, object] = NOTHING, *, most_pages: int = MOST_DATASET_PAGES
    ) -> Collected:
        """Collect a dataset; the roles of a project role by role."""
        if dataset_id != "project_roles":
            return await super().collect(dataset_id, inputs, most_pages=most_pages)
        dataset = self._dataset(dataset_id)
        collected = Collected([], [each.key for each in dataset.columns])
        reply = await self.client.call(dataset.request, inputs, on="datasets")
        roles = reply.document if isinstance(reply.document, dict) else None
        if not reply.ok or roles is None:
            failure = reply.failure or self.client.missing(reply, "without roles")
            return replace(collected, failure=failure, exchange=reply.exchange)
        # {"Administrators": "https://…/role/10002", …}
        ids = sorted({str(url).rpartition("/")[2] for url in roles.values()})
        for role in ids[:_MOST_ROLES]:
            reply = await self.client.call(_ROLE, {**inputs, "role": role}, on="datasets")
            if not reply.ok:
                return replace(collected, failure=reply.failure, exchange=reply.exchange)
            collected.rows.extend(reading.read_row(dataset.columns, actor) for actor in _actors(reply))
        return replace(collected, exchange=reply.exchange, cut=len(ids) > _MOST_ROLES)

    async def _ask(
        self, operation: TaskOperation, inputs: Mapping[str, object], *, needs_task: bool = True
    ) -> TaskAnswer:
        """Send one operation, the description as a document."""
        if isinstance(text := inputs.get("description"), str):
            inputs = {**inputs, "description_adf": to_adf(text)}
        return await super()._ask(operation, inputs, needs_task=needs_task)

    def _read(self, result: TaskResult, item: object, values: Mapping[str, object]) -> ExternalTask | None:
        """Return the issue that an item describes, its document as text."""
        task = super()._read(result, item, values)
        if task is None:
            return None
        said = to_text(paths.find("fields.description", item))
        return replace(task, description=paths.as_text(said, MOST_DESCRIPTION))


def _actors(reply: Reply) -> list[dict[str, object]]:
    """Return who is in a role, each with the role beside."""
    role = {"id": paths.find("id", reply.document), "name": paths.find("name", reply.document)}
    actors = paths.items("actors", reply.document) or []
    return [{**actor, "role": role} for actor in actors if isinstance(actor, dict)]
