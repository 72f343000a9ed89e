"""Connections: every app and account, the delivery integrations beside them, worst first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import ClassVar

from healthdesk.api.accounts import AccountRow
from healthdesk.api.common import Page
from healthdesk.api.connections import Connection
from healthdesk.api.integrations import Integration
from healthdesk.tui.action import Action
from healthdesk.tui.delivery_actions import ROW
from healthdesk.tui.flows.adding import add_connection
from healthdesk.tui.flows.adding_proof import add_proof_sync
from healthdesk.tui.flows.connections import (
    check_now,
    connection_of,
    edit_connection,
)
from healthdesk.tui.flows.credentials import put_back, update_credentials
from healthdesk.tui.flows.disconnecting import disconnect
from healthdesk.tui.format import Line, dim, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.area import AreaScreen
from healthdesk.tui.screens.base import DeskScreen
from healthdesk.tui.screens.connection import ConnectionScreen, DisconnectedScreen
from healthdesk.tui.screens.expiries import ExpiriesScreen
from healthdesk.tui.screens.integration import IntegrationScreen
from healthdesk.tui.screens.integration_rows import IntegrationRows
from healthdesk.tui.screens.integrations import IntegrationsScreen
from healthdesk.tui.screens.labels import LabelsScreen
from healthdesk.tui.screens.ledger import LedgerScreen
from healthdesk.tui.screens.people import PeopleScreen
from healthdesk.tui.screens.sources import SourcesScreen
from healthdesk.tui.screens.tasks import TasksScreen
from healthdesk.tui.screens.templates import TemplatesScreen
from healthdesk.tui.view.accounts import (
    ACCOUNT_COLUMNS,
    account_cells,
    account_explain,
    account_id,
    account_word,
    disconnected,
    keep_account,
)
from healthdesk.tui.view.connection import connection_facts, connection_head
from healthdesk.tui.view.credentials import why_not_put_back
from healthdesk.tui.view.filters import connection_chips
from healthdesk.tui.view.integration import integration_head
from healthdesk.tui.widgets.filter_bar import Chip
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

EMPTY = (
    line("  No connections yet. ", key("n"), " adds one; `healthdesk apps` lists what can be connected."),
    line(dim("  Then `healthdesk integrations add` makes an integration that delivers on it.")),
)
DISCONNECTED = "its connection was disconnected; enter shows what waits for another one"
OF_A_CONNECTION = ("check", "credentials", "edit", "disconnect", "put_back")


class ConnectionsScreen(IntegrationRows, AreaScreen):
    """Area 1."""

    CONTEXT = "connections"
    PARTS: ClassVar[tuple[str, ...]] = (ROW,)
    NOUNS: ClassVar[frozenset[str]] = frozenset({"connection", "integration", "problem", "record"})
    PREVIEWS = True
    noun = "rows"

    def chips(self) -> list[Chip]:
        """Status, and which kind."""
        return connection_chips()

    def make_listing(self) -> Listing:
        """Accounts of the filter; there are few enough to come whole."""
        table = WindowTable(
            ACCOUNT_COLUMNS,
            lambda row: account_cells(row, self.view()),
            account_id,
            ascii_only=self.ascii_only,
            id="accounts",
        )
        return Listing(
            self.make_region(table, "accounts-region"),
            self.fetch,
            empty=EMPTY,
            empty_filter=lambda: [
                line("  Nothing is like that. ", key("backspace"), dim(" clears the filter"))
            ],
            filtered=lambda: self.bar.narrows,
        )

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[AccountRow]:  # noqa: ARG002 - one page
        """Read all accounts, and keep those the chips ask for."""
        rows = await self.client.accounts()
        return Page[AccountRow](items=[row for row in rows if keep_account(row, self.values)])

    def explain(self, row: AccountRow) -> Iterable[Line]:
        """What, since when, whose fault, the key that helps."""
        return account_explain(row, self.view())

    def row_key(self, row: AccountRow) -> str:
        """Kind and id."""
        return account_id(row)

    def reads_preview(self, row: AccountRow) -> bool:
        """Of what has no connection the row tells all."""
        return not disconnected(row) and super().reads_preview(row)

    async def read_detail(self, key: str) -> Connection | Integration:
        """Read the connection or the integration."""
        kind, _, row_id = key.partition(":")
        if kind == "connection":
            return await self.client.connection(row_id)
        return await self.client.integration(row_id)

    def detail_lines(self, detail: Connection | Integration) -> Iterable[Line]:
        """Its head and facts."""
        if isinstance(detail, Connection):
            return [*connection_head(detail, self.view()), (), *connection_facts(detail, self.view())]
        return integration_head(detail, self.view())

    @property
    def context(self) -> str:
        """An integration that delivers has the actions of its window."""
        row = self.item() if self.is_mounted else None
        delivers = row is not None and row.kind == "integration" and not disconnected(row)
        return ROW if delivers else super().context

    def not_here(self, action: Action) -> str:  # noqa: ARG002 - it is the same for all of them
        """Connections are edited and disconnected, integrations tested and paused."""
        if self.context == ROW:
            return "this is an integration; o opens its connection"
        row = self.item()
        if row is not None and disconnected(row):
            return DISCONNECTED
        return "this is a connection; choose the integration that delivers on it" if row is not None else ""

    def item_name(self) -> str:
        """App and account."""
        row = self.item()
        return f"{row.app} · {account_word(row)}" if row is not None else ""

    def ruled_out(self) -> Mapping[str, str]:
        """What the daemon refuses on the connection that keys act on."""
        row = self.item()
        return row.refused if row is not None else {}

    def refuses(self, action_id: str) -> str:
        """What has no connection any more has nothing to check; there may be no filter to clear."""
        row = self.item()
        if row is not None and disconnected(row) and action_id in OF_A_CONNECTION:
            return DISCONNECTED
        if row is not None and action_id == "put_back":
            return why_not_put_back(row.previous_until, self.view())
        return super().refuses(action_id)

    def do_open(self) -> None:
        """Open the connection's or the integration's window."""
        row: AccountRow = self.item()
        if row.kind == "connection":
            self.app.push_screen(ConnectionScreen(row.id, own=True))
        elif disconnected(row):
            self.app.push_screen(DisconnectedScreen(row.id, row.explanation))
        else:
            self.app.push_screen(IntegrationScreen(row.id))

    def do_expiries(self) -> None:
        """Show which credential ends when."""
        self.app.push_screen(ExpiriesScreen())

    def do_tasks(self) -> None:
        """Show every task."""
        self.app.push_screen(TasksScreen())

    def do_templates(self) -> None:
        """Show every repeating task."""
        self.app.push_screen(TemplatesScreen())

    def do_labels(self) -> None:
        """Show labels and controls."""
        self.app.push_screen(LabelsScreen())

    def do_people(self) -> None:
        """Show whose connection is which."""
        self.app.push_screen(PeopleScreen())

    def do_integrations(self) -> None:
        """Show every integration."""
        self.app.push_screen(IntegrationsScreen())

    def do_ledger(self) -> None:
        """Show the ledger of a period."""
        self.app.push_screen(LedgerScreen())

    def do_sources(self) -> None:
        """Show every source."""
        self.app.push_screen(SourcesScreen())

    def do_new_proof(self) -> None:
        """Add a proof sync."""
        self.flow(add_proof_sync(self), asks=True)

    def do_check(self) -> None:
        """Check the connection now; of an integration the one it delivers on."""
        self.flow(self._on_connection(check_now, self.item()))

    def do_credentials(self) -> None:
        """Enter new credentials; of an integration those of the connection it delivers on."""
        self.flow(self._on_connection(update_credentials, self.item()), asks=True)

    async def _on_connection(self, does: Callable[[DeskScreen, str], Awaitable[str]], row: AccountRow) -> str:
        return await does(self, await connection_of(self, row))

    def do_put_back(self) -> None:
        """Use the credentials before the last update again."""
        self.flow(put_back(self, self.item().id), asks=True)

    def do_new(self) -> None:
        """Connect something."""
        self.flow(add_connection(self), asks=True)

    def do_edit(self) -> None:
        """Change it: a connection, or an environment of an integration."""
        if self.context == ROW:
            self.edit_integration()
        else:
            self.flow(edit_connection(self, self.item().id), asks=True)

    def do_disconnect(self) -> None:
        """End it."""
        self.flow(disconnect(self, self.item().id), asks=True)
