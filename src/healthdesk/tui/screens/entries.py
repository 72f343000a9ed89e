"""The fields of a form: their labels and editors, which of them apply, the help of the one that has the focus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Any

from textual import events, on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from healthdesk.tui.format import Line, clean, dim, line
from healthdesk.tui.screens.dialog import Box
from healthdesk.tui.screens.fields import URL, Field, Values, help_line
from healthdesk.tui.widgets.editors import Cycle, LongText, TextFile
from healthdesk.tui.widgets.lines import Lines

MOST_OF_HEIGHT, FRAME = 0.94, 2
"""How much of the screen a box takes at most (as in styles.tcss), and the lines of its frame."""


Editor = Input | Cycle | TextFile | LongText


class Entries(Box[Any]):
    """A box with fields, and a line that tells what is wrong with them; nothing is done with their values here."""

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        *,
        given: Values = MappingProxyType({}),
        ascii_only: bool = False,
    ) -> None:
        super().__init__(title, ascii_only=ascii_only)
        self.fields = list(fields)
        self.given = given
        self._scroll: VerticalScroll | None = None
        self._inputs: dict[str, Editor] = {}
        self._entries: dict[str, Vertical] = {}

    # Layout

    def asked(self) -> Iterable[Widget]:
        """Return the fields, and the line for what is wrong."""
        self._scroll = VerticalScroll(*map(self._entry, self.fields), classes="scroll", can_focus=False)
        self._scroll.display = bool(self.fields)
        yield self._scroll
        yield Lines(ascii_only=self.ascii_only, id="wrong")

    def _entry(self, field: Field) -> Vertical:
        label = Static(clean(field.label, ascii_only=self.ascii_only), markup=False, classes="label")
        value = self.given.get(field.name, field.value)
        editor: Editor
        if field.options:
            editor = Cycle(field.options, value, ascii_only=self.ascii_only, name=field.name)
        elif field.long:
            editor = LongText(value, name=field.name)
        elif field.multiline:
            editor = TextFile(name=field.name, pasted=value)
        else:
            hint = clean(field.hint, ascii_only=self.ascii_only)
            editor = Input(value, placeholder=hint, password=field.secret, name=field.name)
        self._inputs[field.name] = editor
        help_lines = Lines(ascii_only=self.ascii_only, classes="help")
        kind = "field -long" if field.long else "field"
        entry = Vertical(Horizontal(label, editor, classes=kind), help_lines, classes="entry")
        self._entries[field.name] = entry
        return entry

    def on_resize(self) -> None:
        """Let the fields scroll where there is no room for all."""
        self._fit()

    def _fit(self) -> None:
        """Give the fields what the other parts leave: what is wrong and the buttons are always in sight."""
        if self._scroll is None or not self._scroll.is_attached:
            return  # it was left meanwhile
        others = [
            child for child in self.query_one(".box").children if child is not self._scroll and child.display
        ]
        taken = sum(child.outer_size.height + child.styles.margin.height for child in others)
        self._scroll.styles.max_height = max(3, int(self.size.height * MOST_OF_HEIGHT) - FRAME - taken)
        if self.focused is not None:
            self.call_after_refresh(self.focused.scroll_visible, animate=False)

    def _tell(self, lines: Sequence[Line]) -> None:
        note = self.query_one("#wrong", Lines)
        note.display = bool(lines)
        note.show(lines)
        self.call_after_refresh(self._fit)

    # Values

    @property
    def values(self) -> dict[str, str]:
        """The values of the fields that apply."""
        raw = self._raw()
        return {field.name: raw[field.name] for field in self.fields if self._applies(field, raw)}

    def _raw(self) -> dict[str, str]:
        return {name: editor.value for name, editor in self._inputs.items()}

    @on(Cycle.Stepped)
    def applies(self) -> None:
        """Show the fields that apply, hide the others."""
        raw = self._raw()
        for field in self.fields:
            self._entries[field.name].display = self._applies(field, raw)
        self._show_help()

    @staticmethod
    def _applies(field: Field, raw: Values) -> bool:
        return field.when is None or raw.get(field.when[0], "") in field.when[1]

    # Help

    @on(events.DescendantFocus)
    def _focus_moved(self) -> None:
        self._show_help()

    def _show_help(self) -> None:
        """Show the help of the field that has the focus, under it."""
        raw = self._raw()
        for field in self.fields:
            help_lines = self._entries[field.name].query_one(".help", Lines)
            told = field.help(raw) if field.help and self._inputs[field.name].has_focus else ()
            help_lines.display = bool(told)
            help_lines.show([help_line(text) for text in told])
        self.call_after_refresh(self._fit)

    def action_copy_url(self) -> None:
        """Copy the address in the help of the field that has the focus."""
        raw = self._raw()
        for field in self.fields:
            if field.help and self._inputs[field.name].has_focus:
                found = URL.findall(" ".join(field.help(raw)))
                if found:
                    self.app.copy_to_clipboard(found[-1])
                    self._tell([line(dim(f"Sent to the clipboard (OSC 52): {found[-1]}"))])

    def _read_files(self, values: dict[str, str]) -> dict[str, str]:
        """Put the texts of files in the place of their paths; return what is wrong with them."""
        wrong = {}
        for name, editor in self._inputs.items():
            if name in values and isinstance(editor, TextFile):
                try:
                    values[name] = editor.text()
                except ValueError as error:
                    wrong[name] = str(error)
        return wrong

    def _mark(self, names: Iterable[str]) -> None:
        marked = set(names)
        for name, editor in self._inputs.items():
            editor.set_class(name in marked, "-invalid")
