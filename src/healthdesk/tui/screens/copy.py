"""The plain page: the text that was copied, with nothing around it, to select by hand."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from healthdesk.tui.format import block, dim, line
from healthdesk.tui.widgets.lines import Lines, Pane


class CopyPage(Screen[None]):
    """Shows the text whole, without frames, so that the terminal's own selection takes just it."""

    AUTO_FOCUS = "Pane"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,y,enter", "app.pop_screen", "Back", show=False)
    ]

    def __init__(self, text: str, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.text = text
        self.ascii_only = ascii_only

    def compose(self) -> ComposeResult:
        """The text, and how to leave."""
        yield Pane(ascii_only=self.ascii_only)
        told = "Sent to the clipboard where the terminal allows it (OSC 52); or select it here (often with shift). esc"
        yield Lines([line(dim(told))], ascii_only=self.ascii_only)

    def on_mount(self) -> None:
        """Fill it."""
        self.query_one(Pane).show([line(item) for item in block(self.text)])
