"""The window of a repeating task: its schedule, when the next task comes, and those made from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.tasks import Task, Template
from healthdesk.tui.flows import templates
from healthdesk.tui.format import Line, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.tabbed import TabbedWindow
from healthdesk.tui.screens.task import TaskScreen
from healthdesk.tui.view.tasks import TASK_COLUMNS, task_cells, task_explain
from healthdesk.tui.view.templates import template_head, template_lines
from healthdesk.tui.widgets.lines import Explanation, Lines, Pane, Ruler, Tab, TabLine
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

MADE, DETAILS = TABS = ("Tasks", "Template")
NO_TASK = (line("  No task was made from it yet. ", key("I"), " creates one now."),)


class TemplateScreen(TabbedWindow):
    """Opened by the name of a repeating task."""

    CONTEXT = "template"
    TABS: ClassVar[tuple[str, ...]] = TABS
    NOUNS: ClassVar[frozenset[str]] = frozenset({"template", "task", "instance"})
    detail: Template | None

    def __init__(self, key: str, *, tab: str = MADE) -> None:
        super().__init__(key)
        self.tab = tab

    def body(self) -> Iterable[Widget]:
        """Schedule, tabs, tasks made from it."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield TabLine(ascii_only=self.ascii_only, id="tabs")
        table = WindowTable(
            TASK_COLUMNS,
            lambda task: task_cells(task, self.view()),
            lambda task: str(task.id),
            ascii_only=self.ascii_only,
            id="made",
        )
        region = ListRegion(table, ascii_only=self.ascii_only, id="made-region")
        self.made = self.add_list(Listing(region, self.fetch, empty=NO_TASK))
        yield region
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")
        yield Ruler(ascii_only=self.ascii_only)
        yield Explanation(ascii_only=self.ascii_only, id="explain", classes="explain")

    def load(self) -> None:
        """Read for the first time; the tabs are there at once."""
        self._show_tab()
        super().load()

    def crumbs(self) -> str:
        """Where you are."""
        return f"Templates › {self.item_name() or self.key}"

    async def read(self) -> Template:
        """Read the template."""
        return await self.client.template(self.key)

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[Task]:  # noqa: ARG002 - one direction only
        """Read a page of the tasks made from it."""
        return await self.client.tasks_list(template_id=self.key, after=after, limit=limit)

    def head_lines(self) -> Iterable[Line]:
        """Schedule, and when the next task comes."""
        return template_head(self.detail, self.view()) if self.detail is not None else ()

    def show_detail(self) -> None:
        """Show the chosen tab."""
        self._show_tab()

    def _show_tab(self) -> None:
        count = f"{self.detail.tasks:,}" if self.detail is not None else ""
        tabs = [Tab(name, name, count if name == MADE else "") for name in TABS]
        self.query_one("#tabs", TabLine).show(tabs, self.tab)
        self.made.region.display = self.tab == MADE
        pane = self.query_one("#pane", Pane)
        pane.display = self.tab == DETAILS
        if self.tab == DETAILS and self.detail is not None:
            pane.show(template_lines(self.detail, self.view()))

    def cursor_moved(self, row: Task | None) -> None:
        """Say how the task under the cursor is with its issue."""
        told = task_explain(row, self.view()) if row is not None else ()
        self.query_one("#explain", Explanation).explain(told)

    def choose(self, tab: str) -> None:
        """Show a tab."""
        self.tab = tab
        self._show_tab()
        if tab == MADE:
            self.made.table.focus()
        else:
            self.query_one("#pane", Pane).focus()
        self.show_keys()

    def item_name(self) -> str:
        """The template."""
        return self.detail.name if self.detail is not None else ""

    def task_here(self) -> Task | None:
        """Return the task under the cursor, in the tab that has them."""
        found: Task | None = self.made.table.current if self.tab == MADE else None
        return found

    def refuses(self, action_id: str) -> str:
        """A task is opened only when there is one."""
        return "there is no task under the cursor" if action_id == "open" and self.task_here() is None else ""

    def do_open(self) -> None:
        """Open the task under the cursor."""
        task = self.task_here()
        if task is not None:
            self.app.push_screen(TaskScreen(task.id))

    def do_create(self) -> None:
        """Create a task now."""
        if self.detail is not None:
            self.flow(templates.create_from(self, self.detail), asks=True)

    def do_integrate(self) -> None:
        """Choose the integration of the tasks to come."""
        if self.detail is not None:
            self.flow(templates.integration_of_template(self, self.detail), asks=True)

    def do_edit(self) -> None:
        """Change it."""
        self.flow(templates.edit_template(self, self.key), asks=True)

    def do_remove(self) -> None:
        """Remove it."""
        if self.detail is not None:
            self.flow(self.leave_after(templates.remove_template(self, self.detail)), asks=True)

    def copy_lines(self) -> list[Line]:
        """Copy everything about it."""
        return template_lines(self.detail, self.view()) if self.detail is not None else []
