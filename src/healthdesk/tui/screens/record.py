"""The window of one record: verdict on top, tabs below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.widget import Widget

from healthdesk.api.records import RecordDetail
from healthdesk.tui import messages
from healthdesk.tui.flows.records import resend_one
from healthdesk.tui.format import Line, plain
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.record import TABS, curl_of, record_title, record_verdict, short_id, tab_lines
from healthdesk.tui.widgets.lines import Lines, Pane, Ruler, Tab, TabLine


class RecordScreen(WindowScreen):
    """Opened from the log, or from a problem's sample."""

    CONTEXT = "record"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"record", "attempt", "problem"})

    def __init__(self, key: str, *, tab: str = "Request") -> None:
        super().__init__(key)
        self.tab = tab
        self.revealed = False

    def body(self) -> Iterable[Widget]:
        """Verdict, tabs, the chosen tab."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield TabLine(ascii_only=self.ascii_only, id="tabs")
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")

    def crumbs(self) -> str:
        """Where you are."""
        return "Log › " + (record_title(self.detail) if self.detail is not None else short_id(self.key))

    async def read(self) -> RecordDetail:
        """Read the record; revealed once, it stays so in this window."""
        if self.revealed and self.detail is not None:
            fresh = await self.client.record(self.key)
            kept: RecordDetail = self.detail
            same = {name: getattr(kept, name) for name in ("request_body", "posted_body")}
            same["response_body"] = kept.response_body if fresh.tries == kept.tries else fresh.response_body
            return fresh.model_copy(update=same)
        return await self.client.record(self.key)

    def head_lines(self) -> Iterable[Line]:
        """The verdict."""
        return record_verdict(self.detail, self.view())

    def show_detail(self) -> None:
        """Show the tabs and the one chosen."""
        detail: RecordDetail = self.detail
        counts = {"Attempts": str(detail.tries or len(detail.attempts) or "")}
        tabs = [Tab(name, name, counts.get(name, "")) for name in TABS]
        self.query_one("#tabs", TabLine).show(tabs, self.tab)
        self.query_one("#pane", Pane).show(self._tab_lines(self.tab))

    def _tab_lines(self, tab: str) -> list[Line]:
        return tab_lines(tab, self.detail, self.view())

    def on_tab_line_picked(self, message: TabLine.Picked) -> None:
        """A tab was clicked."""
        if message.name in TABS:
            message.stop()
            self.choose(message.name)

    def choose(self, tab: str) -> None:
        """Show a tab."""
        if self.detail is not None:
            self.tab = tab
            self.show_detail()
            self.query_one("#pane", Pane).scroll_home(animate=False)

    def do_next_tab(self) -> None:
        """Go to the next tab."""
        self.choose(TABS[(TABS.index(self.tab) + 1) % len(TABS)])

    def do_previous_tab(self) -> None:
        """Go to the previous tab."""
        self.choose(TABS[(TABS.index(self.tab) - 1) % len(TABS)])

    def item_name(self) -> str:
        """The record."""
        return short_id(self.key)

    def refuses(self, action_id: str) -> str:
        """Records on their way are not resent; revealed ones not revealed again."""
        from healthdesk.tui.screens.log import resend_reason

        if action_id == "resend" and self.detail is not None:
            return resend_reason(self.detail.state)
        if action_id == "reveal" and self.revealed:
            return "they are shown already"
        if action_id == "curl" and self.detail is not None and not curl_of(self.detail):
            return "nothing was sent yet"
        return ""

    def do_error(self) -> None:
        """Show what went wrong."""
        self.choose("Error")

    def do_resend(self) -> None:
        """Resend it."""
        self.flow(resend_one(self, self.detail))

    def do_reveal(self) -> None:
        """Show the values; the daemon notes who did."""
        self.flow(self._reveal())

    async def _reveal(self) -> str:
        detail = await self.client.record_reveal(self.key)
        self.revealed = True
        self.post_message(messages.Revealed(detail))
        return ""

    @on(messages.Revealed)
    def _revealed(self, message: messages.Revealed) -> None:
        self.detail = message.detail
        self._show()
        self.desk.tell("Values are shown. It is noted in the activity log.")

    def do_curl(self) -> None:
        """Copy the request as a curl command."""
        self.desk.copy(curl_of(self.detail))

    def copy_text(self) -> str:
        """Copy the tab shown, its body without cuts."""
        return "" if self.detail is None else plain(self._tab_lines(self.tab))
