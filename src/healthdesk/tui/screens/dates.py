"""The two days of one of the log's date ranges."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from textual import on
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static

from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.screens.dialog import Box, Choice
from healthdesk.tui.view.filters import custom_range
from healthdesk.tui.widgets.lines import Lines


class DatesForm(Box[str]):
    """Asks for two days, either may be left empty; answers the value of the date chip."""

    AUTO_FOCUS = "Input"

    def __init__(self, title: str, today: date, *, ascii_only: bool = False) -> None:
        super().__init__(title, ascii_only=ascii_only)
        self.today = today

    def inside(self) -> Iterable[Widget]:
        """Two fields."""
        for name, label in (("first", "From the day"), ("last", "To the day")):
            field = Input(placeholder=self.today.isoformat(), id=name)
            yield Horizontal(Static(label, classes="label"), field, classes="field")
        yield Lines(
            [line(dim("Both days included; either may be empty."))], ascii_only=self.ascii_only, id="wrong"
        )
        yield Horizontal(
            Choice("Cancel", "cancel", ascii_only=self.ascii_only),
            Choice("Show", "show", ascii_only=self.ascii_only),
            classes="buttons",
        )

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "first":
            self.query_one("#last", Input).focus()
        else:
            self._answer()

    @on(Choice.Pressed)
    def _pressed(self, message: Choice.Pressed) -> None:
        if message.value == "cancel":
            self.dismiss(None)
        else:
            self._answer()

    def _answer(self) -> None:
        value = custom_range(self.query_one("#first", Input).value, self.query_one("#last", Input).value)
        if value is None:
            told = line(Span(f"Days are written {self.today}, the first before the last.", Tone.BAD))
            self.query_one("#wrong", Lines).show([told])
        else:
            self.dismiss(value)
