"""Modal boxes: a question that starts on Cancel, and the base of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from healthdesk.tui.format import Line, clean
from healthdesk.tui.widgets.lines import Lines

Answer = TypeVar("Answer")
LEAST_TEXT = 3
AROUND_TEXT = 6
"""Lines that a question's frame, choices and the screen around it take."""


class Choice(Static, can_focus=True):
    """A button of one line."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "press", show=False)]

    @dataclass
    class Pressed(Message):
        """It was chosen."""

        value: str

    def __init__(self, label: str, value: str, *, ascii_only: bool = False) -> None:
        super().__init__(clean(label, ascii_only=ascii_only), markup=False, id=f"choice-{value}")
        self.value = value

    def action_press(self) -> None:
        """Choose it."""
        self.post_message(self.Pressed(self.value))

    def on_click(self) -> None:
        """Choose it."""
        self.action_press()


class Box(ModalScreen[Answer]):
    """A box in the middle; esc leaves it without an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.box_title = title
        self.ascii_only = ascii_only

    def compose(self) -> ComposeResult:
        """The box with its inside."""
        box = Vertical(*self.inside(), classes="box")
        box.border_title = clean(self.box_title, ascii_only=self.ascii_only).replace("[", "\\[")
        self.set_class(self.ascii_only, "-ascii")
        yield box

    def inside(self) -> Iterable[Widget]:
        """Return what is in the box."""
        return ()

    def action_cancel(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)


class Question(Box[str]):
    """A question with its choices; the first, `leave`, has the focus. `keys` choose by a key."""

    AUTO_FOCUS = "Choice"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup,ctrl+u", "page(-1)", show=False),
        Binding("pagedown,ctrl+d", "page(1)", show=False),
    ]

    def __init__(
        self,
        title: str,
        lines: Iterable[Line],
        choices: Sequence[tuple[str, str]],
        *,
        leave: str = "Cancel",
        keys: Mapping[str, str] = MappingProxyType({}),
        ascii_only: bool = False,
    ) -> None:
        super().__init__(title, ascii_only=ascii_only)
        self.lines = list(lines)
        self.choices = choices
        self.leave = leave
        self.keys = keys

    def inside(self) -> Iterable[Widget]:
        """The lines, scrolling where they are many, and the choices with the one that leaves first."""
        yield VerticalScroll(Lines(self.lines, ascii_only=self.ascii_only), classes="text", can_focus=False)
        yield Horizontal(
            Choice(self.leave, "cancel", ascii_only=self.ascii_only),
            *(Choice(label, value, ascii_only=self.ascii_only) for value, label in self.choices),
            classes="buttons",
        )

    def on_resize(self) -> None:
        """Leave the choices in sight."""
        self.query_one(".text").styles.max_height = max(LEAST_TEXT, self.size.height - AROUND_TEXT)

    def action_page(self, by: int) -> None:
        """Scroll the lines."""
        text = self.query_one(".text", VerticalScroll)
        text.scroll_relative(y=by * text.size.height, animate=False)

    def on_key(self, event: events.Key) -> None:
        """Choose by a key."""
        if event.key in self.keys:
            event.stop()
            self.dismiss(self.keys[event.key])

    @on(Choice.Pressed)
    def _pressed(self, message: Choice.Pressed) -> None:
        self.dismiss(None if message.value == "cancel" else message.value)


class Notice(Box[None]):
    """Something to read; any of the leaving keys closes it."""

    AUTO_FOCUS = "Choice"

    def __init__(self, title: str, lines: Iterable[Line], *, ascii_only: bool = False) -> None:
        super().__init__(title, ascii_only=ascii_only)
        self.lines = list(lines)

    def inside(self) -> Iterable[Widget]:
        """The lines, and Close."""
        yield Lines(self.lines, ascii_only=self.ascii_only)
        yield Horizontal(Choice("Close", "close", ascii_only=self.ascii_only), classes="buttons")

    @on(Choice.Pressed)
    def _pressed(self) -> None:
        self.dismiss(None)
