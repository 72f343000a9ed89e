"""Forms: fields in a box; nothing is sent before it is whole, and a refusal costs nobody what they typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from pydantic import ValidationError
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input
from textual.worker import Worker

from healthdesk.errors import ApiRefused, HealthdeskError
from healthdesk.tui.format import Line, Span, Tone, dim, line
from healthdesk.tui.screens.acting import refusal
from healthdesk.tui.screens.dialog import Choice
from healthdesk.tui.screens.entries import Entries
from healthdesk.tui.screens.fields import UNCHECKED, Field, Outcome, Values, model_refusal
from healthdesk.tui.view.refusals import offers_unchecked, refusal_lines
from healthdesk.tui.widgets.lines import Lines


class Form(Entries):
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
        super().__init__(title, fields, given=given, ascii_only=ascii_only)
        self.send = send
        self.button = button
        self.doing = doing
        self.intro = list(intro)
        self.check = check
        self.at_once = at_once
        self.refusal = ""
        self.sending: Worker[Outcome] | None = None

    # Layout

    def inside(self) -> Iterable[Widget]:
        """Intro, fields, what is wrong, buttons."""
        if self.intro:
            yield Lines(self.intro, ascii_only=self.ascii_only)
        yield from self.asked()
        if self.fields:
            keys = "enter next, at the end saves · ←→ choose · ctrl+s saves · esc leaves"
            yield Lines([line(dim(keys))], ascii_only=self.ascii_only, classes="hint")
        yield Horizontal(
            Choice("Cancel", "cancel", ascii_only=self.ascii_only),
            Choice("Save anyway", "unchecked", ascii_only=self.ascii_only),
            Choice(self.button, "save", ascii_only=self.ascii_only),
            classes="buttons",
        )

    def on_mount(self) -> None:
        """Show the fields that apply."""
        self._tell(())
        self._offer(unchecked=False)
        self.applies()
        if self.at_once:
            self._start(self.values)

    def _offer(self, *, unchecked: bool) -> None:
        self.query_one("#choice-unchecked").display = unchecked

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
