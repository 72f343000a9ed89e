"""The window of a connection: verdict, cards, and in tabs its tasks, proof syncs, heartbeats, evidence, changes and details."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events, on

from healthdesk.api.common import Explanation
from healthdesk.domain.states import ConnectionState
from healthdesk.tui.account_detail import AccountDetail, CardDetail, read_account, read_without_connection
from healthdesk.tui.flows.other_connections import choose_other
from healthdesk.tui.format import Line, line
from healthdesk.tui.screens.connection_rows import ROWS
from healthdesk.tui.screens.connection_tabs import (
    CHANGES,
    DETAILS,
    EVIDENCE,
    HEARTBEATS,
    OF_ONE,
    REGIONS,
    TALL,
    ConnectionTabs,
)
from healthdesk.tui.screens.heartbeat import HeartbeatScreen
from healthdesk.tui.view.account import account_head, card_lines, card_title, disconnected_head
from healthdesk.tui.view.connection import connection_card, connection_head
from healthdesk.tui.view.instances import instance_explain
from healthdesk.tui.widgets.cards import Card, Cards, Face
from healthdesk.tui.widgets.lines import Lines


class ConnectionScreen(ConnectionTabs):
    """Opened from Connections with `own`: the account, with the operator's connection; else that very connection."""

    CONTEXT = "connection"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"connection", "instance", "task", "integration"})
    AUTO_FOCUS = ""

    def __init__(self, key: str, *, own: bool = False) -> None:
        super().__init__(key)
        self.own = own
        self.chosen = key

    def crumbs(self) -> str:
        """Where you are."""
        if self.detail is None:
            return f"Connections › {self.key}"
        account = self.detail.view
        if self.tabs == list(OF_ONE):
            return f"Connections › {self.item_name()}"
        return f"Connections › {account.app_name}" + (f" · {account.account}" if account.account else "")

    async def read(self) -> AccountDetail:
        """Read the account with its cards."""
        return await read_account(self.client, self.key, own=self.own)

    # What is shown

    def head_lines(self) -> Iterable[Line]:
        """The verdict on the worst of the connections; in a tab that is about one of them, on that."""
        card = self.card
        if card is not None and self.tab in OF_ONE:
            return connection_head(card.connection, self.view(), card.evidence)
        worst = self.detail.worst if self.detail is not None else None
        if self.detail is None or worst is None:
            return ()
        return account_head(
            self.view(),
            self.detail.view,
            worst.connection,
            worst.evidence,
            self.detail.others,
            short=self.size.height < TALL and (not self.tab or self.tab in ROWS),
        )

    def show_detail(self) -> None:
        """Show cards and tabs; the first time choose one."""
        if self.detail is None or not self.tabs:
            return
        worst = self.detail.worst
        if worst is not None and self.detail.card(self.chosen) is None:
            self.chosen = worst.connection.id
            self.begin_again(HEARTBEATS, CHANGES)
        if self.tab in self.tabs:
            self.show_around()
            self.show_tab()
        else:
            self.choose(self.tabs[0])

    def show_around(self) -> None:
        """Show the verdict and the cards."""
        if self.detail is None:
            return
        self.query_one("#head", Lines).show(self.head_lines())
        cards = self.query_one("#cards", Cards)
        # Details say all that the cards do, and evidence needs its room.
        cards.display = self.tab in REGIONS or self.size.height >= TALL
        cards.show([self._face(each, cards) for each in self.detail.cards])

    def _face(self, shown: CardDetail, cards: Cards) -> Face:
        connection, view = shown.connection, self.view()
        count = len(self.detail.cards) if self.detail is not None else 1
        width = cards.width_of_each(count)
        tall = self.size.height >= TALL
        alone = count == 1 and (tall or self.tabs == list(OF_ONE))
        title = card_title(shown.card)
        if alone:
            lines = connection_card(
                connection, view, ping=shown.ping, width=width, connected_on=shown.card.connected_on
            )
            title = f"{connection.name} · {connection.owner}" if self.tabs == list(OF_ONE) else title
        else:
            lines = card_lines(shown.card, view, width, tall=tall)
        broken = connection.state is ConnectionState.FAILING
        return Face(connection.id, title, lines, broken=broken, chosen=connection.id == self.chosen)

    def on_resize(self) -> None:
        """Lay cards and evidence out anew."""
        if self.is_mounted:
            self.call_after_refresh(self.show_detail)

    @on(Card.Left)
    def _below(self) -> None:
        self.focus_tab()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The card that has the focus is the one that tabs and keys are about."""
        if isinstance(event.widget, Card) and event.widget.key and event.widget.key != self.chosen:
            self.chosen = event.widget.key
            self.begin_again(HEARTBEATS, CHANGES)
            self.show_around()
            self.show_tab()
        self.show_keys()

    # What can be done

    def refuses(self, action_id: str) -> str:
        """What does not apply says why."""
        if action_id == "open" and not self.on_rows and self.beat() is None:
            return "there is no check under the cursor; the Heartbeats tab has them"
        if action_id in ("failed", "filter") and self.tab not in ROWS:
            return "the tabs with tasks and proof syncs are filtered"
        if action_id == "clear" and not self.narrows:
            return "no filter is set"
        if action_id == "others" and self.detail is not None and not self.detail.others:
            return "there is no other connection to it"
        return super().refuses(action_id)

    def off_footer(self) -> frozenset[str]:
        """What has nothing to open leaves room for the way back."""
        if self.on_rows:
            return frozenset()
        return frozenset({"edit"} if self.tab == HEARTBEATS else {"open"})

    def do_open(self) -> None:
        """Open the task, or read a check whole."""
        row = self.row() if self.on_rows else None
        beat = self.beat()
        if row is not None:
            self.open_row(row)
        elif beat is not None:
            self.app.push_screen(HeartbeatScreen(self.chosen, beat.id, name=self.item_name()))

    def do_others(self) -> None:
        """Open one of the connections that have no card here."""
        if self.detail is not None:
            self.flow(self._open_other(self.detail), asks=True)

    async def _open_other(self, detail: AccountDetail) -> str:
        chosen = await choose_other(self, detail)
        if chosen:
            await self.app.push_screen(ConnectionScreen(chosen))
        return ""

    def copy_lines(self) -> list[Line]:
        """Copy what explains the row; else the facts of the connection, in the Evidence tab the evidence."""
        row = self.row() if self.on_rows else None
        if row is not None:
            return [line(row.name), *instance_explain(row, self.view())]
        if self.detail is None:
            return []
        shown = self.tab if self.tab == EVIDENCE else DETAILS
        return [*self.head_lines(), (), *self.tab_lines(shown)]


class DisconnectedScreen(ConnectionScreen):
    """Opened from Connections on an integration whose connections are all gone: what waits there for another one."""

    CONTEXT = "connection"

    def __init__(self, key: str, explanation: Explanation | None) -> None:
        super().__init__(key)
        self.explanation = explanation

    async def read(self) -> AccountDetail:
        """Read the integration, and how many tasks or proof syncs it has."""
        return await read_without_connection(self.client, self.key)

    def head_lines(self) -> Iterable[Line]:
        """What is missing, and what helps."""
        return disconnected_head(self.explanation)
