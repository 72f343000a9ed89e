"""What is done from the log: with the record under the cursor, the marked ones, all in the filter."""

from __future__ import annotations

from healthdesk.api.records import Record, RecordFilter
from healthdesk.domain.states import RecordState
from healthdesk.tui.flows.records import (
    asks_before_resend,
    look_up,
    look_up_reason,
    resend_all,
    resend_marked,
    resend_one,
    resend_reason,
)
from healthdesk.tui.screens.area import AreaScreen
from healthdesk.tui.screens.fix import FixScreen
from healthdesk.tui.screens.jobs_shown import JobsShown
from healthdesk.tui.screens.record import RecordScreen
from healthdesk.tui.view.record import short_id


class LogActs(JobsShown, AreaScreen):
    """The actions of the log."""

    def chosen(self) -> RecordFilter:
        """Return what the chips ask for."""
        raise NotImplementedError

    def described(self) -> str:
        """Return the filter in words."""
        raise NotImplementedError

    @property
    def row(self) -> Record | None:
        """The record under the cursor."""
        found: Record | None = self.listing.table.current
        return found

    def item_name(self) -> str:
        """The record's id and source."""
        row = self.row
        if self.shown_job is not None or row is None:
            return super().item_name()
        return f"{short_id(row.id)} · {row.source_name or row.source}"

    def refuses(self, action_id: str) -> str:
        """Records on their way are not resent."""
        row = self.row
        if action_id == "unmark" and not self.listing.table.marks:
            return "nothing is marked"
        if row is None:
            return super().refuses(action_id)
        match action_id:
            case "resend" if not self.listing.table.marks:
                return resend_reason(row.state)
            case "error" if not row.error:
                return "it has no error"
            case "problem" if not row.problem_id:
                return "it belongs to no problem"
            case "look_up":
                return look_up_reason(row.state)
        return super().refuses(action_id)

    def do_open(self) -> None:
        """Open the record."""
        self.app.push_screen(RecordScreen(self.item().id))

    def do_error(self) -> None:
        """Open the record on what went wrong."""
        self.app.push_screen(RecordScreen(self.item().id, tab="Error"))

    def do_resend(self) -> None:
        """Resend the marked ones, or the one under the cursor."""
        marks = self.listing.table.marks
        if not marks:
            self.flow(resend_one(self, self.item()), asks=asks_before_resend(self.item()))
            return
        window = self.listing.table.window
        rows = [window.at(index) for index in window.ids(0, window.length).values()]
        delivered = sum(1 for row in rows if row and row.id in marks and row.state is RecordState.DELIVERED)
        self.flow(self._resend_marked(sorted(marks), delivered), asks=True)

    async def _resend_marked(self, ids: list[str], delivered: int) -> str:
        told = await resend_marked(self, ids, delivered)
        if told:
            self.listing.table.marks.clear()
        return told

    def do_resend_all(self) -> None:
        """Resend everything the filter matches."""
        self.flow(resend_all(self, self.chosen(), self.described()), asks=True)

    def do_mark(self) -> None:
        """Mark the record."""
        self.listing.table.toggle_mark()
        self.show_totals()

    def do_unmark(self) -> None:
        """Forget all marks."""
        self.listing.table.marks.clear()
        self.listing.table.refresh()
        self.show_totals()

    def do_fix(self) -> None:
        """Change what is sent of the record, and resend it."""
        self.app.push_screen(FixScreen(self.item().id))

    def do_look_up(self) -> None:
        """Ask the endpoint whether it has the record."""
        self.flow(look_up(self, self.item()))

    def do_problem(self) -> None:
        """Open the problem it belongs to."""
        from healthdesk.tui.screens.problem import ProblemScreen

        self.app.push_screen(ProblemScreen(self.item().problem_id))
