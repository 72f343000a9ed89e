"""The whole error message of a task or proof sync, whose fault it is and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from healthdesk.api.instances import Instance
from healthdesk.tui.format import plain
from healthdesk.tui.screens.copy import CopyPage
from healthdesk.tui.screens.dialog import Box
from healthdesk.tui.view.instances import error_page
from healthdesk.tui.widgets.lines import Pane

LOW = 5


class ErrorPage(Box[None]):
    """Scrolls; `y` copies it."""

    AUTO_FOCUS = "Pane"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,E", "cancel", show=False),
        Binding("y", "copy", show=False),
    ]

    def __init__(self, instance: Instance, *, ascii_only: bool = False) -> None:
        super().__init__(f"{instance.state_word} · {instance.name}", ascii_only=ascii_only)
        self.lines = error_page(instance)

    def inside(self) -> Iterable[Widget]:
        """The lines, scrolling."""
        yield Pane(ascii_only=self.ascii_only)

    def on_mount(self) -> None:
        """Fill it."""
        pane = self.query_one(Pane)
        pane.styles.height = "auto"
        pane.styles.max_height = max(LOW, self.size.height - LOW)
        pane.show(self.lines)

    def action_copy(self) -> None:
        """Copy it, and show it on a plain page."""
        text = plain(self.lines)
        self.app.copy_to_clipboard(text)
        self.app.push_screen(CopyPage(text, ascii_only=self.ascii_only))
