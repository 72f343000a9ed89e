"""What is done from the log: with the record under the cursor, the marked ones, all in the filter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual import on
from textual.widget import Widget

from healthdesk.api.records import Record, RecordFilter
from healthdesk.tui.feed import Changes
from healthdesk.tui.flows.log_export import Exported, export_log
from healthdesk.tui.flows.records import (
    asks_before_resend,
    look_up,
    look_up_reason,
    resend_all,
    resend_marked,
    resend_one,
    resend_reason,
)
from healthdesk.tui.flows.samples import send_samples
from healthdesk.tui.screens.area import AreaScreen
from healthdesk.tui.screens.fix import FixScreen
from healthdesk.tui.screens.jobs_shown import JobsShown
from healthdesk.tui.screens.record import RecordScreen
from healthdesk.tui.screens.saved_filters import SavedFiltersScreen
from healthdesk.tui.view.log import export_line
from healthdesk.tui.view.log_filters import is_relative
from healthdesk.tui.view.record import short_id
from healthdesk.tui.view.times import since
from healthdesk.tui.widgets.lines import Lines


class LogActs(JobsShown, AreaScreen):
    """The actions of the log."""

    exporting = False
    stop_export = False
    held = False
    """Whether the log stands still: new rows wait until it follows again."""

    def over_list(self) -> Iterable[Widget]:
        """The job under way, and the export."""
        yield self.job_line()
        export = Lines(ascii_only=self.ascii_only, id="export")
        export.display = False
        yield export

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
            if action_id == "sample" and not self.chosen().integration_id:
                return "no integration is chosen; / has one under To"
            return super().refuses(action_id)
        match action_id:
            case "resend" if not self.listing.table.marks:
                return resend_reason(row.state)
            case "error" if not row.error:
                return "it has no error"
            case "problem" if not row.problem_id:
                return "it belongs to no problem"
            case "look_up":
                return look_up_reason(row)
        return super().refuses(action_id)

    def take_changes(self, changes: Changes) -> None:
        """Follow what is new, unless the log stands still."""
        if self.held and not changes.everything:
            self.read_jobs()
            self.waiting = self.waiting or changes.touches(self.NOUNS)
            self.show_totals()
        else:
            super().take_changes(changes)

    def do_sample(self) -> None:
        """Send sample data through the integration of the filter, else of the record."""
        integration_id = self.chosen().integration_id or (self.row.integration_id if self.row else "")
        self.flow(send_samples(self, integration_id), asks=True)

    waiting = False
    """Whether anything changed while the log stood still."""

    def do_follow(self) -> None:
        """Let the log stand still, or follow again from the newest."""
        self.held = not self.held
        if self.held:
            self.desk.tell("The log stands still. w follows again.")
        else:
            self.waiting = False
            self.listing.table.start()
        self.show_totals()

    def total_words(self, text: str) -> str:
        """Say that it stands still, and how far a search came that found little."""
        if self.searched_to is not None and not self.listing.table.window.ended:
            text = f"searched to {since(self.searched_to, self.view())} · {text}"
        if self.held:
            text = f"{'new: ' if self.waiting else 'held: '}w follows · {text}"
        return text

    searched_to: datetime | None = None
    """How far the last page searched that was not full."""

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
        self.flow(self._resend_marked(sorted(marks)), asks=True)

    async def _resend_marked(self, ids: list[str]) -> str:
        told = await resend_marked(self, ids)
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

    def do_filters(self) -> None:
        """List the saved filters; save this one."""
        self.app.push_screen(SavedFiltersScreen(self.chosen(), relative=is_relative(self.values)))

    def do_export(self) -> None:
        """Write all that the filter matches to a file, or stop doing so."""
        if self.exporting:
            self.stop_export = True
        else:
            self.stop_export = False
            self.flow(export_log(self, self.chosen(), self.described()), asks=True)

    @on(Exported)
    def _exported(self, message: Exported) -> None:
        self.exporting = message.total is not None
        shown = self.query_one("#export", Lines)
        shown.display = self.exporting
        if message.total is not None:
            shown.show([export_line(str(message.path), message.records, message.total)])

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
