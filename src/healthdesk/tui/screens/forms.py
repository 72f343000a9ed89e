"""Forms: fields in a box; nothing is sent before it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from healthdesk.tui.format import Line, Span, Tone, clean, dim, line
from healthdesk.tui.screens.dialog import Box, Choice
from healthdesk.tui.widgets.lines import Lines


@dataclass(frozen=True, slots=True)
class Field:
    """A field: text, a secret (never shown), or one of `options`.

    `when` names another field and the values of it that make this one apply.
    """

    name: str
    label: str
    value: str = ""
    hint: str = ""
    secret: bool = False
    options: tuple[tuple[str, str], ...] = ()
    required: bool = False
    when: tuple[str, tuple[str, ...]] | None = None


class Cycle(Static, can_focus=True):
    """One of a few values, changed with the arrow keys or space."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right,space", "step(1)", show=False),
        Binding("enter", "screen.go_on", show=False),
    ]

    def __init__(
        self, options: Sequence[tuple[str, str]], value: str, *, ascii_only: bool, name: str
    ) -> None:
        super().__init__(markup=False, name=name)
        self.options = options
        self.ascii_only = ascii_only
        known = [option for option, _ in options]
        self.at = known.index(value) if value in known else 0

    @property
    def value(self) -> str:
        """The value chosen."""
        return self.options[self.at][0]

    def on_mount(self) -> None:
        """Draw."""
        self._draw()

    def action_step(self, by: int) -> None:
        """Choose the next one."""
        self.at = (self.at + by) % len(self.options)
        self._draw()
        screen = self.screen
        if isinstance(screen, Form):
            screen.applies()

    def on_click(self) -> None:
        """Choose the next one."""
        self.action_step(1)

    def _draw(self) -> None:
        self.update(clean(f"← {self.options[self.at][1]} →", ascii_only=self.ascii_only))


class Form(Box[dict[str, str]]):
    """Fields with labels. `check` names what is wrong, by field; the answer is the values by name.

    A form that was refused is asked again with what was entered, `given`, the `refusal`, and the dotted path of the
    field `at_fault`, which has the focus if it is asked for here.
    """

    AUTO_FOCUS = "Input, Cycle"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("ctrl+s", "save", show=False),
        Binding("escape", "cancel", show=False),
    ]

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        *,
        button: str = "Save",
        intro: Iterable[Line] = (),
        check: Callable[[Mapping[str, str]], dict[str, str]] = lambda _: {},
        given: Mapping[str, str] = MappingProxyType({}),
        refusal: str = "",
        at_fault: str = "",
        ascii_only: bool = False,
    ) -> None:
        super().__init__(title, ascii_only=ascii_only)
        self.fields = [replace(field, value=given.get(field.name, field.value)) for field in fields]
        self.refusal = refusal
        self.at_fault = at_fault
        self.button = button
        self.intro = list(intro)
        self.check = check
        self._inputs: dict[str, Input | Cycle] = {}

    def inside(self) -> Iterable[Widget]:
        """Intro, fields, what is wrong, buttons."""
        if self.intro:
            yield Lines(self.intro, ascii_only=self.ascii_only)
        rows = []
        for field in self.fields:
            label = Static(clean(field.label, ascii_only=self.ascii_only), markup=False, classes="label")
            editor: Input | Cycle
            if field.options:
                editor = Cycle(field.options, field.value, ascii_only=self.ascii_only, name=field.name)
            else:
                hint = clean(field.hint, ascii_only=self.ascii_only)
                editor = Input(field.value, placeholder=hint, password=field.secret, name=field.name)
            self._inputs[field.name] = editor
            rows.append(Horizontal(label, editor, classes="field", id=f"field-{field.name}"))
        yield VerticalScroll(*rows, classes="scroll", can_focus=False)
        yield Lines(ascii_only=self.ascii_only, id="wrong")
        yield Lines(
            [line(dim("enter next, at the end saves · ←→ choose · ctrl+s saves · esc leaves"))],
            ascii_only=self.ascii_only,
            classes="hint",
        )
        yield Horizontal(
            Choice("Cancel", "cancel", ascii_only=self.ascii_only),
            Choice(self.button, "save", ascii_only=self.ascii_only),
            classes="buttons",
        )

    def on_mount(self) -> None:
        """Show the fields that apply."""
        note = self.query_one("#wrong", Lines)
        note.display = bool(self.refusal)
        note.show([line(Span(self.refusal, Tone.BAD))])
        self.applies()
        if (name := self.at_fault.rpartition(".")[2]) in self.values:
            self._inputs[name].add_class("-invalid")
            self.set_focus(self._inputs[name])

    @property
    def values(self) -> dict[str, str]:
        """The values of the fields that apply."""
        raw = {name: editor.value for name, editor in self._inputs.items()}
        return {field.name: raw[field.name] for field in self.fields if self._applies(field, raw)}

    def applies(self) -> None:
        """Show the fields that apply, hide the others."""
        raw = {name: editor.value for name, editor in self._inputs.items()}
        for field in self.fields:
            self.query_one(f"#field-{field.name}").display = self._applies(field, raw)

    @staticmethod
    def _applies(field: Field, raw: Mapping[str, str]) -> bool:
        return field.when is None or raw.get(field.when[0], "") in field.when[1]

    def action_save(self) -> None:
        """Answer, or say what is wrong."""
        values = self.values
        wrong = {
            field.name: "is needed"
            for field in self.fields
            if field.required and field.name in values and not values[field.name].strip()
        }
        wrong |= {name: why for name, why in self.check(values).items() if name not in wrong}
        note = self.query_one("#wrong", Lines)
        note.display = bool(wrong)
        for name, editor in self._inputs.items():
            editor.set_class(name in wrong, "-invalid")
        if not wrong:
            self.dismiss(values)
            return
        labels = {field.name: field.label for field in self.fields}
        note.show([line(Span(f"{labels.get(name, name)}: {why}", Tone.BAD)) for name, why in wrong.items()])
        self._inputs[next(iter(wrong))].focus()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_go_on()

    def action_go_on(self) -> None:
        """Go to the next field; after the last one, answer."""
        shown = [editor for name, editor in self._inputs.items() if self.query_one(f"#field-{name}").display]
        if self.focused is shown[-1]:
            self.action_save()
        else:
            self.focus_next()

    @on(Choice.Pressed)
    def _pressed(self, message: Choice.Pressed) -> None:
        if message.value == "cancel":
            self.dismiss(None)
        else:
            self.action_save()
