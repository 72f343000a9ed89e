"""One task's talk with its app in one run: who asks, of which issue, and what is put into its words."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TypeVar

from healthdesk.connectors.checking import broken, misconfigured
from healthdesk.connectors.connector import (
    Connector,
    ExternalTask,
    StatusesAnswer,
    TaskAnswer,
    TaskInputs,
    TasksAnswer,
)
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.domain.instance_states import RunOutcome
from healthdesk.domain.task_mapping import TaskMapping, ours, wording
from healthdesk.domain.task_sync import Abilities
from healthdesk.engine.context import Context
from healthdesk.engine.instance_work import Work
from healthdesk.errors import ConnectorError, HealthdeskError
from healthdesk.store.rows_instances import RunRow, TaskRow

log = logging.getLogger(__name__)

T = TypeVar("T")


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
        connector = self.work.connector
        asked = connector.get_task(self.container, task.external_id, task.external_key)
        return await answered(connector, asked, partial(TaskAnswer, None))

    async def change(self, changes: TaskInputs) -> TaskAnswer:
        """Change the task's issue."""
        task = self.task
        connector = self.work.connector
        asked = connector.update_task(self.container, task.external_id, task.external_key, changes)
        return await answered(connector, asked, partial(TaskAnswer, None))

    async def statuses(self) -> StatusesAnswer:
        """Ask which statuses the task's issue can have."""
        connector = self.work.connector
        asked = connector.statuses(self.container)
        return await answered(connector, asked, partial(StatusesAnswer, []))

    async def look_up(self, title: str) -> TasksAnswer:
        """Look for issues of this title where the task's is, or shall be."""
        connector = self.work.connector
        asked = connector.find_created(self.container, title)
        return await answered(connector, asked, partial(TasksAnswer, []))

    async def create(self, container: Mapping[str, str], inputs: TaskInputs) -> TaskAnswer:
        """Create an issue."""
        connector = self.work.connector
        return await answered(connector, connector.create_task(container, inputs), partial(TaskAnswer, None))

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


async def answered(connector: Connector, asked: Awaitable[T], failed: Callable[[Failure], T]) -> T:
    """Return an answer, and as `failed` what our own settings or a connector's code made of it.

    Either is a failure of the task: what was committed as an intent has to end. Raises the errors of the desk's own store.
    """
    try:
        return await asked
    except ConnectorError as error:
        return failed(misconfigured(error))
    except HealthdeskError:
        raise
    except Exception as error:
        log.exception("the connector of %s failed", connector.manifest.name)
        return failed(broken(connector, f"failed: {type(error).__name__}"))


def kept(issue: ExternalTask) -> dict[str, Any]:
    """Return an issue as it is stored."""
    return asdict(issue)
