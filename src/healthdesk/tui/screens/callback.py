"""The window of a callback: headers and body."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.widget import Widget

from healthdesk.api.callbacks import CallbackDetail
from healthdesk.api.records import Body
from healthdesk.tui import messages
from healthdesk.tui.format import Line
from healthdesk.tui.screens.base import DeskScreen
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.callbacks import callback_explain, callback_lines
from healthdesk.tui.widgets.lines import Lines, Pane, Ruler


async def reprocess(screen: DeskScreen, callback_id: str) -> str:
    """Process a callback again."""
    callback = await screen.client.callback_reprocess(callback_id)
    return f"Callback {callback.delivery_id}: {callback.state.value}."


class CallbackScreen(WindowScreen):
    """Opened from Callbacks."""

    CONTEXT = "callback"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"callback"})
    detail: CallbackDetail | None

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.revealed: Body | None = None

    def body(self) -> Iterable[Widget]:
        """Verdict, then everything."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield Ruler(ascii_only=self.ascii_only)
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")

    def crumbs(self) -> str:
        """Where you are."""
        named = self.detail.event or self.detail.delivery_id if self.detail else ""
        return f"Callbacks › {named or self.key}"

    async def read(self) -> CallbackDetail:
        """Read it; once revealed, its body stays so in this window."""
        fresh = await self.client.callback(self.key)
        return fresh if self.revealed is None else fresh.model_copy(update={"body": self.revealed})

    def head_lines(self) -> Iterable[Line]:
        """What became of it."""
        return callback_explain(self.detail, self.view()) if self.detail else ()

    def show_detail(self) -> None:
        """Show everything."""
        if self.detail is not None:
            self.query_one("#pane", Pane).show(callback_lines(self.detail, self.view()))

    def refuses(self, action_id: str) -> str:
        """A rejected callback is not processed, and what is shown is not revealed again."""
        if action_id == "reveal" and self.revealed is not None:
            return "they are shown already"
        from healthdesk.tui.screens.callbacks import reprocess_refusal

        return reprocess_refusal(self.detail) if action_id == "reprocess" and self.detail else ""

    def do_reprocess(self) -> None:
        """Process it again."""
        self.flow(reprocess(self, self.key))

    def do_reveal(self) -> None:
        """Show the values; the daemon notes who did."""
        self.flow(self._reveal())

    async def _reveal(self) -> str:
        self.post_message(messages.Revealed(await self.client.callback_reveal(self.key)))
        return ""

    @on(messages.Revealed)
    def _revealed(self, message: messages.Revealed) -> None:
        self.detail, self.revealed = message.detail, message.detail.body
        self._show()
        self.desk.tell("Values are shown. It is noted in the activity log.")

    def copy_lines(self) -> list[Line]:
        """Copy everything."""
        return callback_lines(self.detail, self.view()) if self.detail else []
