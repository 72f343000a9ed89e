"""FilterBar: the filter as chips in one line, edited in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from healthdesk.tui.format import STYLES, Tone, clean

ANY = ""


@dataclass(frozen=True, slots=True)
class Chip:
    """One part of a filter. The first option is the one that does not narrow, unless `default` says otherwise.

    A quiet one is shown only while it narrows, or while the chips are edited.
    """

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    value: str = ANY
    default: str = ANY
    quiet: bool = False

    @property
    def narrows(self) -> bool:
        """Whether it is not as it is by default."""
        return self.value != self.default

    @property
    def word(self) -> str:
        """What its value is called."""
        return next((word for value, word in self.options if value == self.value), self.value)

    def step(self, by: int) -> Chip:
        """Return it with the next (or previous) option."""
        values = [value for value, _ in self.options]
        at = values.index(self.value) if self.value in values else 0
        return replace(self, value=values[(at + by) % len(values)])


class FilterBar(Static, can_focus=True):
    """Chips. `←→` choose one, `↑↓` or space change it, enter or esc go back to the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h,shift+tab", "choose(-1)", show=False),
        Binding("right,l,tab", "choose(1)", show=False),
        Binding("up,k", "change(-1)", show=False),
        Binding("down,j,space", "change(1)", show=False),
        Binding("backspace", "clear", show=False),
        Binding("delete", "reset", show=False),
        Binding("enter,escape,slash", "leave", show=False),
    ]

    @dataclass
    class Changed(Message):
        """A chip has another value."""

        bar: FilterBar

    @dataclass
    class Left(Message):
        """The operator is done with the chips."""

        bar: FilterBar

    def __init__(
        self, chips: Sequence[Chip] = (), *, ascii_only: bool = False, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self.ascii_only = ascii_only
        self.chips = list(chips)
        self.at = 0
        self._ends: list[int] = []

    @property
    def values(self) -> dict[str, str]:
        """What the chips say, by name."""
        return {chip.name: chip.value for chip in self.chips}

    def takes(self, pressed: str) -> bool:
        """Return whether a key does something here."""
        return pressed in self._bindings.key_to_bindings

    @property
    def narrows(self) -> bool:
        """Whether any chip narrows the list."""
        return any(chip.narrows for chip in self.chips)

    def set_values(self, values: Mapping[str, str]) -> None:
        """Take values by name; unknown names are ignored."""
        self.chips = [replace(chip, value=values.get(chip.name, chip.value)) for chip in self.chips]
        self.draw()

    def set_options(self, name: str, options: Sequence[tuple[str, str]]) -> None:
        """Give a chip other options."""
        self.chips = [
            replace(chip, options=tuple(options)) if chip.name == name else chip for chip in self.chips
        ]
        self.draw()

    def clear(self) -> None:
        """Put every chip back to its default."""
        self.chips = [replace(chip, value=chip.default) for chip in self.chips]
        self.draw()
        self.post_message(self.Changed(self))

    def action_choose(self, by: int) -> None:
        """Go to another chip."""
        self.at = (self.at + by) % len(self.chips)
        self.draw()

    def action_change(self, by: int) -> None:
        """Change the chip."""
        self.chips[self.at] = self.chips[self.at].step(by)
        self.draw()
        self.post_message(self.Changed(self))

    def action_reset(self) -> None:
        """Put the chip back to its default."""
        chip = self.chips[self.at]
        self.chips[self.at] = replace(chip, value=chip.default)
        self.draw()
        self.post_message(self.Changed(self))

    def action_clear(self) -> None:
        """Put every chip back to its default."""
        if self.narrows:
            self.clear()

    def action_leave(self) -> None:
        """Go back to the list."""
        self.post_message(self.Left(self))

    def on_mount(self) -> None:
        """Draw."""
        self.draw()

    def watch_has_focus(self, has_focus: bool) -> None:  # noqa: FBT001 - Textual calls it so
        """Show which chip is edited, or none. Textual calls `on_focus` and `on_blur` before the focus has changed."""
        super().watch_has_focus(has_focus)
        self.draw()

    def on_click(self, event: events.Click) -> None:
        """Choose the chip clicked, and change it when it was chosen."""
        for index, end in enumerate(self._ends):
            if event.x - 1 < end:
                if index == self.at and self.has_focus:
                    self.action_change(1)
                self.at = index
                self.draw()
                return

    def draw(self) -> None:
        """Draw the chips."""
        parts: list[tuple[str, str]] = []
        self._ends = []
        at = 0
        hidden = self._hidden()
        for index, chip in enumerate(self.chips):
            edited = self.has_focus and index == self.at
            if index in hidden:
                self._ends.append(at)
                continue
            arrows = "↑↓" if edited else ""
            text = clean(
                " ".join(part for part in (_words(chip), arrows) if part), ascii_only=self.ascii_only
            )
            style = "reverse" if edited else STYLES[Tone.ACCENT] if chip.narrows else STYLES[Tone.DIM]
            gap = clean(" · ", ascii_only=self.ascii_only)
            parts += [(text, style), (gap, STYLES[Tone.DIM])]
            at += cell_len(text + gap)
            self._ends.append(at)
        self.update(Content.assemble(*parts[:-1]))

    def _hidden(self) -> set[int]:
        """Return which chips are left out: none while edited, else the quiet ones, and idle ones without room."""
        if self.has_focus:
            return set()
        idle = [index for index, chip in enumerate(self.chips) if not chip.narrows]
        hidden = {index for index in idle if self.chips[index].quiet}
        for index in reversed(idle):
            shown = [chip for at, chip in enumerate(self.chips) if at not in hidden]
            if sum(cell_len(_words(chip)) + 3 for chip in shown) - 3 <= max(20, self.size.width - 2):
                break
            hidden.add(index)
        return hidden

    def on_resize(self) -> None:
        """See what fits now."""
        self.draw()


def _words(chip: Chip) -> str:
    return f"{chip.label} {chip.word}".strip()
