"""An address, or a secret, that is shown once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType

from healthdesk.tui.format import Line
from healthdesk.tui.screens.copy import CopyPage
from healthdesk.tui.screens.dialog import Notice


class AddressNotice(Notice):
    """Shows an address or a secret with what there is to say of it; `y` copies it, and shows it on a plain page."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", show=False)]

    def __init__(self, title: str, lines: Iterable[Line], *, address: str, ascii_only: bool = False) -> None:
        super().__init__(title, lines, ascii_only=ascii_only)
        self.address = address

    def action_copy(self) -> None:
        """Copy it."""
        self.app.copy_to_clipboard(self.address)
        self.app.push_screen(CopyPage(self.address, ascii_only=self.ascii_only))
