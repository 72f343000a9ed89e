"""What the desk does with an app, by its manifest. A folder's `connector.py` overrides what data cannot say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from healthdesk.connectors import paths, reading
from healthdesk.connectors.abilities import abilities_of
from healthdesk.connectors.checking import heartbeat, misconfigured
from healthdesk.connectors.client import AppClient, Page, Reply
from healthdesk.connectors.heartbeat import CheckOutcome
from healthdesk.connectors.results import (
    NOTHING,
    Collected,
    ExternalTask,
    FieldsAnswer,
    StatusesAnswer,
    TaskAnswer,
    TaskInputs,
    TasksAnswer,
    TaskStatus,
)
from healthdesk.connectors.spec import DatasetManifest, TaskOperation, TaskResult, TasksManifest
from healthdesk.connectors.task_inputs import completed
from healthdesk.connectors.titles import searched, titled
from healthdesk.domain.states import ErrorKind
from healthdesk.domain.task_sync import Abilities
from healthdesk.errors import ConnectorError

__all__ = [
    "MOST_DATASET_PAGES",
    "Abilities",
    "AppClient",
    "CheckOutcome",
    "Collected",
    "Connector",
    "ExternalTask",
    "FieldsAnswer",
    "Page",
    "Reply",
    "StatusesAnswer",
    "TaskAnswer",
    "TaskInputs",
    "TaskStatus",
    "TasksAnswer",
]

MOST_ROWS = 100_000
MOST_DATASET_PAGES = 1_000
MOST_CHARACTERS = 100_000_000
"""Characters of all cells of a dataset: rows of long cells fill the memory before their number is many."""
_READ_APART = 500
MOST_SEARCHED_PAGES = 20
# What a probe tells when the account may not do what it tries; anything else is no news of permissions.
_REFUSALS = frozenset(
    {ErrorKind.PERMISSION, ErrorKind.NOT_FOUND, ErrorKind.REFUSED, ErrorKind.UNEXPECTED_ANSWER}
)


class Connector:
    """One connection to one app. Whatever the app answers, no method raises for it: the failure is in what it returns.

    A ConnectorError is raised for what is wrong on our side: an operation the app does not have, an input that is
    missing. `check` returns even that as a failure.
    """

    def __init__(self, client: AppClient) -> None:
        self.client = client
        self.manifest = client.app.manifest

    async def check(self) -> CheckOutcome:
        """Send the heartbeat, and what else tells who we are there; all of it within the client's `timeout_s`."""
        try:
            return await heartbeat(self.client)
        except ConnectorError as error:
            failure = misconfigured(error)
            return CheckOutcome(self.client.unsent(failure), failure)

    async def probe(self, probe_id: str, inputs: Mapping[str, object] = NOTHING) -> Reply:
        """Prove that the account may do one thing, without doing it."""
        probe = next((each for each in self.manifest.probes if each.id == probe_id), None)
        if probe is None:
            raise self._lacks(f"probe {probe_id}")
        reply = await self.client.call(
            probe.request, reading.given(probe.fields, inputs), on="probe", success=probe.success
        )
        failure = reply.failure
        if failure is not None and probe.missing and failure.kind in _REFUSALS:
            reply.failure = replace(
                failure,
                sentence=f"{probe.missing.rstrip('.')}: {failure.sentence}",
                safe_sentence=probe.missing,
            )
        return reply

    async def probe_tasks(self, container: Mapping[str, object]) -> Reply | None:
        """Prove that the account may work with issues of the container; None where the manifest names no probe for that."""
        probe = self._tasks().probe
        return None if probe is None else await self.probe(probe, container)

    def abilities(self, container: Mapping[str, object]) -> Abilities:  # noqa: ARG002 - for those that depend on it
        """Return which fields of a task the app tells and takes."""
        return abilities_of(self._tasks())

    async def create_task(self, container: Mapping[str, object], task: TaskInputs) -> TaskAnswer:
        """Create an issue. The answer holds what the app said of it, which may be no more than its id."""
        return await self._create(self._tasks().create, container, task)

    async def get_task(self, container: Mapping[str, object], id: str, key: str = "") -> TaskAnswer:
        """Read an issue."""
        return await self._ask(self._tasks().get, self._inputs(container, id=id or None, key=key or None))

    async def update_task(
        self, container: Mapping[str, object], id: str, key: str, changes: TaskInputs
    ) -> TaskAnswer:
        """Change what is given of an issue; the status by the app's transition, where it has one. Returns the issue then."""
        tasks = self._tasks()
        named = self._inputs(container, id=id or None, key=key or None)
        wanted, failure, exchange = await completed(self.client, tasks, named, changes.given())
        if failure is not None:
            return TaskAnswer(None, failure, exchange)
        steps: list[tuple[TaskOperation | None, dict[str, object]]] = []
        if tasks.transition is not None and "status" in wanted:
            steps = [
                (tasks.transition, {name: wanted.pop(name) for name in ("status", "done") if name in wanted})
            ]
        if wanted:
            # first the fields: an issue that is done may no longer take them
            steps.insert(0, (tasks.update, wanted))
        answer = TaskAnswer(None)
        for operation, values in steps:
            if operation is None:
                raise self._lacks(f"way to change {tasks.noun}s")
            answer = await self._ask(operation, {**named, **values}, needs_task=False)
            if answer.failure is not None:
                return answer
        return answer if answer.task is not None else await self.get_task(container, id, key)

    async def search_tasks(self, container: Mapping[str, object], text: str) -> TasksAnswer:
        """Find issues by text: the first page of them, or what matches on the first pages where the app cannot search."""
        tasks = self._tasks()
        if tasks.search is None:
            raise self._lacks(f"search for {tasks.noun}s")
        return await self._list(tasks.search, container, text)

    async def find_created(self, container: Mapping[str, object], title: str) -> TasksAnswer:
        """Find issues of this title, or of as much of a long one as the app kept, for a creation whose answer was lost.

        They are looked for in what was created lately where the manifest lists it, as a search may lag behind, and
        searched for where that list does not have them: it may be full of what was created since. With `cut` and no
        issue it is not known whether there is one.
        """
        tasks = self._tasks()
        found = TasksAnswer([])
        if tasks.recent is not None:
            found = replace(titled(await self._list(tasks.recent, container, title), title), cut=False)
        if found.failure is None and not found.tasks and (tasks.recent is None or tasks.search is not None):
            found = titled(await self.search_tasks(container, searched(title)), title)
        return found

    async def _list(
        self, operation: TaskOperation, container: Mapping[str, object], text: str
    ) -> TasksAnswer:
        inputs = self._inputs(container, text=text)
        result = operation.result or self._tasks().result
        answer = TasksAnswer([])
        async for page in self.client.pages(
            operation.request,
            inputs,
            on="tasks",
            items=operation.items,
            paging=operation.paging,
            success=operation.success,
            most_pages=MOST_SEARCHED_PAGES if operation.match else 1,
        ):
            known = page.reply.values
            matching = reading.matching(operation.match, page.items, text)
            found = [task for item in matching if (task := self._read(result, item, known))]
            answer = TasksAnswer([*answer.tasks, *found], page.reply.failure, page.reply.exchange, page.more)
        return answer

    async def statuses(self, container: Mapping[str, object]) -> StatusesAnswer:
        """Return the statuses an issue can have."""
        statuses = self._tasks().statuses
        if statuses.request is None:
            return StatusesAnswer(reading.fixed_statuses(statuses))
        reply = await self.client.call(statuses.request, self._inputs(container), on="tasks")
        if not reply.ok:
            return StatusesAnswer([], reply.failure, reply.exchange)
        found = paths.items(statuses.items, reply.document)
        if found is None:
            return StatusesAnswer([], self.client.missing(reply, "without statuses"), reply.exchange)
        return StatusesAnswer(reading.read_statuses(statuses, found), None, reply.exchange)

    async def task_fields(self, container: Mapping[str, object]) -> FieldsAnswer:  # noqa: ARG002 - for those that ask
        """Return the further fields that a creation needs."""
        return FieldsAnswer(list(self._tasks().required))

    def find_reference(self, text: str) -> dict[str, str] | None:
        """Return the inputs of `get_task` that a pasted URL or key tells (`id`, `key`, the container's), or None."""
        return reading.read_reference(self._tasks().lookup, text)

    async def collect(
        self, dataset_id: str, inputs: Mapping[str, object] = NOTHING, *, most_pages: int = MOST_DATASET_PAGES
    ) -> Collected:
        """Collect a dataset, all its pages: up to `most_pages`, `MOST_ROWS` and `MOST_CHARACTERS`."""
        dataset = self._dataset(dataset_id)
        collected = Collected([], [each.key for each in dataset.columns])
        rows = collected.rows
        room = MOST_CHARACTERS
        async for page in self.client.pages(
            dataset.request,
            reading.given(dataset.fields, inputs),
            on="datasets",
            items=dataset.items,
            paging=dataset.paging,
            most_pages=most_pages,
        ):
            items = page.items[: MOST_ROWS - len(rows)]
            if len(items) > _READ_APART:
                read = await asyncio.to_thread(_rows, dataset, items)
            else:
                read = _rows(dataset, items)
            rows.extend(read)
            room -= sum(len(cell) for row in read for cell in row.values())
            cut = page.more or len(page.items) > len(items) or room < 0
            collected = replace(collected, cut=cut, failure=page.reply.failure, exchange=page.reply.exchange)
            if cut:
                break
        return collected

    async def try_dataset(self, dataset_id: str, inputs: Mapping[str, object] = NOTHING) -> Collected:
        """Prove that the account may collect a dataset: by its probe, which gives no rows, else by its first page."""
        dataset = self._dataset(dataset_id)
        if dataset.probe is None:
            return await self.collect(dataset_id, inputs, most_pages=1)
        reply = await self.probe(dataset.probe, inputs)
        return Collected(
            [], [each.key for each in dataset.columns], failure=reply.failure, exchange=reply.exchange
        )

    async def _create(
        self, operation: TaskOperation, container: Mapping[str, object], task: TaskInputs
    ) -> TaskAnswer:
        named = self._inputs(container)
        wanted, failure, exchange = await completed(self.client, self._tasks(), named, task.given())
        if failure is not None:
            return TaskAnswer(None, failure, exchange)
        return await self._ask(operation, {**named, **wanted})

    async def _ask(
        self, operation: TaskOperation, inputs: Mapping[str, object], *, needs_task: bool = True
    ) -> TaskAnswer:
        """Send one operation on an issue and read the issue that it answers with."""
        tasks = self._tasks()
        reply = await self.client.call(operation.request, inputs, on="tasks", success=operation.success)
        if not reply.ok:
            return TaskAnswer(None, reply.failure, reply.exchange)
        found = paths.items(operation.items, reply.document)
        task = None
        if found:
            task = self._read(operation.result or tasks.result, found[0], reply.values)
        if task is None and needs_task:
            return TaskAnswer(None, self.client.missing(reply, f"without the {tasks.noun}"), reply.exchange)
        return TaskAnswer(task, None, reply.exchange)

    def _read(self, result: TaskResult, item: object, values: Mapping[str, object]) -> ExternalTask | None:
        """Return the issue that an item of an answer describes; None where it has no id."""
        return reading.read_task(result, item, values)

    def _dataset(self, dataset_id: str) -> DatasetManifest:
        dataset = next((each for each in self.manifest.datasets if each.id == dataset_id), None)
        if dataset is None:
            raise self._lacks(f"dataset {dataset_id}")
        return dataset

    def _tasks(self) -> TasksManifest:
        if self.manifest.tasks is None:
            raise self._lacks("tasks")
        return self.manifest.tasks

    def _inputs(self, container: Mapping[str, object], **more: object) -> dict[str, object]:
        """Return the inputs of an operation: the container's fields and what else has a value."""
        named = reading.given(self._tasks().container, container)
        named.update((name, value) for name, value in more.items() if value is not None)
        return named

    def _lacks(self, what: str) -> ConnectorError:
        return ConnectorError(
            f"{self.manifest.name} has no {what}", fix=f"`healthdesk apps {self.manifest.id}` lists it"
        )


def _rows(dataset: DatasetManifest, items: Sequence[object]) -> list[dict[str, str]]:
    return [reading.read_row(dataset.columns, item) for item in items]
