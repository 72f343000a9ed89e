"""Integrations: those of tasks and proof, and those that deliver."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from healthdesk.api.common import Page
from healthdesk.api.integrations import Integration
from healthdesk.domain.states import IntegrationKind
from healthdesk.tui.flows.adding_integrations import add_integration
from healthdesk.tui.format import Line, key, line
from healthdesk.tui.screens.app_integration import AppIntegrationScreen
from healthdesk.tui.screens.findable import FindableScreen
from healthdesk.tui.screens.integration import IntegrationScreen
from healthdesk.tui.view.app_integrations import (
    INTEGRATION_COLUMNS,
    app_integration_head,
    app_integration_lines,
    integration_cells,
    integration_explain,
)
from healthdesk.tui.view.integration import integration_head
from healthdesk.tui.widgets.filter_bar import ANY, Chip
from healthdesk.tui.widgets.window_table import WindowTable


class IntegrationsScreen(FindableScreen):
    """Opened from Connections, and from the palette."""

    CONTEXT = "integrations"
    TITLE = "Integrations"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"integration", "instance"})
    noun = "integrations"
    EMPTY = (line("  No integrations yet. ", key("n"), " adds one of tasks or of proof."),)

    def narrowing(self) -> list[Chip]:
        """Which kind."""
        return [Chip("kind", "Show", ((ANY, "all"), *((kind.value, kind.value) for kind in IntegrationKind)))]

    def make_table(self) -> WindowTable:
        """Integrations with their admin connections."""
        return WindowTable(
            INTEGRATION_COLUMNS,
            integration_cells,
            lambda integration: str(integration.id),
            ascii_only=self.ascii_only,
            id="integrations",
        )

    async def fetch(self, after: str | None, limit: int, direction: Any) -> Page[Integration]:  # noqa: ARG002 - one direction only
        """Read a page of integrations."""
        return await self.fetch_named(self.client.integrations_list, after, limit)

    def named(self, rows: Iterable[Any]) -> list[Any]:
        """Those of the kind, too."""
        kind = self.values.get("kind", ANY)
        return [row for row in super().named(rows) if kind in (ANY, row.kind.value)]

    def explain(self, row: Integration) -> Iterable[Line]:
        """What it does, or what it needs."""
        return integration_explain(row)

    def preview(self, row: Integration) -> Iterable[Line]:
        """Everything about it."""
        if row.kind is IntegrationKind.DELIVERY:
            return integration_head(row, self.view())
        return [*app_integration_head(row), (), *app_integration_lines(row, {}, self.view())]

    def do_open(self) -> None:
        """Open its window."""
        row: Integration = self.item()
        delivers = row.kind is IntegrationKind.DELIVERY
        self.app.push_screen(IntegrationScreen(row.id) if delivers else AppIntegrationScreen(row.id))

    def do_new(self) -> None:
        """Add one of tasks or proof."""
        self.flow(add_integration(self, "integrations-region"), asks=True)
