"""The window of a problem: what, evidence, who was told."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.message import Message
from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.instances import Instance, InstanceFilter
from healthdesk.api.integrations import EnvironmentView
from healthdesk.api.problems import ProblemDetail
from healthdesk.api.records import RecordFilter
from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.units import RECORD, noun
from healthdesk.errors import HealthdeskError
from healthdesk.tui.flows.problems import acknowledge, mute, resolve
from healthdesk.tui.flows.records import resend_all
from healthdesk.tui.format import Line, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.screens.fix import FixScreen
from healthdesk.tui.screens.jobs_shown import JobsShown
from healthdesk.tui.screens.proof import ProofScreen
from healthdesk.tui.screens.record import RecordScreen
from healthdesk.tui.screens.task import TaskScreen
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.environment import circuit_lines
from healthdesk.tui.view.instances import HELD_UP_COLUMNS, held_up_cells
from healthdesk.tui.view.problems import evidence_lines, problem_head
from healthdesk.tui.widgets.lines import Lines, Pane, Ruler
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

NONE_LEFT = (line("  It holds up no task or proof sync any more."),)


class ProblemScreen(JobsShown, WindowScreen):
    """Opened from Problems."""

    CONTEXT = "problem"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"problem", "alert", "instance", "integration"})
    detail: ProblemDetail | None
    environment: EnvironmentView | None = None
    """Where its records go, with the circuit; of a problem of records only."""

    @dataclass
    class EnvironmentLoaded(Message):
        """The environment of the problem came, before the problem itself."""

        environment: EnvironmentView | None

    def load(self) -> None:
        """Read the problem first: it says whether there is a list."""
        self.query_one("#above-held-up").display = False
        self.load_detail()
        self.read_jobs()

    def reload(self) -> None:
        """Read again, the list where there is one."""
        if self.listed:
            self.refresh_list(self.held_up)
        self.reload_detail()
        self.read_jobs()

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[Instance]:  # noqa: ARG002 - one direction only
        """Read a page of the tasks and proof syncs it holds up."""
        return await self.client.instances_list(InstanceFilter(problem_id=self.key), after=after, limit=limit)

    @property
    def listed(self) -> bool:
        """Whether the list is shown."""
        return bool(self.held_up.region.display)

    def row(self) -> Instance | None:
        """Return the task or proof sync under the cursor."""
        found: Instance | None = self.held_up.table.current if self.listed else None
        return found

    def body(self) -> Iterable[Widget]:
        """Head, evidence, and the tasks and proof syncs it holds up."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield self.job_line()
        yield Ruler(ascii_only=self.ascii_only)
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")
        table = WindowTable(
            HELD_UP_COLUMNS,
            lambda instance: held_up_cells(instance, self.view()),
            lambda instance: str(instance.id),
            ascii_only=self.ascii_only,
            id="held-up",
        )
        region = ListRegion(table, ascii_only=self.ascii_only, id="held-up-region")
        region.display = False
        self.held_up = self.add_list(Listing(region, self.fetch, empty=NONE_LEFT))
        yield Ruler(ascii_only=self.ascii_only, id="above-held-up")
        yield region

    def crumbs(self) -> str:
        """Where you are."""
        return "Problems › " + (self.detail.place if self.detail else self.key)

    async def read(self) -> ProblemDetail:
        """Read the problem, and the environment that its records go to."""
        found = await self.client.problem(self.key)
        if found.integration_id is not None and found.environment is not None:
            self.post_message(self.EnvironmentLoaded(await self._environment_of(found)))
        return found

    async def _environment_of(self, found: ProblemDetail) -> EnvironmentView | None:
        # The problem is shown without it, too: the integration may be gone.
        with contextlib.suppress(HealthdeskError):
            integration = await self.client.integration(str(found.integration_id))
            return next(
                (item for item in integration.environments if item.environment is found.environment), None
            )
        return None

    @on(EnvironmentLoaded)
    def _environment_loaded(self, message: EnvironmentLoaded) -> None:
        self.environment = message.environment

    def head_lines(self) -> Iterable[Line]:
        """What it is."""
        return problem_head(self.detail, self.view()) if self.detail else ()

    def show_detail(self) -> None:
        """Show the evidence, and under it what is held up, where these are tasks or proof syncs."""
        if self.detail is None:
            return
        pane = self.query_one("#pane", Pane)
        pane.show(self._pane_lines(self.detail))
        if self.detail.instances and not self.listed:
            self.held_up.region.display = self.query_one("#above-held-up").display = True
            pane.set_class(True, "above-list")
            self.held_up.table.ask()
            self.held_up.table.focus()

    def _pane_lines(self, detail: ProblemDetail) -> list[Line]:
        view = self.view()
        circuit = circuit_lines(self.environment, view) if self.environment is not None else []
        return [*circuit, *evidence_lines(detail, view)]

    def item_name(self) -> str:
        """Where and what."""
        if self.shown_job is not None or self.detail is None:
            return super().item_name()
        return f"{self.detail.place}: {self.detail.cause}"[:60]

    def refuses(self, action_id: str) -> str:
        """As in the list; without a sample there is nothing to open."""
        from healthdesk.tui.screens.problems import problem_refusal

        if self.shown_job is not None:
            return super().refuses(action_id)
        if self.detail is None:
            return "it is not read yet"
        if action_id == "open":
            return self._why_not_open(self.detail)
        return problem_refusal(action_id, self.detail)

    def _why_not_open(self, detail: ProblemDetail) -> str:
        if self.row() is not None or detail.sample_record_id or detail.sample_instance_id:
            return ""
        return (
            "it has no sample record" if detail.unit == RECORD else f"it has no {noun(detail.unit, 1)} left"
        )

    def off_footer(self) -> frozenset[str]:
        """What is done with records is left out where there are none."""
        found = self.detail
        no_records = found is not None and (found.unit != RECORD or not (found.total or found.held))
        return frozenset({"log", "resend_all", "fix"}) if no_records else frozenset()

    def do_connection(self) -> None:
        """Open the connection whose failure it is."""
        if self.detail is not None and self.detail.connection_id:
            self.app.push_screen(ConnectionScreen(self.detail.connection_id))

    def do_open(self) -> None:
        """Open the task or proof sync under the cursor, else its sample."""
        row, detail = self.row(), self.detail
        if row is not None:
            self._open_instance(row.id, row.kind.value, row.name)
        elif detail is not None and detail.sample_instance_id:
            self._open_instance(detail.sample_instance_id, detail.unit)
        elif detail is not None and detail.sample_record_id:
            self.app.push_screen(RecordScreen(detail.sample_record_id))

    def _open_instance(self, instance_id: str, kind: str, name: str = "") -> None:
        proof = kind == InstanceKind.PROOF
        self.app.push_screen(ProofScreen(instance_id, name=name) if proof else TaskScreen(instance_id))

    def do_ack(self) -> None:
        """Take it."""
        if self.detail is not None:
            self.flow(acknowledge(self, self.detail))

    def do_mute(self) -> None:
        """Silence it, or not any more."""
        if self.detail is not None:
            self.flow(mute(self, self.detail))

    def do_resolve(self) -> None:
        """Close it."""
        if self.detail is not None:
            self.flow(resolve(self, self.detail), asks=True)

    def do_log(self) -> None:
        """Show its records."""
        if self.detail is not None:
            self.desk.show_log({"problem": self.key}, {"problem": self.detail.cause})

    def do_resend_all(self) -> None:
        """Resend all it holds up."""
        if self.detail is not None:
            described = f"held up by {self.detail.place}: {self.detail.cause}"
            self.flow(resend_all(self, RecordFilter(problem_id=self.key), described), asks=True)

    def do_fix(self) -> None:
        """Change what is sent of all its records, and resend them."""
        if self.detail is not None and self.detail.sample_record_id:
            self.app.push_screen(FixScreen(self.detail.sample_record_id, problem=self.detail))

    def copy_lines(self) -> list[Line]:
        """Copy all of it."""
        return (
            [*problem_head(self.detail, self.view()), (), *self._pane_lines(self.detail)]
            if self.detail
            else []
        )
