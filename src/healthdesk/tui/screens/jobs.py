"""Jobs: what is or was done to many records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from healthdesk.api.common import Page
from healthdesk.api.jobs import Job
from healthdesk.domain.job_states import JobState
from healthdesk.tui.flows import jobs as flows
from healthdesk.tui.format import Line, dim, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.area import AreaScreen
from healthdesk.tui.screens.job import JobScreen
from healthdesk.tui.view.jobs import ACTIVE, JOB, job_cells, job_columns, job_explain, job_head, job_title
from healthdesk.tui.widgets.filter_bar import ANY, Chip
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

EMPTY = (line("  No jobs yet. ", key("S"), " in the log resends all that its filter matches, as a job."),)
UNDER_WAY = "active"


class JobsScreen(AreaScreen):
    """Opened from the log, from a job's line, and from the palette."""

    CONTEXT = "jobs"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"job"})
    noun = "jobs"

    def crumbs(self) -> str:
        """Where you are."""
        return "Log › Jobs"

    def chips(self) -> list[Chip]:
        """State."""
        words = tuple((state.value, word.text.lower()) for state, word in JOB.items())
        return [Chip("state", "State", ((ANY, "any"), (UNDER_WAY, "not ended"), *words))]

    def make_listing(self) -> Listing:
        """Jobs of the filter, newest first."""
        table = WindowTable(
            job_columns(self.view()),
            lambda job: job_cells(job, self.view()),
            lambda job: str(job.id),
            ascii_only=self.ascii_only,
            id="jobs",
        )
        return Listing(
            self.make_region(table, "jobs-region"),
            self.fetch,
            empty=EMPTY,
            empty_filter=lambda: [line("  No such jobs. ", key("backspace"), dim(" clears the filter"))],
            filtered=lambda: self.bar.narrows,
        )

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[Job]:  # noqa: ARG002 - one direction only
        """Read a page of jobs."""
        return await self.client.jobs_list(states=self._states(), after=after, limit=limit)

    def _states(self) -> tuple[JobState, ...]:
        choice = self.values.get("state", ANY)
        return ACTIVE if choice == UNDER_WAY else tuple(state for state in JobState if state.value == choice)

    def explain(self, row: Job) -> Iterable[Line]:
        """Why it stands still, or how far it is."""
        return job_explain(row, self.view())

    def preview(self, row: Job) -> Iterable[Line]:
        """The top of its window."""
        return job_head(row, self.view())

    def item_name(self) -> str:
        """What it does."""
        row = self.item()
        return job_title(row) if row is not None else ""

    def refuses(self, action_id: str) -> str:
        """What has ended is not paused."""
        return flows.job_refusal(action_id, self.item()) or super().refuses(action_id)

    def do_open(self) -> None:
        """Open the job."""
        self.app.push_screen(JobScreen(self.item().id))

    def do_pause_job(self) -> None:
        """Pause or resume the job."""
        self.flow(flows.pause_or_resume(self, self.item()), asks=True)

    def do_cancel_job(self) -> None:
        """Cancel the job."""
        self.flow(flows.cancel(self, self.item()), asks=True)
