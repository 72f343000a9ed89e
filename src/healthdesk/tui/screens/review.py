"""Review and confirm: the task beside the issue that overwrites it. It starts on Cancel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget

from healthdesk.api.instances import AttachReview
from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.screens.dialog import Box, Choice
from healthdesk.tui.view.issues import review_lines
from healthdesk.tui.widgets.lines import Lines

MOST_OF_HEIGHT = 0.94
LEFT_FOR_OTHERS = 9
"""Lines that the frame, the warning, the keys and the buttons take."""


class Review(Box[str]):
    """What of a task an issue overwrites, field by field; answers `confirm`, or None."""

    AUTO_FOCUS = "#choice-cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,ctrl+d", "scroll(8)", show=False),
        Binding("pageup,ctrl+u", "scroll(-8)", show=False),
    ]

    def __init__(self, name: str, review: AttachReview, *, ascii_only: bool = False) -> None:
        super().__init__(f"Review and confirm · {name}", ascii_only=ascii_only)
        self.review = review

    def inside(self) -> Iterable[Widget]:
        """Warning, both sides, buttons."""
        yield Lines([line(Span(f"⚠ {self.review.warning}", Tone.WARN))], ascii_only=self.ascii_only)
        sides = Lines(ascii_only=self.ascii_only, id="sides")
        yield VerticalScroll(sides, classes="scroll", can_focus=False)
        keys = "↑↓ scroll · ←→ or tab choose · enter does it · esc leaves"
        yield Lines([line(dim(keys))], ascii_only=self.ascii_only, classes="hint")
        yield Horizontal(
            Choice("Cancel", "cancel", ascii_only=self.ascii_only),
            Choice("Confirm", "confirm", ascii_only=self.ascii_only),
            classes="buttons",
        )

    def on_resize(self) -> None:
        """Lay both sides out for the room there is."""
        box = self.query_one(".box")
        width = box.size.width or self.size.width
        self.query_one("#sides", Lines).show(review_lines(self.review, width - 1))
        self.query_one(".scroll").styles.max_height = max(
            3, int(self.size.height * MOST_OF_HEIGHT) - LEFT_FOR_OTHERS
        )

    def action_scroll(self, by: int) -> None:
        """Scroll both sides."""
        self.query_one(".scroll", VerticalScroll).scroll_relative(y=by, animate=False)

    @on(Choice.Pressed)
    def _pressed(self, message: Choice.Pressed) -> None:
        self.dismiss(None if message.value == "cancel" else message.value)
