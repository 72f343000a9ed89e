"""What can be done in the window of a connection: with the card, and with the row, that has the focus."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from healthdesk.api.connections import Connection
from healthdesk.api.instances import Instance
from healthdesk.domain.instance_states import InstanceKind
from healthdesk.tui.account_detail import AccountDetail, CardDetail
from healthdesk.tui.flows import instances as instance_flows
from healthdesk.tui.flows.connections import check_now, edit_connection
from healthdesk.tui.flows.credentials import put_back, update_credentials
from healthdesk.tui.flows.disconnecting import disconnect
from healthdesk.tui.flows.health import accept_drift, enter_expiry, new_address, remove_ping, set_ping
from healthdesk.tui.flows.owning import make_me_owner
from healthdesk.tui.screens.base import DeskScreen
from healthdesk.tui.screens.error import ErrorPage
from healthdesk.tui.screens.members import MembersScreen
from healthdesk.tui.screens.tabbed import TabbedWindow
from healthdesk.tui.view.account import card_title
from healthdesk.tui.view.connection import pinged
from healthdesk.tui.view.credentials import why_not_put_back
from healthdesk.tui.view.words import connection_label

TASK_ROW, PROOF_ROW = "task-row", "proof-row"
ALREADY = "account, site and scopes are those it was connected with"
InstanceFlow = Callable[[DeskScreen, Instance], Awaitable[str]]


class ConnectionActs(TabbedWindow):
    """The actions of the window; which thing they are for is said by `chosen` and `row`."""

    PARTS = (TASK_ROW, PROOF_ROW)
    detail: AccountDetail | None
    chosen = ""
    """The connection whose card had the focus last: its checks, evidence and details are shown."""

    def row(self) -> Instance | None:
        """Return the task or proof sync under the cursor."""
        raise NotImplementedError

    @property
    def on_rows(self) -> bool:
        """Whether keys act on the row under the cursor, not on a card."""
        return self.context in self.PARTS

    @property
    def card(self) -> CardDetail | None:
        """The card that was chosen."""
        return self.detail.card(self.chosen) if self.detail is not None else None

    @property
    def connection(self) -> Connection | None:
        """The connection of that card."""
        card = self.card
        return card.connection if card is not None else None

    @property
    def subject(self) -> str:
        """The connection that keys act on: that of the row, where the rows have the focus."""
        row = self.row() if self.on_rows else None
        return (row.connection_id or "") if row is not None else self.chosen

    def item(self) -> Any:
        """Actions are for the row under the cursor, or for the card."""
        return self.row() if self.on_rows else self.card

    def item_name(self) -> str:
        """The row, or app and connection."""
        row = self.row() if self.on_rows else None
        if row is not None:
            return row.name
        card = self.card
        if card is None:
            return ""
        connection = card.connection
        if self.detail is not None and len(self.detail.cards) > 1:
            return f"{connection.app_name} · {card_title(card.card)}"
        label = connection_label(connection.app_name, connection.name, "")
        return f"{connection.app_name} · {label}" if label else connection.app_name

    def ruled_out(self) -> Mapping[str, str]:
        """What the daemon refuses on the row, or on the connection."""
        row = self.row() if self.on_rows else None
        if row is not None:
            known = self.detail.card(row.connection_id or "") if self.detail is not None else None
            of_connection = known.connection.refused if known is not None else {}
            return {**of_connection, **row.refused}
        return self.connection.refused if self.connection is not None else {}

    def refuses(self, action_id: str) -> str:
        """What does not apply says why."""
        if self.on_rows:
            return self._row_refuses(action_id)
        connection, card = self.connection, self.card
        if connection is None or card is None:
            return ""
        if action_id == "disconnect" and card.card.role == "admin":
            ask = card.card.ask or f"ask {connection.owner}, whose it is"
            return f"it is the admin connection, which the integration needs; {ask}".rstrip(".")
        if action_id == "check" and pinged(connection):
            return "it is not called: its pings decide its health"
        if action_id == "put_back":
            return why_not_put_back(connection.previous_until, self.view())
        if action_id == "accept" and not connection.drift:
            return ALREADY
        if action_id == "ping" and connection.heartbeat is not None:
            return "it is called: its own heartbeat decides its health"
        if action_id in ("new_address", "remove_ping") and card.ping is None:
            return "it has no push heartbeat"
        return ""

    def _row_refuses(self, action_id: str) -> str:
        row = self.row()
        if row is None:
            return ""
        if action_id == "error" and not row.error:
            return "it has no error message"
        if action_id == "template" and row.template_id is None:
            return "it was not created from a template"
        if action_id in ("check", "credentials") and row.connection_id is None:
            return "its connection was disconnected"
        return ""

    # With a connection

    def do_check(self) -> None:
        """Check now."""
        self.flow(check_now(self, self.subject))

    def do_credentials(self) -> None:
        """Enter new credentials."""
        self.flow(update_credentials(self, self.subject), asks=True)

    def do_put_back(self) -> None:
        """Use the credentials before the last update again."""
        self.flow(put_back(self, self.chosen), asks=True)

    def do_make_owner(self) -> None:
        """Take it over with credentials of one's own."""
        self.flow(make_me_owner(self, self.chosen), asks=True)

    def do_members(self) -> None:
        """Show who may use it."""
        self.app.push_screen(MembersScreen(self.chosen))

    def do_accept(self) -> None:
        """Take account, site and scopes as they are now."""
        if self.connection is not None:
            self.flow(accept_drift(self, self.connection), asks=True)

    def do_expiry(self) -> None:
        """Enter when the credentials end."""
        self.flow(enter_expiry(self, self.chosen), asks=True)

    def do_ping(self) -> None:
        """Say when pings are expected."""
        if self.card is not None:
            self.flow(set_ping(self, self.chosen, self.card.ping), asks=True)

    def do_new_address(self) -> None:
        """Make a new address for the pings."""
        self._with_ping(new_address)

    def do_remove_ping(self) -> None:
        """Expect no pings any more."""
        self._with_ping(remove_ping)

    def _with_ping(self, does: Any) -> None:
        if self.card is not None and self.card.ping is not None:
            self.flow(does(self, self.card.ping), asks=True)

    def do_edit(self) -> None:
        """Change it."""
        self.flow(edit_connection(self, self.chosen), asks=True)

    def do_disconnect(self) -> None:
        """End it; a window that was only about it is left."""
        self.flow(self._disconnect(self.chosen), asks=True)

    async def _disconnect(self, connection_id: str) -> str:
        sentence = await disconnect(self, connection_id)
        if not sentence or self.detail is None:
            return sentence
        left = [each.connection.id for each in self.detail.cards if each.connection.id != connection_id]
        if left:
            self.key = left[0] if self.key == connection_id else self.key
            return sentence
        self.desk.tell(sentence)
        self.call_later(self.do_back)
        return ""

    # With a task or proof sync

    def _on_row(self, does: InstanceFlow, *, asks: bool = True) -> None:
        row = self.row()
        if row is not None:
            self.flow(_done(does, self, row), asks=asks)

    def do_sync(self) -> None:
        """Sync now."""
        self._on_row(instance_flows.sync_now, asks=False)

    def do_attach(self) -> None:
        """Find an issue, review what it overwrites, attach it."""
        self._on_row(instance_flows.attach)

    def do_create_issue(self) -> None:
        """Create another issue."""
        self._on_row(instance_flows.create_issue)

    def do_unlink(self) -> None:
        """Part it from its issue."""
        self._on_row(instance_flows.unlink)

    def do_reconnect(self) -> None:
        """Give it a connection again, and all others of its owner with it."""
        self._on_row(instance_flows.reconnect)

    def do_view(self) -> None:
        """Show what it collected."""
        self._on_row(instance_flows.view_proof)

    def do_change_connection(self) -> None:
        """Let it collect with another connection."""
        self._on_row(instance_flows.change_connection)

    def do_settings(self) -> None:
        """Change what it collects."""
        self._on_row(instance_flows.settings)

    def do_delete(self) -> None:
        """Delete it."""
        self._on_row(instance_flows.delete)

    def do_template(self) -> None:
        """Open the repeating task it was created from."""
        from healthdesk.tui.screens.template import TemplateScreen

        row = self.row()
        if row is not None and row.template_id is not None:
            self.app.push_screen(TemplateScreen(row.template_id))

    def do_error(self) -> None:
        """Show the whole error message."""
        row = self.row()
        if row is not None:
            self.app.push_screen(ErrorPage(row, ascii_only=self.ascii_only))

    def open_row(self, row: Instance) -> None:
        """Open a task; of a proof sync show what it collected."""
        from healthdesk.tui.screens.task import TaskScreen

        if row.kind is InstanceKind.TASK:
            self.app.push_screen(TaskScreen(row.id))
        else:
            self.do_view()


async def _done(does: InstanceFlow, screen: DeskScreen, row: Instance) -> str:
    return await does(screen, row)
