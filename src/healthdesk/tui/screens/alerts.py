"""Alerts: the channels on top, the messages sent to them below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from textual import on
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from healthdesk.api.alerts import Alert, Channel, Rule
from healthdesk.api.common import Page
from healthdesk.errors import HealthdeskError
from healthdesk.tui import messages
from healthdesk.tui.flows.channels import add_channel, remove_channel, test_channel
from healthdesk.tui.format import Line, dim, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.base import DeskScreen
from healthdesk.tui.screens.dialog import Notice
from healthdesk.tui.view.alerts import (
    ALERT_COLUMNS,
    CHANNEL_COLUMNS,
    alert_cells,
    alert_explain,
    alert_lines,
    channel_cells,
    channel_explain,
)
from healthdesk.tui.widgets.lines import Lines, Pane, Ruler
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

NO_CHANNELS = (
    line("  No channels: nobody is told of problems. ", key("n"), " adds one by its Apprise URL."),
    line(dim("  Mail, chat, or any JSON webhook; a channel gets every problem until a rule narrows it.")),
)
NO_ALERTS = (line("  No alerts were written yet."),)
CHANNEL_ACTIONS = ("test", "remove")


class AlertsScreen(DeskScreen):
    """Area 5."""

    CONTEXT = "alerts"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"alert", "channel", "rule"})
    AUTO_FOCUS = "#channels"

    def __init__(self) -> None:
        super().__init__()
        self.rules: list[Rule] = []

    def body(self) -> Iterable[Widget]:
        """Two tables, what explains the row, a preview beside them."""
        self.channels = WindowTable(
            CHANNEL_COLUMNS,
            lambda channel: channel_cells(channel, self.view()),
            lambda channel: str(channel.id),
            ascii_only=self.ascii_only,
            id="channels",
        )
        self.alerts = WindowTable(
            ALERT_COLUMNS,
            lambda alert: alert_cells(alert, self.view()),
            lambda alert: str(alert.id),
            ascii_only=self.ascii_only,
            id="alerts",
        )
        above = ListRegion(self.channels, ascii_only=self.ascii_only, id="channels-region")
        below = ListRegion(self.alerts, ascii_only=self.ascii_only, id="alerts-region")
        self.add_list(Listing(above, self.fetch_channels, empty=NO_CHANNELS))
        self.add_list(Listing(below, self.fetch_alerts, empty=NO_ALERTS))
        yield Ruler(ascii_only=self.ascii_only)
        yield Horizontal(
            Vertical(above, Ruler(ascii_only=self.ascii_only), below, id="lists"),
            Pane(ascii_only=self.ascii_only, id="preview", classes="preview"),
            classes="body",
        )
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="explain", classes="explain")

    def load(self) -> None:
        """Read the rules too: they say what comes to a channel."""
        super().load()
        self._read_rules()

    def reload(self) -> None:
        """Read everything again."""
        super().reload()
        self._read_rules()

    def _read_rules(self) -> None:
        self.work(self._rules, group="rules", exclusive=True)

    async def _rules(self) -> None:
        try:
            page = await self.client.rules_list(limit=500)
        except HealthdeskError:
            # The lists say what is wrong; a channel's explanation then does without rules.
            return
        self.post_message(messages.DetailLoaded("rules", page.items))

    @on(messages.DetailLoaded)
    def _rules_loaded(self, message: messages.DetailLoaded) -> None:
        self.rules = message.detail
        self._explain()

    async def fetch_channels(self, after: str | None, limit: int, direction: Direction) -> Page[Channel]:  # noqa: ARG002 - one direction only
        """Read a page of channels."""
        return await self.client.channels_list(after=after, limit=limit)

    async def fetch_alerts(self, after: str | None, limit: int, direction: Direction) -> Page[Alert]:  # noqa: ARG002 - one direction only
        """Read a page of alerts."""
        return await self.client.alerts_list(after=after, limit=limit)

    @property
    def table(self) -> WindowTable:
        """The table keys act on."""
        return self.alerts if self.focused is self.alerts else self.channels

    def item(self) -> Any:
        """The row of the table that has the focus."""
        return self.table.current

    def on_descendant_focus(self) -> None:
        """Explain the row of the table that has the focus now."""
        self._explain()
        self.show_keys()

    def cursor_moved(self, row: Any) -> None:  # noqa: ARG002 - it may be of the other table
        """Explain the row."""
        self._explain()

    def _explain(self) -> None:
        row, view = self.item(), self.view()
        lines: list[Line] = []
        whole: list[Line] = []
        if isinstance(row, Channel):
            lines = whole = channel_explain(row, self.rules, view)
        elif isinstance(row, Alert):
            lines, whole = alert_explain(row, view), alert_lines(row, view)
        self.query_one("#explain", Lines).show(lines)
        self.query_one("#preview", Pane).show(whole)

    def item_name(self) -> str:
        """The channel's name, or the alert's title."""
        row = self.item()
        if isinstance(row, Channel):
            return row.name
        return row.title[:60] if isinstance(row, Alert) else ""

    def refuses(self, action_id: str) -> str:
        """Only channels are tested and removed."""
        if action_id in CHANNEL_ACTIONS and not isinstance(self.item(), Channel):
            return "choose a channel first (w)"
        return ""

    def do_open(self) -> None:
        """Read an alert whole; a channel shows what is known of it."""
        row, view = self.item(), self.view()
        if isinstance(row, Alert):
            notice = Notice(
                f"Alert to {row.channel_name}", alert_lines(row, view), ascii_only=self.ascii_only
            )
        else:
            lines = [line(dim(f"{row.kind} {row.url}")), *channel_explain(row, self.rules, view)]
            notice = Notice(row.name, lines, ascii_only=self.ascii_only)
        self.app.push_screen(notice)

    def do_switch(self) -> None:
        """Go to the other table."""
        (self.channels if self.focused is self.alerts else self.alerts).focus()

    def do_new(self) -> None:
        """Add a channel."""
        self.flow(add_channel(self), asks=True)

    def do_test(self) -> None:
        """Send a test message."""
        self.flow(test_channel(self, self.item()))

    def do_remove(self) -> None:
        """Remove the channel."""
        self.flow(remove_channel(self, self.item()), asks=True)

    def copy_lines(self) -> list[Line]:
        """Copy what is known of the row."""
        row, view = self.item(), self.view()
        if isinstance(row, Alert):
            return alert_lines(row, view)
        return (
            [line(row.name), line(row.url), *channel_explain(row, self.rules, view)]
            if row is not None
            else []
        )
