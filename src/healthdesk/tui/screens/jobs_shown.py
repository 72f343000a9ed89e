"""Screens that show the job under way, in a line that anyone attached sees."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.message import Message

from healthdesk.api.jobs import Job
from healthdesk.errors import HealthdeskError
from healthdesk.tui.feed import Changes
from healthdesk.tui.flows import jobs as flows
from healthdesk.tui.format import Line
from healthdesk.tui.screens.base import DeskScreen
from healthdesk.tui.view.jobs import ACTIVE, ended_sentence, job_head, job_title
from healthdesk.tui.widgets.job_line import JobLine

PART = "job-line"
MOST = 50
SHOWN_AFTER_END = timedelta(minutes=1)


@dataclass
class JobsLoaded(Message):
    """The jobs under way came, and the one shown before, where it is none of them."""

    jobs: Sequence[Job]
    ended: Job | None = None


class JobsShown(DeskScreen):
    """Mixed into a screen that yields `job_line()` in its body."""

    PARTS: ClassVar[tuple[str, ...]] = (PART,)

    def job_line(self) -> JobLine:
        """Return the line of the job under way."""
        return JobLine(ascii_only=self.ascii_only)

    def shows_job(self, job: Job) -> bool:  # noqa: ARG002 - subclasses read it
        """Return whether a job belongs on this screen."""
        return True

    @property
    def shown_job(self) -> Job | None:
        """The job in the line, while that has the focus."""
        return self.focused.job if isinstance(self.focused, JobLine) else None

    @property
    def context(self) -> str:
        """Keys act on the job while its line has the focus."""
        return PART if self.shown_job is not None else super().context

    def item(self) -> Any:
        """Actions are for what has the focus."""
        return self.shown_job or super().item()

    def item_name(self) -> str:
        """The job, while it has the focus."""
        return job_title(self.shown_job) if self.shown_job is not None else super().item_name()

    def copy_lines(self) -> list[Line]:
        """Copy the job, while it has the focus."""
        return job_head(self.shown_job, self.view()) if self.shown_job is not None else super().copy_lines()

    def load(self) -> None:
        """Read the jobs too."""
        super().load()
        self.read_jobs()

    def reload(self) -> None:
        """Read the jobs too."""
        super().reload()
        self.read_jobs()

    def take_changes(self, changes: Changes) -> None:
        """Follow the jobs, also where nothing else that is shown changed."""
        super().take_changes(changes)
        if changes.touches(frozenset({"job"})) and not changes.touches(self.NOUNS):
            self.read_jobs()

    def read_jobs(self) -> None:
        """Read the jobs under way."""
        shown = self.query_one(JobLine).job
        self.work(partial(self._read_jobs, shown.id if shown else ""), group="jobs", exclusive=True)

    async def _read_jobs(self, before: str) -> None:
        # The line is no list of its own: where it cannot be read, the rest of the screen says why.
        with contextlib.suppress(HealthdeskError):
            page = await self.client.jobs_list(states=ACTIVE, limit=MOST)
            jobs = sorted(filter(self.shows_job, page.items), key=lambda job: ACTIVE.index(job.state))
            gone = before and before not in {job.id for job in jobs}
            self.post_message(JobsLoaded(jobs, await self.client.job(before) if gone else None))

    @on(JobsLoaded)
    def _jobs_loaded(self, message: JobsLoaded) -> None:
        shown, ended = self.query_one(JobLine), message.ended
        if (
            ended is not None
            and shown.job is not None
            and shown.job.state in ACTIVE
            and ended.state not in ACTIVE
        ):
            self.desk.tell(ended_sentence(ended))
        # One that was cancelled is not finished while its last records are on their way.
        at = ended.finished_at if ended is not None else None
        fresh = ended is not None and (at is None or self.view().now - at < SHOWN_AFTER_END)
        job = message.jobs[0] if message.jobs else ended if fresh else None
        shown.show(job, max(0, len(message.jobs) - 1))
        self.show_keys()

    @on(JobLine.Moved)
    def _line_moved(self) -> None:
        self.show_keys()

    def refuses(self, action_id: str) -> str:
        """What has ended is not paused."""
        return flows.job_refusal(action_id, self.shown_job) or super().refuses(action_id)

    def do_open_job(self) -> None:
        """Open the job's window."""
        from healthdesk.tui.screens.job import JobScreen

        if self.shown_job is not None:
            self.app.push_screen(JobScreen(self.shown_job.id))

    def do_pause_job(self) -> None:
        """Pause or resume the job."""
        if self.shown_job is not None:
            self.flow(flows.pause_or_resume(self, self.shown_job), asks=True)

    def do_cancel_job(self) -> None:
        """Cancel the job."""
        if self.shown_job is not None:
            self.flow(flows.cancel(self, self.shown_job), asks=True)

    def do_jobs(self) -> None:
        """List all jobs."""
        from healthdesk.tui.screens.jobs import JobsScreen

        self.app.push_screen(JobsScreen())
