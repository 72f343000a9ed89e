"""Forms: fields in a box; nothing is sent before it is whole, and a refusal costs nobody what they typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from pydantic import ValidationError
from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker

from healthdesk.errors import ApiRefused, HealthdeskError
from healthdesk.tui.format import Line, Span, Tone, clean, dim, line
from healthdesk.tui.screens.acting import refusal
from healthdesk.tui.screens.dialog import Box, Choice
from healthdesk.tui.screens.fields import UNCHECKED, URL, Field, Outcome, Values, help_line, model_refusal
from healthdesk.tui.view.refusals import offers_unchecked, refusal_lines
from healthdesk.tui.widgets.editors import Cycle, LongText, TextFile
from healthdesk.tui.widgets.lines import Lines

MOST_OF_HEIGHT, FRAME = 0.94, 2
"""How much of the screen a box takes at most (as in styles.tcss), and the lines of its frame."""


Editor = Input | Cycle | TextFile | LongText


class Form(Box[Any]):
    """Fields with labels. `check` names what is wrong, by field; `send` makes something of the values by name.

    While it does the form says `doing` and can be left. What it makes is the answer, as an Outcome; a form that was left
    meanwhile answers with the worker, which goes on. What is refused is said in the form, with all that was typed.
    With `at_once` it begins to send by itself.
    """

    AUTO_FOCUS = "Input, LongText, Cycle, Choice"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("ctrl+s", "save", show=False),
        Binding("ctrl+y", "copy_url", show=False, priority=True),
        Binding("escape", "cancel", show=False),
    ]

    @dataclass
    class Sent(Message):
        """What the form sent was taken or refused."""

        outcome: Outcome

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        *,
        send: Callable[[Values], Awaitable[Any]],
        button: str = "Save",
        doing: str = "Saving…",
        intro: Iterable[Line] = (),
        check: Callable[[Values], dict[str, str]] = lambda _: {},
        given: Values = MappingProxyType({}),
        at_once: bool = False,
        ascii_only: bool = False,
    ) -> None:
        super().__init__(title, ascii_only=ascii_only)
        self.fields = list(fields)
        self.send = send
        self.button = button
        self.doing = doing
        self.intro = list(intro)
        self.check = check
        self.given = given
        self.at_once = at_once
        self.refusal = ""
        self.sending: Worker[Outcome] | None = None
        self._scroll: VerticalScroll | None = None
        self._inputs: dict[str, Editor] = {}
        self._entries: dict[str, Vertical] = {}

    # Layout

    def inside(self) -> Iterable[Widget]:
        """Intro, fields, what is wrong, buttons."""
        if self.intro:
            yield Lines(self.intro, ascii_only=self.ascii_only)
        self._scroll = VerticalScroll(*map(self._entry, self.fields), classes="scroll", can_focus=False)
        self._scroll.display = bool(self.fields)
        yield self._scroll
        yield Lines(ascii_only=self.ascii_only, id="wrong")
        if self.fields:
            keys = "enter next, at the end saves · ←→ choose · ctrl+s saves · esc leaves"
            yield Lines([line(dim(keys))], ascii_only=self.ascii_only, classes="hint")
        yield Horizontal(
            Choice("Cancel", "cancel", ascii_only=self.ascii_only),
            Choice("Save anyway", "unchecked", ascii_only=self.ascii_only),
            Choice(self.button, "save", ascii_only=self.ascii_only),
            classes="buttons",
        )

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

    def on_mount(self) -> None:
        """Show the fields that apply."""
        self._tell(())
        self._offer(unchecked=False)
        self.applies()
        if self.at_once:
            self._start(self.values)

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

    def _offer(self, *, unchecked: bool) -> None:
        self.query_one("#choice-unchecked").display = unchecked

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

    # Sending

    def action_save(self) -> None:
        """Send, or say what is wrong."""
        if self.sending is not None:
            return
        values = self.values
        wrong = self._read_files(values)
        wrong |= {name: why for name, why in self.check(values).items() if name not in wrong}
        wrong |= {
            field.name: "is needed"
            for field in self.fields
            if field.required and field.name in values and not values[field.name].strip()
            if field.name not in wrong
        }
        self._mark(wrong)
        if not wrong:
            self._start(values)
            return
        labels = {field.name: field.label.strip() for field in self.fields}
        self._tell([line(Span(f"{labels.get(name, name)}: {why}", Tone.BAD)) for name, why in wrong.items()])
        self._inputs[next(iter(wrong))].focus()

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

    def _start(self, values: Values) -> None:
        self._offer(unchecked=False)
        told = [line(dim("esc leaves; it goes on then, and you are told what became of it."))]
        self._tell([line(Span(self.doing, Tone.ACCENT)), *told])
        self._hold(holding=True)
        # In the app's charge: a form that is left does not take it along.
        self.sending = self.app.run_worker(self._send(values), name="form", group="flow", exit_on_error=False)

    def _hold(self, *, holding: bool) -> None:
        for selector in (".scroll", "#choice-save"):
            self.query_one(selector).disabled = holding
        if holding:
            self.set_focus(self.query_one("#choice-cancel"))

    async def _send(self, values: Values) -> Outcome:
        try:
            outcome = Outcome(await self.send(values))
        except HealthdeskError as error:
            outcome = Outcome(error=error)
        except ValidationError as error:
            outcome = Outcome(error=model_refusal(error))
        self.post_message(self.Sent(outcome))
        return outcome

    @on(Sent)
    def _sent(self, message: Sent) -> None:
        error = message.outcome.error
        if error is None:
            self.dismiss(message.outcome)
            return
        self.sending = None
        self._hold(holding=False)
        self.refusal = refusal(error)
        self._tell(refusal_lines(error))
        self._offer(unchecked=offers_unchecked(error))
        self._go_to(error.field if isinstance(error, ApiRefused) else "")

    def _go_to(self, at_fault: str) -> None:
        """Put the focus on the field at fault, if it is asked for here."""
        shown = [field for field in self.fields if field.name in self.values]
        fits = (
            field
            for exactly in (True, False)
            for field in shown
            if at_fault and field.is_at(at_fault, exactly=exactly)
        )
        found = next(fits, None)
        self._mark([found.name] if found else [])
        if found is None and at_fault == "credentials":
            found = next((field for field in shown if field.secret), None)
        found = found or next(iter(shown), None)
        self.set_focus(self._inputs[found.name] if found else self.query_one("#choice-save"))

    # Keys

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_go_on()

    def action_go_on(self) -> None:
        """Go to the next field; after the last one, send."""
        shown = [editor for name, editor in self._inputs.items() if self._entries[name].display]
        if self.focused is shown[-1]:
            self.action_save()
        else:
            self.focus_next()

    def action_cancel(self) -> None:
        """Leave; what was sent goes on."""
        self.dismiss(self.sending)

    @on(Choice.Pressed)
    def _pressed(self, message: Choice.Pressed) -> None:
        if message.value == "cancel":
            self.action_cancel()
        elif message.value == "unchecked":
            self._start({**self.values, UNCHECKED: "yes"})
        else:
            self.action_save()
