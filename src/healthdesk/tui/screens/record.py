"""The window of one record: verdict on top, tabs below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.containers import Vertical
from textual.widget import Widget

from healthdesk.api.records import Attempt, AttemptDetail, RecordDetail
from healthdesk.tui import messages
from healthdesk.tui.flows.records import asks_before_resend, resend_one
from healthdesk.tui.format import Line, plain
from healthdesk.tui.screens.attempt import AttemptScreen
from healthdesk.tui.screens.tabbed import TabbedWindow
from healthdesk.tui.view.curl import curl_of, curl_refusal
from healthdesk.tui.view.record import TABS, record_title, record_verdict, short_id, tab_lines
from healthdesk.tui.view.timeline import attempt_cells, attempt_columns, attempt_explain
from healthdesk.tui.widgets.lines import Explanation, Lines, Pane, Ruler, Tab, TabLine
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Chunk

TIMELINE = "Attempts"


class RecordScreen(TabbedWindow):
    """Opened from the log, or from a problem's sample."""

    CONTEXT = "record"
    TABS: ClassVar[tuple[str, ...]] = TABS
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
        self.timeline = WindowTable(
            attempt_columns(self.view()),
            lambda attempt: attempt_cells(attempt, self.detail, self.view()),
            lambda attempt: str(attempt.id),
            ascii_only=self.ascii_only,
            id="attempts",
        )
        explained = Explanation(ascii_only=self.ascii_only, id="attempt", classes="explain")
        yield Vertical(self.timeline, Ruler(ascii_only=self.ascii_only), explained, id="timeline")

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
        counts = {TIMELINE: str(detail.tried or len(detail.attempts) or "")}
        tabs = [Tab(name, name, counts.get(name, "")) for name in TABS]
        self.query_one("#tabs", TabLine).show(tabs, self.tab)
        pane, timeline = self.query_one("#pane", Pane), self.query_one("#timeline")
        timeline.display = self.tab == TIMELINE and bool(detail.attempts)
        pane.display = not timeline.display
        if timeline.display:
            self._show_timeline()
        else:
            pane.show(self._tab_lines(self.tab))

    def _show_timeline(self) -> None:
        """Show the attempts, at first the newest under the cursor; later it stays on its attempt."""
        first_time = not self.timeline.window.loaded
        self.timeline.take_head(self.timeline.window.generation, [Chunk(self.detail.attempts, None)])
        if first_time:
            self.timeline.move_to(len(self.detail.attempts) - 1)

    def cursor_moved(self, row: Attempt | None) -> None:
        """Say what the attempt under the cursor came to."""
        if row is not None:
            told = attempt_explain(row, self.detail, self.view())
            self.query_one("#attempt", Explanation).explain(told)

    def _tab_lines(self, tab: str) -> list[Line]:
        return tab_lines(tab, self.detail, self.view())

    def choose(self, tab: str) -> None:
        """Show a tab."""
        if self.detail is not None:
            self.tab = tab
            self.show_detail()
            pane = self.query_one("#pane", Pane)
            pane.scroll_home(animate=False)
            (pane if pane.display else self.timeline).focus()
            self.show_keys()

    def item_name(self) -> str:
        """The record."""
        return short_id(self.key)

    def attempt(self) -> Attempt | None:
        """Return the attempt under the cursor, in the tab that has them."""
        if self.tab != TIMELINE:
            return None
        found: Attempt | None = self.timeline.current
        return found

    def refuses(self, action_id: str) -> str:
        """Records on their way are not resent; revealed ones not revealed again."""
        from healthdesk.tui.screens.log import resend_reason

        if action_id == "open" and self.attempt() is None:
            return "there is no attempt under the cursor; the Attempts tab has them"
        if action_id == "resend" and self.detail is not None:
            return resend_reason(self.detail.state)
        if action_id == "reveal" and self.revealed and self.attempt() is None:
            return "they are shown already"
        if action_id == "curl" and self.detail is not None:
            last = self.detail.attempts[-1] if self.detail.attempts else None
            return curl_refusal(last, self.detail.request_body)
        return ""

    def do_error(self) -> None:
        """Show what went wrong."""
        self.choose("Error")

    def do_resend(self) -> None:
        """Resend it."""
        if self.detail is not None:
            self.flow(resend_one(self, self.detail), asks=asks_before_resend(self.detail))

    def off_footer(self) -> frozenset[str]:
        """There is something to open in one tab only."""
        return frozenset() if self.tab == TIMELINE else frozenset({"open"})

    def do_open(self) -> None:
        """Open the attempt under the cursor."""
        attempt = self.attempt()
        if attempt is not None:
            self.app.push_screen(AttemptScreen(self.key, attempt.id))

    def do_reveal(self) -> None:
        """Show the values, in the Attempts tab of the one attempt; the daemon notes who did."""
        self.flow(self._reveal(self.attempt()))

    async def _reveal(self, attempt: Attempt | None) -> str:
        if attempt is not None:
            detail = await self.client.record_attempt_reveal(self.key, attempt.id)
            self.post_message(messages.Revealed(detail))
        else:
            self.post_message(messages.Revealed(await self.client.record_reveal(self.key)))
        return ""

    @on(messages.Revealed)
    def _revealed(self, message: messages.Revealed) -> None:
        if isinstance(message.detail, AttemptDetail):
            self.app.push_screen(AttemptScreen(self.key, message.detail.id, revealed=message.detail))
        else:
            self.revealed = True
            self.detail = message.detail
            self._show()
        self.desk.tell("Values are shown. It is noted in the activity log.")

    def do_curl(self) -> None:
        """Copy the request as a curl command."""
        self.desk.copy(curl_of(self.detail))

    def copy_text(self) -> str:
        """Copy the tab shown, its body without cuts."""
        return "" if self.detail is None else plain(self._tab_lines(self.tab))
