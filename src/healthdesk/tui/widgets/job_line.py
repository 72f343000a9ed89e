"""JobLine: the job that is under way, in one line with a progress bar, and below it why it stands still; keys act on it
while it has the focus.
"""

from __future__ import annotations

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from healthdesk.api.jobs import Job
from healthdesk.tui.format import one_line
from healthdesk.tui.view.jobs import job_line, job_why

MOST_WHY = 3
"""Lines that say why it stands still, at most: the list below needs room."""


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

    def on_resize(self) -> None:
        """Break the words anew in another width."""
        self._draw()

    def _draw(self) -> None:
        if self.job is None:
            return
        rows = [one_line(job_line(self.job, self.more, focused=self.has_focus), ascii_only=self.ascii_only)]
        if why := job_why(self.job):
            width = self.size.width or self.app.size.width - self.gutter.width
            first, *others = one_line(why, ascii_only=self.ascii_only).wrap(width)
            rows += [first, *others[: MOST_WHY - 1]]
            if len(others) >= MOST_WHY:
                rows[-1] = rows[-1].truncate(width - 1) + ("~" if self.ascii_only else "…")
        self.update(Content("\n").join(rows))
