"""One task's talk with its app in one run: who asks, of which issue, and what is put into its words."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from healthdesk.connectors.checking import misconfigured
from healthdesk.connectors.connector import ExternalTask, TaskAnswer, TaskInputs
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.domain.states import RunOutcome
from healthdesk.domain.task_mapping import TaskMapping, ours, wording
from healthdesk.domain.task_sync import Abilities
from healthdesk.engine.context import Context
from healthdesk.engine.instance_work import Work
from healthdesk.errors import ConnectorError
from healthdesk.store.rows_instances import RunRow, TaskRow


@dataclass(frozen=True, slots=True)
class Talk:
    """A task as it was read, and what its app is asked through."""

    ctx: Context
    work: Work
    task: TaskRow
    mapping: TaskMapping
    template_name: str = ""

    @property
    def app(self) -> str:
        """The app's name."""
        return self.work.connector.manifest.name

    @property
    def noun(self) -> str:
        """What the app calls an issue."""
        tasks = self.work.connector.manifest.tasks
        return tasks.noun if tasks is not None else "issue"

    @property
    def called(self) -> str:
        """What people call the task's issue."""
        return self.task.external_key or self.task.external_id

    @property
    def container(self) -> Mapping[str, str]:
        """Where the task's issue lives, or shall be created."""
        return self.task.container or self.mapping.container

    @property
    def abilities(self) -> Abilities:
        """What the app does with the fields of a task there."""
        return self.work.connector.abilities(self.container)

    async def read(self) -> TaskAnswer:
        """Read the task's issue."""
        task = self.task
        return await answered(
            self.work.connector.get_task(self.container, task.external_id, task.external_key)
        )

    async def change(self, changes: TaskInputs) -> TaskAnswer:
        """Change the task's issue."""
        task = self.task
        return await answered(
            self.work.connector.update_task(self.container, task.external_id, task.external_key, changes)
        )

    def inputs(self, names: Collection[str]) -> TaskInputs:
        """Return these fields of the task in the app's words; a status is no one of them."""
        said = {name: wording(self.mapping, name, ours(self.task, name)) for name in names}
        return TaskInputs(
            title=said.get("name"),
            description=said.get("description"),
            due=said.get("due"),
            assignee=said.get("assignee"),
        )

    def intent(self) -> RunRow:
        """Return the run that is committed before anything is written there."""
        return RunRow(
            id=self.ctx.new_id("run"),
            instance_id=self.work.instance.id,
            outcome=RunOutcome.RUNNING,
            trigger=self.work.trigger,
            triggered_by=self.work.triggered_by,
            daemon_id=self.ctx.daemon_id,
            started_at=self.ctx.clock.now(),
        )


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of the fields that were to be pushed: `fields` got there, and `issue` is how the app has it now."""

    fields: frozenset[str]
    issue: ExternalTask
    failure: Failure | None = None
    exchange: Exchange | None = None


async def answered(asked: Awaitable[TaskAnswer]) -> TaskAnswer:
    """Return an answer; what is wrong with our own settings is the failure of the task, not of the connection."""
    try:
        return await asked
    except ConnectorError as error:
        return TaskAnswer(None, misconfigured(error))


def kept(issue: ExternalTask) -> dict[str, Any]:
    """Return an issue as it is stored."""
    return asdict(issue)
