"""The window of a problem: what, evidence, who was told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from healthdesk.api.problems import ProblemDetail
from healthdesk.api.records import RecordFilter
from healthdesk.tui.flows.problems import acknowledge, mute, resolve
from healthdesk.tui.flows.records import resend_all
from healthdesk.tui.format import Line
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.screens.record import RecordScreen
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.problems import evidence_lines, problem_head, problem_preview
from healthdesk.tui.widgets.lines import Lines, Pane, Ruler


class ProblemScreen(WindowScreen):
    """Opened from Problems."""

    CONTEXT = "problem"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"problem", "alert"})
    detail: ProblemDetail | None

    def body(self) -> Iterable[Widget]:
        """Head and evidence."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield Ruler(ascii_only=self.ascii_only)
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")

    def crumbs(self) -> str:
        """Where you are."""
        return "Problems › " + (self.detail.where if self.detail else self.key)

    async def read(self) -> ProblemDetail:
        """Read the problem."""
        return await self.client.problem(self.key)

    def head_lines(self) -> Iterable[Line]:
        """What it is."""
        return problem_head(self.detail, self.view()) if self.detail else ()

    def show_detail(self) -> None:
        """Show the evidence."""
        if self.detail is not None:
            self.query_one("#pane", Pane).show(evidence_lines(self.detail, self.view()))

    def item_name(self) -> str:
        """Where and what."""
        return f"{self.detail.where}: {self.detail.cause}"[:60] if self.detail else ""

    def refuses(self, action_id: str) -> str:
        """As in the list; without a sample there is nothing to open."""
        from healthdesk.tui.screens.problems import problem_refusal

        if self.detail is None:
            return "it is not read yet"
        if action_id == "open" and not self.detail.sample_record_id:
            return "it has no sample record"
        return problem_refusal(action_id, self.detail)

    def do_connection(self) -> None:
        """Open the connection whose failure it is."""
        if self.detail is not None and self.detail.connection_id:
            self.app.push_screen(ConnectionScreen(self.detail.connection_id))

    def do_open(self) -> None:
        """Open its sample."""
        if self.detail is not None and self.detail.sample_record_id:
            self.app.push_screen(RecordScreen(self.detail.sample_record_id))

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
            described = f"held up by {self.detail.where}: {self.detail.cause}"
            self.flow(resend_all(self, RecordFilter(problem_id=self.key), described), asks=True)

    def copy_lines(self) -> list[Line]:
        """Copy all of it."""
        return problem_preview(self.detail, self.view()) if self.detail else []
