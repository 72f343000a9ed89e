"""Sources: the HRAs, forms and assessments that records are posted of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from healthdesk.api.common import Page
from healthdesk.api.sources import Source
from healthdesk.tui.flows import sources
from healthdesk.tui.format import Line, dim, key, line
from healthdesk.tui.screens.findable import FindableScreen
from healthdesk.tui.screens.source import SourceScreen
from healthdesk.tui.view.sources import (
    SOURCE_COLUMNS,
    keep_source,
    source_cells,
    source_explain,
    source_facts,
)
from healthdesk.tui.widgets.filter_bar import ANY, Chip
from healthdesk.tui.widgets.window_table import WindowTable

MOST = 500
STATES = ((ANY, "all"), ("enabled", "enabled"), ("off", "enabled nowhere"), ("silent", "silent"))


class SourcesScreen(FindableScreen):
    """Opened from Connections, and from the palette."""

    CONTEXT = "sources"
    TITLE = "Sources"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"source", "integration"})
    noun = "sources"
    EMPTY = (
        line("  No sources yet. ", key("n"), " adds one."),
        line(dim("  A source is an HRA, a form, an assessment: what records are posted of.")),
    )

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, str] = {}
        """What integrations are called, by id."""

    def narrowing(self) -> list[Chip]:
        """Enabled, or silent."""
        return [Chip("state", "Show", STATES)]

    def make_table(self) -> WindowTable:
        """Sources with levels, and for how many integrations they are enabled."""
        return WindowTable(
            SOURCE_COLUMNS,
            lambda source: source_cells(source, self.view()),
            lambda source: str(source.id),
            ascii_only=self.ascii_only,
            id="sources",
        )

    async def fetch(self, after: str | None, limit: int, direction: Any) -> Page[Source]:  # noqa: ARG002 - one direction only
        """Read a page of sources."""
        if after is None:
            found = (await self.client.integrations_list(limit=MOST)).items
            self.names = {each.id: each.name for each in found}
        return await self.fetch_named(self.client.sources_list, after, limit)

    def named(self, rows: Iterable[Any]) -> list[Any]:
        """Those that the chip asks for, too."""
        state = self.values.get("state", ANY)
        return [row for row in super().named(rows) if keep_source(row, state)]

    def explain(self, row: Source) -> Iterable[Line]:
        """Where it is enabled."""
        return source_explain(row, self.names, self.view())

    def preview(self, row: Source) -> Iterable[Line]:
        """Everything about it."""
        return source_facts(row, self.view())

    def do_open(self) -> None:
        """Open its window."""
        self.app.push_screen(SourceScreen(self.item().id))

    def do_new(self) -> None:
        """Add one."""
        self.flow(sources.add_source(self, "sources-region"), asks=True)

    def do_edit(self) -> None:
        """Change its name and levels."""
        self.flow(sources.edit_source(self, self.item()), asks=True)
