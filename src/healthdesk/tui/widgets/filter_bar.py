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

    A quiet one is shown only while it narrows, or while the chips are edited. A typed one takes what is typed, which
    narrows once the chip is left; its options are there to begin with. `hint` says what can be typed.
    """

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    value: str = ANY
    default: str = ANY
    quiet: bool = False
    typed: bool = False
    hint: str = ""

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
        self._typing = False
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
        self._typing = False
        self.chips = [replace(chip, value=chip.default) for chip in self.chips]
        self.draw()
        self.post_message(self.Changed(self))

    def on_key(self, event: events.Key) -> None:
        """Type into a chip that is typed."""
        chip = self.chips[self.at]
        value = chip.value
        if not chip.typed:
            return
        if event.key == "backspace":
            value = value[:-1]
        elif event.character is not None and event.is_printable:
            value += event.character
        else:
            return
        event.stop()
        self.chips[self.at] = replace(chip, value=value)
        self._typing = True
        self.draw()

    def _take_typed(self) -> None:
        """Let what was typed narrow the list."""
        if self._typing:
            self._typing = False
            chip = self.chips[self.at]
            self.chips[self.at] = replace(chip, value=chip.value.strip())
            self.post_message(self.Changed(self))

    def action_choose(self, by: int) -> None:
        """Go to another chip."""
        self._take_typed()
        self.at = (self.at + by) % len(self.chips)
        self.draw()

    def action_change(self, by: int) -> None:
        """Change the chip."""
        self._typing = False
        self.chips[self.at] = self.chips[self.at].step(by)
        self.draw()
        self.post_message(self.Changed(self))

    def action_reset(self) -> None:
        """Put the chip back to its default."""
        chip = self.chips[self.at]
        self._typing = False
        self.chips[self.at] = replace(chip, value=chip.default)
        self.draw()
        self.post_message(self.Changed(self))

    def action_clear(self) -> None:
        """Put every chip back to its default."""
        if self.narrows:
            self.clear()

    def action_leave(self) -> None:
        """Go back to the list."""
        self._take_typed()
        self.post_message(self.Left(self))

    def on_mount(self) -> None:
        """Draw."""
        self.draw()

    def watch_has_focus(self, has_focus: bool) -> None:  # noqa: FBT001 - Textual calls it so
        """Show which chip is edited, or none. Textual calls `on_focus` and `on_blur` before the focus has changed."""
        super().watch_has_focus(has_focus)
        if not has_focus:
            self._take_typed()
        self.draw()

    def on_click(self, event: events.Click) -> None:
        """Choose the chip clicked, and change it when it was chosen."""
        for index, end in enumerate(self._ends):
            if event.x - 1 < end:
                if index == self.at and self.has_focus:
                    self.action_change(1)
                elif index != self.at:
                    self._take_typed()
                self.at = index
                self.draw()
                return

    def draw(self) -> None:
        """Draw the chips: while they are edited, as many beside the one edited as fit."""
        parts: list[tuple[str, str]] = []
        self._ends = []
        at = 0
        hidden = self._hidden()
        gap = clean(" · ", ascii_only=self.ascii_only)
        for index, chip in enumerate(self.chips):
            if index in hidden:
                self._ends.append(at)
                continue
            edited = self.has_focus and index == self.at
            text = self._text(index)
            style = "reverse" if edited else STYLES[Tone.ACCENT] if chip.narrows else STYLES[Tone.DIM]
            parts += [(text, style), (gap, STYLES[Tone.DIM])]
            at += cell_len(text + gap)
            self._ends.append(at)
        self.update(Content.assemble(*parts[:-1]))

    def _text(self, index: int) -> str:
        """Return what is written on a chip; on the one edited, how it is changed too."""
        chip = self.chips[index]
        text = _words(chip)
        if self.has_focus and index == self.at:
            if chip.typed:
                typed = f"{chip.value}_" if chip.value or not chip.hint else f"_ ({chip.hint})"
                text = f"{chip.label} {typed}"
            if len(chip.options) > 1:
                text += " ↑↓"
        return clean(text, ascii_only=self.ascii_only)

    def _room(self) -> int:
        return max(20, self.size.width - 2)

    def _hidden(self) -> set[int]:
        """Return which chips are left out: the quiet ones and idle ones without room; while edited, those out of sight."""
        if self.has_focus:
            return self._out_of_sight()
        idle = [index for index, chip in enumerate(self.chips) if not chip.narrows]
        hidden = {index for index in idle if self.chips[index].quiet}
        for index in reversed(idle):
            shown = [chip for at, chip in enumerate(self.chips) if at not in hidden]
            if sum(cell_len(_words(chip)) + 3 for chip in shown) - 3 <= self._room():
                break
            hidden.add(index)
        return hidden

    def _out_of_sight(self) -> set[int]:
        """Return the chips that have no room beside the one edited: those before it give way first."""
        widths = [cell_len(self._text(index)) + 3 for index in range(len(self.chips))]
        first = 0
        while first < self.at and sum(widths[first : self.at + 1]) - 3 > self._room():
            first += 1
        last = self.at
        while last + 1 < len(widths) and sum(widths[first : last + 2]) - 3 <= self._room():
            last += 1
        return set(range(len(widths))) - set(range(first, last + 1))

    def on_resize(self) -> None:
        """See what fits now."""
        self.draw()


def _words(chip: Chip) -> str:
    return f"{chip.label} {chip.word}".strip()
