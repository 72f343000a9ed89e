"""The window of one attempt: what was sent, what came back; its values revealed on their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.widget import Widget

from healthdesk.api.records import AttemptDetail
from healthdesk.tui import messages
from healthdesk.tui.format import Line
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.attempt import attempt_head, attempt_lines
from healthdesk.tui.view.record import short_id
from healthdesk.tui.widgets.lines import Lines, Pane, Ruler


class AttemptScreen(WindowScreen):
    """Opened from the Attempts tab of a record; with `revealed` it shows what was read in clear there."""

    CONTEXT = "attempt"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"attempt", "record"})
    detail: AttemptDetail | None

    def __init__(self, record_id: str, attempt_id: str, *, revealed: AttemptDetail | None = None) -> None:
        super().__init__(attempt_id)
        self.record_id = record_id
        self.revealed = revealed

    def body(self) -> Iterable[Widget]:
        """Verdict, then everything."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield Ruler(ascii_only=self.ascii_only)
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")

    def crumbs(self) -> str:
        """Where you are."""
        number = f"attempt {self.detail.number:,}" if self.detail else short_id(self.key)
        return f"Log › {short_id(self.record_id)} › {number}"

    async def read(self) -> AttemptDetail:
        """Read the attempt; once revealed it stays so in this window, while it is as it was."""
        fresh = await self.client.record_attempt(self.record_id, self.key)
        kept = self.revealed
        return kept if kept is not None and kept.finished_at == fresh.finished_at else fresh

    def head_lines(self) -> Iterable[Line]:
        """What became of it."""
        return attempt_head(self.detail, self.view()) if self.detail else ()

    def show_detail(self) -> None:
        """Show everything."""
        self.query_one("#pane", Pane).show(self.copy_lines())

    def item_name(self) -> str:
        """The attempt."""
        return f"attempt {self.detail.number:,} of {short_id(self.record_id)}" if self.detail else ""

    def refuses(self, action_id: str) -> str:
        """Revealed ones are not revealed again."""
        if action_id == "reveal" and self.detail is not None and self.detail is self.revealed:
            return "they are shown already"
        if action_id == "curl" and self.detail is not None and not self.detail.curl:
            return "nothing was sent yet"
        return ""

    def do_reveal(self) -> None:
        """Show the values; the daemon notes who did."""
        self.flow(self._reveal())

    async def _reveal(self) -> str:
        self.post_message(
            messages.Revealed(await self.client.record_attempt_reveal(self.record_id, self.key))
        )
        return ""

    @on(messages.Revealed)
    def _revealed(self, message: messages.Revealed) -> None:
        self.detail = self.revealed = message.detail
        self._show()
        self.desk.tell("Values are shown. It is noted in the activity log.")

    def do_curl(self) -> None:
        """Copy the request as a curl command."""
        if self.detail is not None:
            self.desk.copy(self.detail.curl)

    def copy_lines(self) -> list[Line]:
        """Copy everything."""
        return attempt_lines(self.detail, self.view()) if self.detail else []
