"""The body of one record, edited as text; JSON is checked while it is typed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import TextArea

from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.screens.dialog import Box, Choice
from healthdesk.tui.view.fixes import json_told
from healthdesk.tui.view.json_view import indent
from healthdesk.tui.view.words import plural
from healthdesk.tui.widgets.editors import LongText
from healthdesk.tui.widgets.lines import Lines


class BodyEditor(Box[str]):
    """Answers the text, or None when it is left. What was JSON has to be JSON again."""

    AUTO_FOCUS = "LongText"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "take", show=False, priority=True),
        Binding("escape", "cancel", show=False, priority=True),
        Binding("left,up,right,down", "nothing", show=False),
    ]

    def __init__(self, title: str, text: str, *, ascii_only: bool = False) -> None:
        super().__init__(title, ascii_only=ascii_only)
        pretty = indent(text)
        self.was_json = json_told(text)[0]
        self.first = text if pretty is None else pretty

    def inside(self) -> Iterable[Widget]:
        """The text, whether it is JSON, the buttons."""
        yield LongText(self.first, name="body")
        yield Lines(ascii_only=self.ascii_only, id="told")
        yield Horizontal(
            Choice("Cancel", "cancel", ascii_only=self.ascii_only),
            Choice("Take it", "take", ascii_only=self.ascii_only),
            classes="buttons",
        )

    def on_mount(self) -> None:
        """Say how it is."""
        self._check()

    @property
    def text(self) -> str:
        """The text as it is."""
        return self.query_one(LongText).text

    @on(TextArea.Changed)
    def _check(self) -> None:
        """Say whether it is JSON."""
        text = self.text
        fine, told = json_told(text)
        size = plural(len(text.encode()), "byte")
        if fine:
            first = line(Span(f"✓ {told}", Tone.GOOD), dim(f" · {size}"))
        elif self.was_json:
            first = line(Span(f"✗ no JSON: {told}", Tone.BAD))
        else:
            first = line(dim(f"no JSON, as before · {size}"))
        keys = line(dim("ctrl+s takes it · tab to the buttons · esc leaves it as it was"))
        self.query_one("#told", Lines).show([first, keys])

    def action_nothing(self) -> None:
        """Arrows move in the text only."""

    def action_take(self) -> None:
        """Take the text, if it may be sent."""
        if not self.was_json or json_told(self.text)[0]:
            self.dismiss(self.text)

    @on(Choice.Pressed)
    def _pressed(self, message: Choice.Pressed) -> None:
        if message.value == "take":
            self.action_take()
        else:
            self.dismiss(None)
