"""One run whole: what it changed, field by field, or the whole error."""

from __future__ import annotations

from healthdesk.api.instances import Run
from healthdesk.tui.screens.reading import ReadingPage
from healthdesk.tui.view.runs import run_lines
from healthdesk.tui.view.times import View, full


class RunPage(ReadingPage):
    """Opened from the runs of a task or proof sync."""

    def __init__(self, run: Run, view: View, *, ascii_only: bool = False) -> None:
        title = f"Run of {full(run.started_at, view)}"
        super().__init__(title, run_lines(run, view), ascii_only=ascii_only)
