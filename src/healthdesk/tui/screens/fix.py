"""Fix and resend: what is changed of what is sent, and the difference it makes, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.widget import Widget

from healthdesk.api.fixes import FixResend
from healthdesk.api.records import Record, RecordFilter
from healthdesk.domain.states import RecordState
from healthdesk.tui.feed import Changes
from healthdesk.tui.fixing import Begun, Fixing, Resent
from healthdesk.tui.flows.fixes import offer_mapping
from healthdesk.tui.flows.records import asks_before_resend, begin_job, begun_sentence, how_again
from healthdesk.tui.format import Line, line, plain
from healthdesk.tui.screens.fix_acts import FixActs
from healthdesk.tui.view.fixes import (
    COLUMNS,
    change_cells,
    changes_of,
    difference_lines,
    fixing_head,
    nothing_yet_lines,
)
from healthdesk.tui.view.json_view import body_lines
from healthdesk.tui.view.record import record_title, short_id
from healthdesk.tui.view.words import RECORD
from healthdesk.tui.widgets.lines import Lines, Pane, Ruler
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Chunk

MOST_ROWS = 7
ON_ITS_WAY = (RecordState.QUEUED, RecordState.SENDING)


class FixScreen(FixActs):
    """Opened on a record, or on a problem: then the fix is for all of its records, and shown on its sample."""

    CONTEXT = "fix"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"record"})

    def body(self) -> Iterable[Widget]:
        """What is fixed, the changes, the difference."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield Ruler(ascii_only=self.ascii_only)
        self.table = WindowTable(
            COLUMNS, change_cells, lambda change: str(change.id), ascii_only=self.ascii_only, id="fix-changes"
        )
        yield self.table
        yield Ruler(ascii_only=self.ascii_only)
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")

    def load(self) -> None:
        """Show that nothing is changed yet, and read."""
        self.show_changes()
        super().load()

    def crumbs(self) -> str:
        """Where you are."""
        if self.problem is not None:
            return f"Problems › {self.problem.place} › fix all"
        return "Log › " + (record_title(self.detail.record) if self.detail else short_id(self.key)) + " › fix"

    async def read(self) -> Fixing:
        """Read the record, and what the fix as it is now would send."""
        record = await self.client.record(self.key)
        preview, shown = None, self.fix.model_copy(update={"reveal": self.revealed})
        if self.changed and self.problem is not None:
            preview = await self.client.problem_fix_preview(self.problem.id, shown)
        elif self.changed:
            preview = await self.client.record_fix_preview(self.key, shown)
        return Fixing(record, preview)

    def take_changes(self, changes: Changes) -> None:
        """Follow the record only once it was sent: nothing moves under somebody who edits."""
        if self.sent or changes.everything:
            super().take_changes(changes)

    # What is shown

    def head_lines(self) -> Iterable[Line]:
        """What is fixed, and what the fix does."""
        if self.detail is None:
            return ()
        return fixing_head(
            self.detail.record, self.detail.preview, self.problem, sent=self.sent, note=self.fix.note
        )

    def show_detail(self) -> None:
        """Show the difference, or what is sent now."""
        if self.detail is None:
            return
        self.query_one("#pane", Pane).show(self._difference(self.detail))
        if self.sent:
            self._told_what_became(self.detail.record)

    def _difference(self, fixing: Fixing) -> list[Line]:
        if fixing.preview is not None:
            return difference_lines(fixing.preview, self.fix)
        record = fixing.record
        return [*nothing_yet_lines(one=self.problem is None), (), *body_lines(record.next_body or record.request_body)]  # fmt: skip

    def show_changes(self, at: str = "") -> None:
        """Show the rows of the fix, the cursor on the one with this id."""
        rows = changes_of(self.fix)
        self.table.take_head(self.table.window.generation, [Chunk(rows, None)])
        if at:
            self.table.select(at)
        self.table.styles.height = 1 + min(MOST_ROWS, max(1, len(rows)))
        self.show_keys()

    def _told_what_became(self, record: Record) -> None:
        """Once it is through: offer to keep what worked, or stay to fix it again."""
        if record.state in ON_ITS_WAY:
            return
        self.sent = False
        if record.state is not RecordState.DELIVERED:
            self.desk.tell(
                f"Sent with the fix: {RECORD[record.state].text.lower()}. {record.error}", ok=False
            )
        elif self.fix.mapping or self.fix.headers:
            self.flow(self._offer(record), asks=True)
        else:
            self._leave("Delivered with the fix.")

    async def _offer(self, record: Record) -> str:
        self._leave(
            await offer_mapping(self, record, self.fix.mapping, self.fix.headers) or "Delivered with the fix."
        )
        return ""

    def _leave(self, told: str) -> None:
        self.desk.tell(told)
        if self.app.screen is self:
            self.app.pop_screen()

    # Sending

    def do_resend(self) -> None:
        """Send it with the fix: one record at once, all of a problem as a job."""
        if self.problem is not None:
            described = f"held up by {self.problem.place}: {self.problem.cause}"
            chosen = RecordFilter(problem_id=self.problem.id)
            self.flow(self._resend_all(chosen, described), asks=True)
        else:
            asks = self.detail is not None and asks_before_resend(self.detail.record)
            self.flow(self._resend_one(), asks=asks)

    async def _resend_all(self, chosen: RecordFilter, described: str) -> str:
        job = await begin_job(self, chosen, described, fix=self.fix)
        if job is not None:
            self.post_message(Begun(job))
        return ""

    @on(Begun)
    def _begun(self, message: Begun) -> None:
        from healthdesk.tui.screens.job import JobScreen

        self.desk.tell(begun_sentence(message.job))
        self.app.switch_screen(JobScreen(message.job.id))

    async def _resend_one(self) -> str:
        how = await how_again(self, self.detail.record) if self.detail is not None else None
        if how is None:
            return ""
        given = FixResend(**self.fix.model_dump(exclude={"reveal"}), **how)
        record = await self.client.record_fix(self.key, given)
        self.post_message(Resent(record))
        return ""

    @on(Resent)
    def _resent(self, message: Resent) -> None:
        self.sent = True
        if self.detail is not None:
            self.detail = Fixing(message.record, self.detail.preview)
        self._show()

    def copy_text(self) -> str:
        """Copy the changes and the difference."""
        rows = [line(f"{change.kind} {change.path} {change.told}") for change in changes_of(self.fix)]
        return plain([*rows, *(self._difference(self.detail) if self.detail else [])])
