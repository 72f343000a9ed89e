"""Help: the keys of a screen, from the registry that binds them."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from healthdesk.tui.actions import MOVES, actions_of, key_name
from healthdesk.tui.format import Line, dim, key, line, strong
from healthdesk.tui.screens.dialog import Box
from healthdesk.tui.view.words import ALERT, CALLBACK, CONNECTION, PROBLEM, RECORD, Word
from healthdesk.tui.widgets.lines import Pane

LABEL_WIDTH = 25
TOLD_WIDTH = 33
MOVES_WIDTH = 50

GLYPHS: dict[str, Iterable[Word]] = {
    "connections": CONNECTION.values(),
    "problems": PROBLEM.values(),
    "log": RECORD.values(),
    "callbacks": CALLBACK.values(),
    "alerts": ALERT.values(),
}


def help_lines(context: str) -> list[Line]:
    """Return the keys that work on a screen, and what its glyphs mean."""
    lines = [line(strong("Here"))]
    for action in actions_of(context):
        role = f" ({action.role.value})" if action.role.value != "member" else ""
        told = wrap((action.help or action.label) + role, TOLD_WIDTH)
        beside = told.pop(0) if len(action.label) <= LABEL_WIDTH else ""
        lines.append(
            line(" ", key(f"{key_name(action.key):<10}"), f"{action.label:<{LABEL_WIDTH}} ", dim(beside))
        )
        lines += [line(" " * (LABEL_WIDTH + 12), dim(more)) for more in told]
    lines += [(), line(strong("Everywhere"))]
    for keys, means in MOVES:
        begin, *rest = wrap(means, MOVES_WIDTH)
        lines.append(line("  ", key(f"{keys:<18}"), begin))
        lines += [line(" " * 20, words) for words in rest]
    words = list(GLYPHS.get(context, ()))
    if words:
        lines += [(), line(strong("Glyphs"))]
        lines += [line("  ", f"{word.glyph}  ", word.text) for word in words]
        if context == "log":
            lines += [line("  T  of the testing environment"), line("  ~  a sample")]
    return lines


class HelpPage(Box[None]):
    """The help of a screen."""

    AUTO_FOCUS = "Pane"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "cancel", show=False)]

    def __init__(self, context: str, *, ascii_only: bool = False) -> None:
        super().__init__("Help · esc closes", ascii_only=ascii_only)
        self.context = context

    def inside(self) -> Iterable[Widget]:
        """The lines, scrolling."""
        yield Pane(ascii_only=self.ascii_only)

    def on_mount(self) -> None:
        """Fill it."""
        lines = help_lines(self.context)
        pane = self.query_one(Pane)
        pane.styles.height = min(len(lines), max(6, self.size.height - 5))
        pane.show(lines)
