"""The window of a source: its fields, and the integrations it is enabled for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.integrations import Integration
from healthdesk.api.sources import Source, SourceField
from healthdesk.domain.states import Environment, IntegrationKind
from healthdesk.tui.flows import source_fields, sources
from healthdesk.tui.flows.samples import send_samples
from healthdesk.tui.format import Line, key, line
from healthdesk.tui.listing import Fetch, Listing
from healthdesk.tui.screens.tabbed import TabbedWindow
from healthdesk.tui.view.sources import (
    FIELD_COLUMNS,
    USE_COLUMNS,
    Use,
    field_cells,
    source_facts,
    source_head,
    use_cells,
    uses_of,
)
from healthdesk.tui.widgets.lines import Lines, Ruler, Tab, TabLine
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

FIELDS, INTEGRATIONS = TABS = ("Fields", "Integrations")
REGIONS = {FIELDS: "fields-region", INTEGRATIONS: "uses-region"}
OF_A_FIELD = frozenset({"remove"})
OF_AN_INTEGRATION = frozenset({"enable", "silence", "sample"})
MOST = 500


@dataclass(frozen=True, slots=True)
class SourceDetail:
    """A source with the integrations that deliver."""

    source: Source
    integrations: list[Integration] = field(default_factory=list)


class SourceScreen(TabbedWindow):
    """Opened from Sources, and from the Sources tab of an integration."""

    CONTEXT = "source"
    TABS: ClassVar[tuple[str, ...]] = TABS
    REGIONS: ClassVar[Mapping[str, str]] = REGIONS
    NOUNS: ClassVar[frozenset[str]] = frozenset({"source", "integration"})
    AUTO_FOCUS = ""
    detail: SourceDetail | None
    tab = FIELDS

    def body(self) -> Iterable[Widget]:
        """What it is, the tabs, the chosen tab."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield TabLine(ascii_only=self.ascii_only, id="tabs")
        fields = WindowTable(
            FIELD_COLUMNS, field_cells, lambda row: str(row.name), ascii_only=self.ascii_only, id="fields"
        )
        uses = WindowTable(
            USE_COLUMNS,
            lambda use: use_cells(use, self.view()),
            lambda use: str(use.id),
            ascii_only=self.ascii_only,
            id="uses",
        )
        no_field = [line("  No fields. ", key("n"), " adds one: then what is posted is validated.")]
        yield self._region(fields, FIELDS, self.fetch_fields, no_field)
        yield self._region(
            uses, INTEGRATIONS, self.fetch_uses, [line("  No integration delivers anything yet.")]
        )

    def _region(self, table: WindowTable, tab: str, fetch: Fetch, empty: list[Line]) -> ListRegion:
        region = ListRegion(table, ascii_only=self.ascii_only, id=REGIONS[tab])
        region.display = tab == self.tab
        self.add_list(Listing(region, fetch, empty=empty))
        return region

    def load(self) -> None:
        """Read for the first time; the tabs are there at once."""
        self._show_tab()
        super().load()
        self.lists[REGIONS[self.tab]].table.focus()

    def crumbs(self) -> str:
        """Where you are."""
        return f"Sources › {self.item_name() or self.key}"

    async def read(self) -> SourceDetail:
        """Read it, and the integrations that deliver."""
        source = await self.client.source(self.key)
        found = (await self.client.integrations_list(limit=MOST)).items
        return SourceDetail(source, [each for each in found if each.kind is IntegrationKind.DELIVERY])

    async def fetch_fields(self, after: str | None, limit: int, direction: Direction) -> Page[SourceField]:  # noqa: ARG002 - one page
        """Read its fields."""
        return Page[SourceField](items=(await self.client.source(self.key)).fields)

    async def fetch_uses(self, after: str | None, limit: int, direction: Direction) -> Page[Use]:  # noqa: ARG002 - one page
        """Read where it is enabled."""
        detail = await self.read()
        return Page[Use](items=uses_of(detail.source, detail.integrations))

    # What is shown

    @property
    def source(self) -> Source | None:
        """The source, once it is read."""
        return self.detail.source if self.detail is not None else None

    def head_lines(self) -> Iterable[Line]:
        """Key, levels, silence."""
        return source_head(self.source, self.view()) if self.source is not None else ()

    def show_detail(self) -> None:
        """Show the tabs with their numbers."""
        self._show_tab()

    def _show_tab(self) -> None:
        fields = str(len(self.source.fields)) if self.source is not None else ""
        uses = str(len(self.source.integrations)) if self.source is not None else ""
        tabs = [Tab(FIELDS, FIELDS, fields), Tab(INTEGRATIONS, INTEGRATIONS, uses)]
        self.query_one("#tabs", TabLine).show(tabs, self.tab)
        for tab, region in REGIONS.items():
            self.query_one(f"#{region}").display = tab == self.tab

    def choose(self, tab: str) -> None:
        """Show a tab."""
        self.tab = tab
        self._show_tab()
        self.focus_tab()

    # What can be done

    def item_name(self) -> str:
        """The source."""
        return self.source.name if self.source is not None else ""

    def field_here(self) -> SourceField | None:
        """Return the field under the cursor, in the tab that has them."""
        found: SourceField | None = self.lists[REGIONS[FIELDS]].table.current if self.tab == FIELDS else None
        return found

    def use_here(self) -> Use | None:
        """Return the integration under the cursor, in the tab that has them."""
        found: Use | None = (
            self.lists[REGIONS[INTEGRATIONS]].table.current if self.tab == INTEGRATIONS else None
        )
        return found

    def refuses(self, action_id: str) -> str:
        """Each tab has its own."""
        use = self.use_here()
        if action_id == "open" and self.field_here() is None and use is None:
            return "there is nothing under the cursor"
        if action_id in OF_A_FIELD and self.field_here() is None:
            return "there is no field under the cursor; the Fields tab has them"
        if action_id in OF_AN_INTEGRATION and use is None:
            return "there is no integration under the cursor; the Integrations tab has them"
        if action_id == "silence" and use is not None and not use.enabled:
            return f"it is not enabled for {use.name}; O enables it"
        return ""

    def off_footer(self) -> frozenset[str]:
        """What belongs to the other tab makes room."""
        return frozenset({"enable", "sample"}) if self.tab == FIELDS else frozenset({"new", "remove"})

    def do_open(self) -> None:
        """Change the field, or open the integration, under the cursor."""
        from healthdesk.tui.screens.integration import IntegrationScreen

        field, use = self.field_here(), self.use_here()
        if field is not None and self.source is not None:
            self.flow(source_fields.edit_field(self, self.source, field), asks=True)
        elif use is not None:
            self.app.push_screen(IntegrationScreen(use.integration_id))

    def do_edit(self) -> None:
        """Change name and levels."""
        if self.source is not None:
            self.flow(sources.edit_source(self, self.source), asks=True)

    def do_new(self) -> None:
        """Add a field."""
        if self.source is not None:
            self.flow(source_fields.add_field(self, self.source), asks=True)

    def do_remove(self) -> None:
        """Remove the field under the cursor."""
        field = self.field_here()
        if self.source is not None and field is not None:
            self.flow(source_fields.remove_field(self, self.source, field), asks=True)

    def do_enable(self) -> None:
        """Enable or disable it for the integration under the cursor."""
        use = self.use_here()
        if self.detail is None or use is None:
            return
        found = next((each for each in self.detail.integrations if each.id == use.integration_id), None)
        if found is not None:
            self.flow(sources.enable(self, self.detail.source, found), asks=True)

    def do_silence(self) -> None:
        """Say when its silence is a problem."""
        use = self.use_here()
        if self.source is not None and use is not None:
            which = use.pulse.environment if use.pulse is not None else Environment.PRODUCTION
            self.flow(sources.set_silence(self, self.source, use.integration_id, use.name, which), asks=True)

    def do_sample(self) -> None:
        """Send samples of it through the integration under the cursor."""
        use = self.use_here()
        if self.source is not None and use is not None:
            self.flow(send_samples(self, use.integration_id, self.source), asks=True)

    def copy_lines(self) -> list[Line]:
        """Copy everything about it."""
        return source_facts(self.source, self.view()) if self.source is not None else []
