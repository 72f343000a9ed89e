"""The ledger of a period: states and reasons by integration, and whether they balance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.message import Message
from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.ledger import Ledger, LedgerQuery
from healthdesk.domain.states import Environment
from healthdesk.tui.format import Line, dim, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.area import AreaScreen
from healthdesk.tui.screens.dates import DatesForm
from healthdesk.tui.view.filters import CUSTOM, range_word, when_range
from healthdesk.tui.view.ledger import (
    LEDGER_COLUMNS,
    Entry,
    balance_line,
    entries_of,
    entry_cells,
    entry_explain,
    ledger_chips,
    log_values,
    row_lines,
)
from healthdesk.tui.widgets.filter_bar import ANY, Chip, FilterBar
from healthdesk.tui.widgets.lines import Lines, Ruler
from healthdesk.tui.widgets.window_table import WindowTable


class LedgerScreen(AreaScreen):
    """Opened from Connections, the palette, and the window of an integration: then of that one."""

    CONTEXT = "ledger"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"record"})
    noun = "lines"

    @dataclass
    class Counted(Message):
        """The ledger came."""

        ledger: Ledger

    def __init__(self, integration_id: str = "", name: str = "") -> None:
        super().__init__()
        self.names = {integration_id: name} if integration_id else {}
        self.opened_for = integration_id
        self.balance: Line = ()
        self.ledger: Ledger | None = None

    def body(self) -> Iterable[Widget]:
        """Whether it balances, then chips, lines, what explains the one under the cursor."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="balance", classes="head")
        yield from super().body()

    def chips(self) -> list[Chip]:
        """Period, integration, environment."""
        return ledger_chips()

    def make_listing(self) -> Listing:
        """The lines; there are few enough to come whole."""
        table = WindowTable(
            LEDGER_COLUMNS, entry_cells, lambda row: str(row.id), ascii_only=self.ascii_only, id="ledger"
        )
        return Listing(
            self.make_region(table, "ledger-region"),
            self.fetch,
            empty=[line("  No record arrived in this period. "), line(dim("  / chooses another"))],
            empty_filter=lambda: [
                line("  No record is like that. ", key("backspace"), dim(" clears the filter"))
            ],
            filtered=lambda: self.bar.narrows,
        )

    def crumbs(self) -> str:
        """Where you are."""
        return "Connections › Ledger"

    async def fetch(self, after: str | None, limit: int, direction: Any) -> Page[Entry]:  # noqa: ARG002 - one page
        """Read the ledger of the period."""
        begin, end = when_range(self.values, self.view())
        environment = self.values.get("environment", ANY)
        found = await self.client.ledger(
            LedgerQuery(
                arrived_from=begin,
                arrived_to=end,
                integration_id=self.values.get("integration", ANY) or None,
                environment=Environment(environment) if environment else None,
            )
        )
        self.post_message(self.Counted(found))
        return Page[Entry](items=entries_of(found))

    @on(Counted)
    def _counted(self, message: Counted) -> None:
        self.ledger = message.ledger
        self.balance = balance_line(message.ledger, self.view())
        self.query_one("#balance", Lines).show([self.balance])
        for row in message.ledger.rows:
            self.names[row.integration_id] = row.integration_name or row.integration_id
        self._offer_integrations()

    # The filter

    def _offer_integrations(self) -> None:
        options = sorted(self.names.items(), key=lambda each: each[1].lower())
        self.bar.set_options("integration", [(ANY, "all"), *options])

    def filter_recalled(self) -> None:
        """Offer what was kept, and begin with the integration it was opened for."""
        if "/" in self.values.get("when", ANY):
            self._offer_range(self.values["when"])
        if self.opened_for:
            self._offer_integrations()
            self.bar.set_values({"integration": self.opened_for})

    def filter_changed(self) -> None:
        """Ask for the days when `dates…` is chosen."""
        if self.values.get("when") == CUSTOM:
            self.flow(self._ask_dates(), asks=True)

    async def _ask_dates(self) -> str:
        view = self.view()
        title = "Records that arrived"
        value = await self.ask(DatesForm(title, view.local(view.now).date(), ascii_only=self.ascii_only))
        if value is not None and "/" in value:
            self._offer_range(value)
        when = next(chip for chip in self.bar.chips if chip.name == "when")
        self.bar.set_values({"when": value or when.default})
        self.bar.post_message(FilterBar.Changed(self.bar))
        return ""

    def _offer_range(self, value: str) -> None:
        when = next(chip for chip in self.bar.chips if chip.name == "when")
        kept = [option for option in when.options if "/" not in option[0]]
        self.bar.set_options("when", [*kept, (value, range_word(value))])

    def kept_values(self) -> dict[str, str]:
        """The integration is of this visit, and a question is not kept."""
        return {
            name: value for name, value in self.values.items() if name != "integration" and value != CUSTOM
        }

    # What is shown and done

    def explain(self, row: Entry) -> Iterable[Line]:
        """How many, in which state, why."""
        return entry_explain(row)

    def preview(self, row: Entry) -> Iterable[Line]:
        """The totals of its environment, as a sum."""
        return row_lines(self.ledger, row) if self.ledger is not None else ()

    def item_name(self) -> str:
        """The line."""
        row: Entry | None = self.item()
        return f"{row.name} · {row.state.value}" if row is not None else ""

    def do_open(self) -> None:
        """Show its records."""
        row: Entry = self.item()
        when = self.values.get("when", ANY)
        words = {"integration": row.name, "when": range_word(when) if "/" in when else when}
        self.desk.show_log(dict(log_values(row, when)), words)

    def copy_lines(self) -> list[Line]:
        """Copy the whole ledger."""
        table = self.listing.table.window
        rows = [row for index in range(table.length) if (row := table.at(index)) is not None]
        return [self.balance, *(line("  ".join(cell.text for cell in entry_cells(row))) for row in rows)]
