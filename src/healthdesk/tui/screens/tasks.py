"""Tasks: every task of the desk, with or without an issue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual import on

from healthdesk.api.common import Page
from healthdesk.api.tasks import Task
from healthdesk.domain.instance_states import WorkStatus
from healthdesk.domain.states import IntegrationKind
from healthdesk.errors import HealthdeskError
from healthdesk.tui import messages
from healthdesk.tui.flows import instances, tasks
from healthdesk.tui.format import Line, key, line
from healthdesk.tui.screens.findable import FindableScreen
from healthdesk.tui.screens.task import TaskScreen
from healthdesk.tui.view.instance_words import WORK
from healthdesk.tui.view.tasks import TASK_COLUMNS, refused_of, task_cells, task_explain, task_lines
from healthdesk.tui.widgets.filter_bar import ANY, Chip
from healthdesk.tui.widgets.window_table import WindowTable

ME = "me"


class TasksScreen(FindableScreen):
    """Opened from Connections, and from the palette."""

    CONTEXT = "tasks"
    TITLE = "Tasks"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"task", "instance"})
    noun = "tasks"
    EMPTY = (line("  No tasks yet. ", key("n"), " adds one, with an issue in an app or without."),)

    def narrowing(self) -> list[Chip]:
        """Status, whose, integration."""
        states = ((ANY, "any"), *((status.value, word.text.lower()) for status, word in WORK.items()))
        return [
            Chip("status", "Status", states),
            Chip("who", "Who", ((ANY, "everybody"), (ME, "me"))),
            Chip("integration", "In", ((ANY, "all"),)),
        ]

    def load(self) -> None:
        """Read the filter, the rows, and which integrations there are."""
        super().load()
        self.work(self._read_integrations, group="choices")

    async def _read_integrations(self) -> None:
        try:
            found = await tasks.integrations_of(self, IntegrationKind.TASKS)
        except HealthdeskError:
            return  # the list itself says what is wrong
        options = [(ANY, "all"), *((each.id, each.name) for each in found)]
        self.post_message(messages.ChoicesLoaded("integration", options))

    @on(messages.ChoicesLoaded)
    def _choices_loaded(self, message: messages.ChoicesLoaded) -> None:
        self.bar.set_options(message.name, message.options)

    def make_table(self) -> WindowTable:
        """Tasks with their issues."""
        return WindowTable(
            TASK_COLUMNS,
            lambda task: task_cells(task, self.view()),
            lambda task: str(task.id),
            ascii_only=self.ascii_only,
            id="tasks",
        )

    async def fetch(self, after: str | None, limit: int, direction: Any) -> Page[Task]:  # noqa: ARG002 - one direction only
        """Read a page of tasks; the daemon narrows them."""
        status = self.values.get("status", ANY)
        you = self.desk.status.you.user if self.desk.status else None
        return await self.client.tasks_list(
            status=WorkStatus(status) if status else None,
            assignee=you if self.values.get("who") == ME else None,
            integration_id=self.values.get("integration") or None,
            text=self.words,
            after=after,
            limit=limit,
        )

    def explain(self, row: Task) -> Iterable[Line]:
        """How it is with its issue."""
        return task_explain(row, self.view())

    def preview(self, row: Task) -> Iterable[Line]:
        """Everything about it."""
        return task_lines(row, self.view())

    def ruled_out(self) -> Mapping[str, str]:
        """What the daemon refuses on the row."""
        row: Task | None = self.item()
        return refused_of(row) if row is not None else {}

    def refuses(self, action_id: str) -> str:
        """A task without an integration is not synced."""
        row: Task | None = self.item()
        if action_id == "sync" and row is not None and row.instance is None:
            return "it has no integration; enter opens it, L there chooses one"
        return super().refuses(action_id)

    def do_open(self) -> None:
        """Open the task."""
        self.app.push_screen(TaskScreen(self.item().id))

    def do_new(self) -> None:
        """Add a task."""
        self.flow(tasks.add_task(self, "tasks-region"), asks=True)

    def do_edit(self) -> None:
        """Change it."""
        self.flow(tasks.edit_task(self, self.item().id), asks=True)

    def do_remove(self) -> None:
        """Remove it."""
        self.flow(tasks.remove_task(self, self.item()), asks=True)

    def do_sync(self) -> None:
        """Sync it now."""
        row: Task = self.item()
        if row.instance is not None:
            self.flow(instances.sync_now(self, row.instance))
