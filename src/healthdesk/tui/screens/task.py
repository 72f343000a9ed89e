"""The window of a task: its fields, the issue it is linked with, and what its runs did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.containers import Vertical
from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.instances import Instance, Run
from healthdesk.api.tasks import Task
from healthdesk.tui.flows import instances, tasks
from healthdesk.tui.format import Line, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.error import ErrorPage
from healthdesk.tui.screens.run import RunPage
from healthdesk.tui.screens.tabbed import TabbedWindow
from healthdesk.tui.view.runs import run_cells, run_columns, run_explain
from healthdesk.tui.view.tasks import refused_of, task_head, task_lines
from healthdesk.tui.widgets.lines import Explanation, Lines, Pane, Ruler, Tab, TabLine
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

TASK, RUNS = TABS = ("Task", "Runs")
NO_RUN = (line("  It has not run yet."),)
OF_THE_INSTANCE = frozenset({"sync", "issue", "attach", "create_issue", "unlink", "reconnect", "error"})
"""Actions that need an integration."""
NOT_INTEGRATED = "it has no integration; L chooses one"


class TaskScreen(TabbedWindow):
    """Opened by the name of a task."""

    CONTEXT = "task"
    TABS: ClassVar[tuple[str, ...]] = TABS
    NOUNS: ClassVar[frozenset[str]] = frozenset({"task", "instance", "run", "connection"})
    detail: Task | None

    def __init__(self, key: str, *, tab: str = TASK) -> None:
        super().__init__(key)
        self.tab = tab

    def body(self) -> Iterable[Widget]:
        """Verdict, tabs, the chosen tab."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield TabLine(ascii_only=self.ascii_only, id="tabs")
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")
        table = WindowTable(
            run_columns(self.view()),
            lambda run: run_cells(run, self.view()),
            lambda run: str(run.id),
            ascii_only=self.ascii_only,
            id="runs",
        )
        region = ListRegion(table, ascii_only=self.ascii_only, id="runs-region")
        self.runs = self.add_list(Listing(region, self.fetch, empty=NO_RUN))
        explained = Explanation(ascii_only=self.ascii_only, id="run", classes="explain")
        yield Vertical(region, Ruler(ascii_only=self.ascii_only), explained, id="history")

    def load(self) -> None:
        """Read for the first time; the tabs are there at once."""
        self._show_tab()
        super().load()

    def crumbs(self) -> str:
        """Where you are."""
        return f"Tasks › {self.item_name() or self.key}"

    async def read(self) -> Task:
        """Read the task."""
        return await self.client.task(self.key)

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[Run]:  # noqa: ARG002 - one direction only
        """Read a page of its runs; a task without an integration has none."""
        if self.detail is not None and self.detail.instance is None:
            return Page[Run](items=[])
        return await self.client.instance_runs(self.key, after=after, limit=limit)

    # What is shown

    @property
    def instance(self) -> Instance | None:
        """Its integration, once it is read."""
        return self.detail.instance if self.detail is not None else None

    def head_lines(self) -> Iterable[Line]:
        """What it is, how it is with its issue."""
        return task_head(self.detail, self.view()) if self.detail is not None else ()

    def show_detail(self) -> None:
        """Show the chosen tab."""
        self._show_tab()

    def _show_tab(self) -> None:
        self.query_one("#tabs", TabLine).show([Tab(name, name) for name in TABS], self.tab)
        pane = self.query_one("#pane", Pane)
        pane.display = self.tab == TASK
        self.query_one("#history").display = self.tab == RUNS
        if self.tab == TASK and self.detail is not None:
            pane.show(task_lines(self.detail, self.view()))

    def cursor_moved(self, row: Run | None) -> None:
        """Say what the run under the cursor did."""
        told = run_explain(row, self.view()) if row is not None else ()
        self.query_one("#run", Explanation).explain(told)

    def choose(self, tab: str) -> None:
        """Show a tab."""
        self.tab = tab
        self._show_tab()
        if tab == RUNS:
            self.runs.table.focus()
        else:
            self.query_one("#pane", Pane).focus()
        self.show_keys()

    # What can be done

    def item_name(self) -> str:
        """The task."""
        return self.detail.name if self.detail is not None else ""

    def run_here(self) -> Run | None:
        """Return the run under the cursor, in the tab that has them."""
        found: Run | None = self.runs.table.current if self.tab == RUNS else None
        return found

    def refuses(self, action_id: str) -> str:
        """What does not apply says why; the daemon's own words where it has some."""
        task = self.detail
        if task is None:
            return ""
        if action_id == "open":
            if self.tab == RUNS:
                return "" if self.run_here() is not None else "there is no run under the cursor"
            return "" if task.template_id else "it was not made from a template"
        if action_id == "integrate" and task.instance is not None:
            return f"it has {task.instance.integration_name}"
        if action_id == "template" and not task.template_id:
            return "it was not made from a template"
        if action_id in OF_THE_INSTANCE and task.instance is None:
            return NOT_INTEGRATED
        if action_id == "error" and task.instance is not None and not task.instance.error:
            return "there is no error"
        return ""

    def ruled_out(self) -> Mapping[str, str]:
        """What the daemon refuses on it, and on its integration."""
        return refused_of(self.detail) if self.detail is not None else {}

    def off_footer(self) -> frozenset[str]:
        """What does not apply makes room: there is something to open, to sync or to choose, or not."""
        return frozenset(each for each in ("open", "sync", "integrate") if self.refuses(each))

    def do_open(self) -> None:
        """Open the run under the cursor; in the Task tab its template."""
        run = self.run_here()
        if run is not None:
            self.app.push_screen(RunPage(run, self.view(), ascii_only=self.ascii_only))
        else:
            self.do_template()

    def do_template(self) -> None:
        """Open its template."""
        from healthdesk.tui.screens.template import TemplateScreen

        if self.detail is not None and self.detail.template_id:
            self.app.push_screen(TemplateScreen(self.detail.template_id))

    def do_error(self) -> None:
        """Show the whole error."""
        if self.instance is not None:
            self.app.push_screen(ErrorPage(self.instance, ascii_only=self.ascii_only))

    def do_edit(self) -> None:
        """Change it."""
        if self.detail is not None:
            self.flow(tasks.edit_task(self, self.key), asks=True)

    def do_remove(self) -> None:
        """Remove it."""
        if self.detail is not None:
            self.flow(self.leave_after(tasks.remove_task(self, self.detail)), asks=True)

    def do_integrate(self) -> None:
        """Choose an integration, then a new issue or one that exists."""
        if self.detail is not None:
            self.flow(tasks.choose_integration(self, self.detail), asks=True)

    def do_sync(self) -> None:
        """Sync now."""
        if self.instance is not None:
            self.flow(instances.sync_now(self, self.instance))

    def do_issue(self) -> None:
        """Show the address of its issue."""
        if self.instance is not None:
            self.flow(instances.open_issue(self, self.instance))

    def do_attach(self) -> None:
        """Attach an existing issue."""
        if self.instance is not None:
            self.flow(instances.attach(self, self.instance), asks=True)

    def do_create_issue(self) -> None:
        """Create a new issue."""
        if self.instance is not None:
            self.flow(instances.create_issue(self, self.instance), asks=True)

    def do_unlink(self) -> None:
        """Part it from its issue."""
        if self.instance is not None:
            self.flow(instances.unlink(self, self.instance), asks=True)

    def do_reconnect(self) -> None:
        """Give it a connection again, and all others of the same user and app."""
        if self.instance is not None:
            self.flow(instances.reconnect(self, self.instance), asks=True)

    def copy_lines(self) -> list[Line]:
        """Copy everything about it; in the Runs tab what is told of the run."""
        run = self.run_here()
        if run is not None:
            return run_explain(run, self.view())
        return task_lines(self.detail, self.view()) if self.detail is not None else []
