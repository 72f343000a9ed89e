"""Templates: every repeating task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from healthdesk.api.common import Page
from healthdesk.api.tasks import Template
from healthdesk.tui.flows import templates
from healthdesk.tui.format import Line, key, line
from healthdesk.tui.screens.findable import FindableScreen
from healthdesk.tui.screens.template import TemplateScreen
from healthdesk.tui.view.templates import (
    template_cells,
    template_columns,
    template_explain,
    template_head,
    template_lines,
)
from healthdesk.tui.widgets.window_table import WindowTable


class TemplatesScreen(FindableScreen):
    """Opened from Connections, and from the palette."""

    CONTEXT = "templates"
    TITLE = "Templates"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"template", "task"})
    noun = "templates"
    EMPTY = (line("  No templates yet. ", key("n"), " adds a task that repeats on a schedule."),)

    def make_table(self) -> WindowTable:
        """Templates with their schedules."""
        return WindowTable(
            template_columns(self.view()),
            lambda template: template_cells(template, self.view()),
            lambda template: str(template.id),
            ascii_only=self.ascii_only,
            id="templates",
        )

    async def fetch(self, after: str | None, limit: int, direction: Any) -> Page[Template]:  # noqa: ARG002 - one direction only
        """Read a page of templates."""
        return await self.fetch_named(self.client.templates_list, after, limit)

    def explain(self, row: Template) -> Iterable[Line]:
        """What was made from it, or why nothing could be."""
        return template_explain(row, self.view())

    def preview(self, row: Template) -> Iterable[Line]:
        """Everything about it."""
        return [*template_head(row, self.view()), (), *template_lines(row, self.view())]

    def do_open(self) -> None:
        """Open the template."""
        self.app.push_screen(TemplateScreen(self.item().id))

    def do_new(self) -> None:
        """Add a template."""
        self.flow(templates.add_template(self, "templates-region"), asks=True)

    def do_edit(self) -> None:
        """Change it."""
        self.flow(templates.edit_template(self, self.item().id), asks=True)

    def do_create(self) -> None:
        """Create a task now."""
        self.flow(templates.create_from(self, self.item()), asks=True)

    def do_remove(self) -> None:
        """Remove it."""
        self.flow(templates.remove_template(self, self.item()), asks=True)
