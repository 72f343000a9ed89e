"""The expiry calendar: every credential that is known to end, the soonest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.health import Expiry
from healthdesk.tui.flows.connections import check_now
from healthdesk.tui.flows.credentials import update_credentials
from healthdesk.tui.flows.health import enter_expiry
from healthdesk.tui.format import Line, dim, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.base import DeskScreen
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.view.expiry import expiry_cells, expiry_columns, expiry_explain
from healthdesk.tui.widgets.lines import Explanation, Lines, Ruler
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

EMPTY = (
    line("  No credential is known to end."),
    line(
        dim("  Some apps tell by themselves. For the others "),
        key("X"),
        dim(" in a connection's window enters a day."),
    ),
)


class ExpiriesScreen(DeskScreen):
    """Opened from Connections, and from the palette."""

    CONTEXT = "expiries"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"connection", "problem"})

    def body(self) -> Iterable[Widget]:
        """Total, table, explanation."""
        table = WindowTable(
            expiry_columns(self.view()),
            lambda row: expiry_cells(row, self.view()),
            lambda row: str(row.connection_id),
            ascii_only=self.ascii_only,
            id="expiries",
        )
        region = ListRegion(table, ascii_only=self.ascii_only, id="expiries-region")
        self.listing = self.add_list(Listing(region, self.fetch, empty=EMPTY))
        yield Lines(ascii_only=self.ascii_only, id="total", classes="title")
        yield Ruler(ascii_only=self.ascii_only)
        yield region
        yield Ruler(ascii_only=self.ascii_only)
        yield Explanation(ascii_only=self.ascii_only, id="explain", classes="explain")

    def crumbs(self) -> str:
        """Where you are."""
        return "Connections › Expiry calendar"

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[Expiry]:  # noqa: ARG002 - one direction only
        """Read a page of them."""
        return await self.client.connections_expiring(after=after, limit=limit)

    def item(self) -> Any:
        """Actions are for the row under the cursor."""
        return self.listing.table.current

    def item_name(self) -> str:
        """App and connection."""
        row: Expiry | None = self.item()
        return f"{row.app_name} · {row.name}" if row is not None else ""

    def ruled_out(self) -> Mapping[str, str]:
        """What the daemon refuses on the connection that keys act on."""
        row = self.item()
        return row.refused if row is not None else {}

    def cursor_moved(self, row: Expiry | None) -> None:
        """Say when it ends, who said so and what helps."""
        told = expiry_explain(row, self.view()) if row is not None else ()
        self.query_one("#explain", Explanation).explain(told)

    def show_totals(self) -> None:
        """Say how many there are."""
        self.query_one("#total", Lines).show([line(self.listing.position("credentials"))])

    def do_open(self) -> None:
        """Open the connection."""
        self.app.push_screen(ConnectionScreen(self.item().connection_id))

    def do_check(self) -> None:
        """Check the connection now: the app may tell of another end."""
        self.flow(check_now(self, self.item().connection_id))

    def do_credentials(self) -> None:
        """Enter new credentials."""
        self.flow(update_credentials(self, self.item().connection_id), asks=True)

    def do_expiry(self) -> None:
        """Enter another day."""
        self.flow(enter_expiry(self, self.item().connection_id), asks=True)

    def copy_lines(self) -> list[Line]:
        """Copy what is told of the row."""
        row = self.item()
        return expiry_explain(row, self.view()) if row is not None else []
