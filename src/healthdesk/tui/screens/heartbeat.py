"""The window of one check of a connection: what was asked, what came back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from healthdesk.api.health import CheckEvidence
from healthdesk.tui.format import Line
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.check import check_head, check_lines
from healthdesk.tui.view.times import stamp
from healthdesk.tui.widgets.lines import Lines, Pane, Ruler


class HeartbeatScreen(WindowScreen):
    """Opened from the heartbeats of a connection. A check does not change, so nothing makes it read again."""

    CONTEXT = "heartbeat"
    NOUNS: ClassVar[frozenset[str]] = frozenset()
    detail: CheckEvidence | None

    def __init__(self, connection_id: str, heartbeat_id: str, *, name: str) -> None:
        super().__init__(heartbeat_id)
        self.connection_id = connection_id
        self.connection_name = name

    def body(self) -> Iterable[Widget]:
        """Verdict, then everything."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield Ruler(ascii_only=self.ascii_only)
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")

    def crumbs(self) -> str:
        """Where you are."""
        at = stamp(self.detail.at, self.view()).strip() if self.detail else "heartbeat"
        return f"Connections › {self.connection_name} › {at}"

    async def read(self) -> CheckEvidence:
        """Read the check."""
        return await self.client.connection_heartbeat(self.connection_id, self.key)

    def head_lines(self) -> Iterable[Line]:
        """What it came to."""
        return check_head(self.detail, self.view()) if self.detail else ()

    def show_detail(self) -> None:
        """Show everything."""
        if self.detail is not None:
            self.query_one("#pane", Pane).show(check_lines(self.detail))

    def item_name(self) -> str:
        """The connection and when."""
        return self.crumbs().removeprefix("Connections › ")

    def copy_lines(self) -> list[Line]:
        """Copy everything."""
        return [*check_head(self.detail, self.view()), (), *check_lines(self.detail)] if self.detail else []
