"""The window of an integration of tasks or proof: where issues are created, and the mapping of fields and statuses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from textual.widget import Widget

from healthdesk.api.integrations import Integration
from healthdesk.domain.states import IntegrationKind
from healthdesk.errors import ApiRefused
from healthdesk.tui.flows import app_integrations
from healthdesk.tui.format import Line
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.app_integrations import app_integration_head, app_integration_lines
from healthdesk.tui.widgets.lines import Lines, Pane, Ruler


@dataclass(frozen=True, slots=True)
class AppIntegrationDetail:
    """An integration, with what its app calls the statuses it maps, by id, and the parts of a place, by key."""

    integration: Integration
    names: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)


class AppIntegrationScreen(WindowScreen):
    """Opened from Integrations."""

    CONTEXT = "app-integration"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"integration", "instance", "connection"})
    detail: AppIntegrationDetail | None

    def body(self) -> Iterable[Widget]:
        """Totals, then everything."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield Ruler(ascii_only=self.ascii_only)
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")

    def crumbs(self) -> str:
        """Where you are."""
        return f"Integrations › {self.item_name() or self.key}"

    async def read(self) -> AppIntegrationDetail:
        """Read it, and the names of statuses; where the app does not tell them, their ids are shown."""
        found = await self.client.integration(self.key)
        if self.detail is not None and self.detail.names:
            return replace(self.detail, integration=found)
        if found.tasks is None or found.connection_id is None:
            return AppIntegrationDetail(found)
        try:
            choices = await self.client.integration_choices(found.connection_id, found.tasks.container)
        except ApiRefused:
            return AppIntegrationDetail(found)
        return AppIntegrationDetail(
            found,
            {each.id: each.name for each in choices.statuses},
            {each.key: each.label for each in choices.container},
        )

    @property
    def integration(self) -> Integration | None:
        """The integration, once it is read."""
        return self.detail.integration if self.detail is not None else None

    def head_lines(self) -> Iterable[Line]:
        """What it is for, and how its instances are."""
        return app_integration_head(self.integration) if self.integration is not None else ()

    def show_detail(self) -> None:
        """Show everything."""
        self.query_one("#pane", Pane).show(self.copy_lines())

    def item_name(self) -> str:
        """The integration."""
        return self.integration.name if self.integration is not None else ""

    def refuses(self, action_id: str) -> str:
        """Proof has no mapping, and no admin connection."""
        found = self.integration
        if found is None or found.kind is IntegrationKind.TASKS:
            if action_id == "connection" and found is not None and found.connection_id is None:
                return "it has none; e gives it one"
            return ""
        return "only integrations of tasks have one" if action_id in ("mapping", "connection") else ""

    def do_mapping(self) -> None:
        """Change fields and statuses."""
        if self.integration is not None:
            self.flow(app_integrations.edit_mapping(self, self.integration), asks=True)

    def do_edit(self) -> None:
        """Change name, place, connection, how often."""
        if self.integration is not None:
            self.flow(app_integrations.edit_integration(self, self.integration), asks=True)

    def do_pause(self) -> None:
        """Pause or resume."""
        if self.integration is not None:
            self.flow(app_integrations.pause_or_resume_syncs(self, self.integration), asks=True)

    def do_connection(self) -> None:
        """Open its admin connection."""
        from healthdesk.tui.screens.connection import ConnectionScreen

        if self.integration is not None and self.integration.connection_id is not None:
            self.app.push_screen(ConnectionScreen(self.integration.connection_id))

    def do_remove(self) -> None:
        """Remove it."""
        if self.integration is not None:
            self.flow(self._remove(self.integration), asks=True)

    async def _remove(self, integration: Integration) -> str:
        sentence = await app_integrations.remove_integration(self, integration)
        if sentence:
            self.desk.tell(sentence)
            self.app.pop_screen()
        return ""

    def copy_lines(self) -> list[Line]:
        """Copy everything about it."""
        if self.detail is None:
            return []
        return app_integration_lines(
            self.detail.integration, self.detail.names, self.view(), places=self.detail.places
        )
