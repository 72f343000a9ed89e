"""JobLine: the job that is under way, in one line with a progress bar; keys act on it while it has the focus."""

from __future__ import annotations

from textual.message import Message
from textual.widgets import Static

from healthdesk.api.jobs import Job
from healthdesk.tui.format import one_line
from healthdesk.tui.view.jobs import job_line


class JobLine(Static, can_focus=True):
    """Shows a job, or is not there at all."""

    class Moved(Message):
        """The focus came or went: other keys act now."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(id="job-line")
        self.ascii_only = ascii_only
        self.job: Job | None = None
        self.more = 0
        self.display = False

    def show(self, job: Job | None, more: int = 0) -> None:
        """Show this job and how many others there are, or nothing."""
        self.job, self.more = job, more
        if job is None and self.has_focus:
            self.screen.focus_next()
        self.display = job is not None
        self._draw()

    def watch_has_focus(self, has_focus: bool) -> None:  # noqa: FBT001 - Textual calls it so
        """Name the keys while they act on it."""
        super().watch_has_focus(has_focus)
        self._draw()
        self.post_message(self.Moved())

    def on_click(self) -> None:
        """Take the focus."""
        self.focus()

    def _draw(self) -> None:
        if self.job is not None:
            told = job_line(self.job, self.more, focused=self.has_focus)
            self.update(one_line(told, ascii_only=self.ascii_only))
