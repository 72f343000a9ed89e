"""Send sample data: which sources, which environment, and what will be sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from healthdesk.api.samples import SampleOf, SamplePlan
from healthdesk.domain.states import Environment
from healthdesk.errors import HealthdeskError
from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.screens.acting import refusal
from healthdesk.tui.screens.dialog import Box, Choice
from healthdesk.tui.view.environment import TITLES
from healthdesk.tui.view.trying import SAMPLE_COLUMNS, chosen_of, sample_cells, sample_sentence, total_of
from healthdesk.tui.widgets.editors import Cycle
from healthdesk.tui.widgets.lines import Lines
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Chunk

AROUND = 13
"""Lines that the frame, the environment, what is said, the keys and the buttons take, and one of the warning."""
WARNING_WIDTH = 68
"""Cells of a line of the warning, at least."""
LEAST_ROWS = 3
NOTHING = "Nothing is sent of these: choose others, or enable them for it."


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be sent: to which environment, of which sources (none named: all), as it was planned."""

    plan: SamplePlan
    sources: Sequence[str]

    @property
    def total(self) -> int:
        """How many samples that is."""
        return total_of(self.plan, self.sources)


class SampleDialog(Box[Chosen]):
    """The plan as a list of sources; those that are picked, else all of them, get their samples."""

    AUTO_FOCUS = "WindowTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pick", show=False),
        Binding("left", "other(-1)", show=False),
        Binding("right", "other(1)", show=False),
        Binding("enter", "send", show=False),
        Binding("escape", "cancel", show=False),
    ]

    @dataclass
    class Planned(Message):
        """The plan for an environment came."""

        plan: SamplePlan

    @dataclass
    class NotPlanned(Message):
        """There is no plan for it, and why."""

        error: HealthdeskError

    def __init__(
        self,
        plan: SamplePlan,
        plans: Callable[[Environment], Awaitable[SamplePlan]],
        environments: Sequence[Environment],
        *,
        picked: Iterable[str] = (),
        ascii_only: bool = False,
    ) -> None:
        super().__init__(f"Send sample data · {plan.integration_name}", ascii_only=ascii_only)
        self.plan: SamplePlan | None = plan
        self.plans = plans
        self.table = WindowTable(SAMPLE_COLUMNS, sample_cells, _key, ascii_only=ascii_only)
        self.table.marks = set(picked)
        options = tuple((each.value, TITLES[each]) for each in environments)
        self.environment = Cycle(options, plan.environment.value, ascii_only=ascii_only, name="environment")

    def inside(self) -> Iterable[Widget]:
        """Environment, sources, what will be sent, the keys, the buttons."""
        yield Horizontal(
            Static("Environment", markup=False, classes="label"), self.environment, classes="field"
        )
        yield self.table
        yield Lines(ascii_only=self.ascii_only, id="told")
        keys = "space picks (none: all) · ←→ environment · enter sends · esc leaves"
        yield Lines([line(dim(keys))], ascii_only=self.ascii_only, classes="hint")
        yield Horizontal(
            Choice("Cancel", "cancel", ascii_only=self.ascii_only),
            Choice("Send sample data", "send", ascii_only=self.ascii_only),
            classes="buttons",
        )

    def on_mount(self) -> None:
        """Show the plan."""
        if self.plan is not None:
            self._show(self.plan)
            for key in self.table.marks:
                self.table.select(key)

    def on_resize(self) -> None:
        """Leave what will be sent in sight."""
        self._fit()

    def _fit(self) -> None:
        rows = len(self.plan.sources) if self.plan is not None else LEAST_ROWS
        warned = len(self.plan.warning) // WARNING_WIDTH if self.plan is not None else 0
        room = self.size.height - AROUND - warned
        self.table.styles.height = 1 + min(max(LEAST_ROWS, rows), max(LEAST_ROWS, room))

    def _show(self, plan: SamplePlan) -> None:
        chunks = [Chunk(list(plan.sources), None)]
        self.table.window.replace_head(chunks)
        self.table.take_head(self.table.window.generation, chunks)
        self._fit()
        self._tell()

    @property
    def picked(self) -> list[str]:
        """The keys of the sources that are picked, in the plan's order."""
        return (
            [each.source for each in self.plan.sources if each.source in self.table.marks]
            if self.plan
            else []
        )

    def _tell(self) -> None:
        told = self.query_one("#told", Lines)
        if self.plan is None:
            return
        lines = sample_sentence(self.plan, self.picked)
        if total_of(self.plan, self.picked) == 0:
            lines.append(line(Span(self._why_nothing(self.plan), Tone.BAD)))
        told.show(lines)

    def _why_nothing(self, plan: SamplePlan) -> str:
        reasons = {each.skipped for each in chosen_of(plan, self.picked) if each.skipped}
        return f"Nothing is sent: {reasons.pop()}." if len(reasons) == 1 else NOTHING

    # Keys

    def action_pick(self) -> None:
        """Pick the source under the cursor, or take that back."""
        if self.table.has_focus:
            self.table.toggle_mark()
            self._tell()

    def action_other(self, by: int) -> None:
        """Choose the other environment."""
        if not isinstance(self.focused, Choice):
            self.environment.action_step(by)
        elif by < 0:
            self.focus_previous()
        else:
            self.focus_next()

    @on(Cycle.Stepped)
    def _stepped(self, message: Cycle.Stepped) -> None:
        which = Environment(message.value)
        if self.plan is None or self.plan.environment is not which:
            self.plan = None
            self.query_one("#told", Lines).show([line(dim(f"Asking what {TITLES[which]} gets…")), ()])
            self.run_worker(self._plan(which), group="plan", exclusive=True, exit_on_error=False)

    async def _plan(self, which: Environment) -> None:
        try:
            self.post_message(self.Planned(await self.plans(which)))
        except HealthdeskError as error:
            self.post_message(self.NotPlanned(error))

    @on(Planned)
    def _planned(self, message: Planned) -> None:
        self.plan = message.plan
        self._show(message.plan)

    @on(NotPlanned)
    def _not_planned(self, message: NotPlanned) -> None:
        self.query_one("#told", Lines).show([line(Span(refusal(message.error), Tone.BAD)), ()])

    @on(WindowTable.Chosen)
    def action_send(self) -> None:
        """Send what is planned."""
        if self.plan is None:
            return
        chosen = Chosen(self.plan, self.picked)
        if chosen.total:
            self.dismiss(chosen)
        else:
            self._tell()

    @on(Choice.Pressed)
    def _pressed(self, message: Choice.Pressed) -> None:
        if message.value == "cancel":
            self.action_cancel()
        else:
            self.action_send()


def _key(of: SampleOf) -> str:
    return of.source
