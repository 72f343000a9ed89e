"""Callbacks: inbound webhooks from apps, the rejected ones too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on

from healthdesk.api.callbacks import Callback, CallbackDetail
from healthdesk.api.common import Page
from healthdesk.domain.states import CallbackState
from healthdesk.errors import HealthdeskError
from healthdesk.tui import messages
from healthdesk.tui.format import Line, dim, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.area import AreaScreen
from healthdesk.tui.screens.callback import CallbackScreen, reprocess
from healthdesk.tui.view.callbacks import callback_cells, callback_columns, callback_explain, callback_lines
from healthdesk.tui.view.filters import callback_chips, callback_filter
from healthdesk.tui.widgets.filter_bar import ANY, Chip
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

EMPTY = (
    line("  No callbacks yet."),
    line(dim("  A connection's window copies the URL that its app posts them to: y there.")),
)


class CallbacksScreen(AreaScreen):
    """Area 4."""

    CONTEXT = "callbacks"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"callback"})
    PREVIEWS = True
    noun = "callbacks"

    def chips(self) -> list[Chip]:
        """Status, connection, dates."""
        return callback_chips()

    def make_listing(self) -> Listing:
        """Callbacks of the filter."""
        table = WindowTable(
            callback_columns(self.view()),
            lambda callback: callback_cells(callback, self.view()),
            lambda callback: str(callback.id),
            ascii_only=self.ascii_only,
            id="callbacks",
        )
        return Listing(
            self.make_region(table, "callbacks-region"),
            self.fetch,
            empty=EMPTY,
            empty_filter=lambda: [line("  No such callbacks. ", key("backspace"), dim(" clears the filter"))],
            filtered=lambda: self.bar.narrows,
        )

    def load(self) -> None:
        """Read which connections can be chosen too."""
        super().load()
        self.work(self._read_choices, group="choices")

    async def _read_choices(self) -> None:
        try:
            page = await self.client.connections_list(limit=500)
        except HealthdeskError:
            # The list itself says what is wrong; the chip then offers less.
            return
        options = [(ANY, "all"), *((item.id, item.name) for item in page.items)]
        self.post_message(messages.ChoicesLoaded("connection", options))

    @on(messages.ChoicesLoaded)
    def _choices_loaded(self, message: messages.ChoicesLoaded) -> None:
        self.bar.set_options(message.name, message.options)

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[Callback]:  # noqa: ARG002 - one direction only
        """Read a page of callbacks."""
        return await self.client.callbacks_list(
            callback_filter(self.values, self.view()), after=after, limit=limit
        )

    def explain(self, row: Callback) -> Iterable[Line]:
        """What became of it, and why."""
        return callback_explain(row, self.view())

    async def read_detail(self, key: str) -> CallbackDetail:
        """Read it whole."""
        return await self.client.callback(key)

    def detail_lines(self, detail: CallbackDetail) -> Iterable[Line]:
        """All of it."""
        return callback_lines(detail, self.view())

    def item_name(self) -> str:
        """Event and delivery id."""
        row = self.item()
        return f"{row.event or 'callback'} · {row.delivery_id}"[:60] if row is not None else ""

    def refuses(self, action_id: str) -> str:
        """A rejected callback is not processed."""
        row = self.item()
        if action_id == "reprocess" and row is not None:
            return reprocess_refusal(row)
        return super().refuses(action_id)

    def do_open(self) -> None:
        """Open it."""
        self.app.push_screen(CallbackScreen(self.item().id))

    def do_reprocess(self) -> None:
        """Process it again."""
        self.flow(reprocess(self, self.item().id))


def reprocess_refusal(callback: Callback) -> str:
    """Return why a callback is not processed again, or an empty string."""
    return "it was rejected: nobody knows who sent it" if callback.state is CallbackState.REJECTED else ""
