"""Fix and resend: what is changed of what is sent, and the difference it makes, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.widget import Widget

from healthdesk.api.fixes import FixGiven, FixResend
from healthdesk.api.problems import ProblemRow
from healthdesk.api.records import Record, RecordFilter
from healthdesk.domain.states import RecordState
from healthdesk.tui.feed import Changes
from healthdesk.tui.fixing import Begun, BodyTaken, ChangeTaken, Fixing, Resent, Widened
from healthdesk.tui.flows.fixes import ask_change, offer_mapping
from healthdesk.tui.flows.records import begin_job, begun_sentence
from healthdesk.tui.format import Line, line, plain
from healthdesk.tui.screens.body_editor import BodyEditor
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.fixes import (
    BODY,
    COLUMNS,
    Change,
    change_cells,
    changes_of,
    difference_lines,
    fixing_head,
    given,
    nothing_yet_lines,
    with_change,
    without,
)
from healthdesk.tui.view.json_view import body_lines
from healthdesk.tui.view.record import record_title, short_id
from healthdesk.tui.view.words import RECORD
from healthdesk.tui.widgets.lines import Lines, Pane, Ruler
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Chunk

MOST_ROWS = 7
ON_ITS_WAY = (RecordState.QUEUED, RecordState.SENDING)


class FixScreen(WindowScreen):
    """Opened on a record, or on a problem: then the fix is for all of its records, and shown on its sample."""

    CONTEXT = "fix"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"record"})
    detail: Fixing | None

    def __init__(
        self, record_id: str, *, problem: ProblemRow | None = None, fix: FixGiven | None = None
    ) -> None:
        super().__init__(record_id)
        self.problem = problem
        self.fix = fix or FixGiven()
        self.revealed = False
        self.sent = False
        """Whether it waits for what becomes of the record that it sent."""

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
        self._show_changes()
        super().load()

    def crumbs(self) -> str:
        """Where you are."""
        if self.problem is not None:
            return f"Problems › {self.problem.where} › fix all"
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

    @property
    def changed(self) -> bool:
        """Whether anything is changed."""
        return self.fix.body is not None or bool(self.fix.mapping or self.fix.headers)

    def take_changes(self, changes: Changes) -> None:
        """Follow the record only once it was sent: nothing moves under somebody who edits."""
        if self.sent or changes.everything:
            super().take_changes(changes)

    # What is shown

    def head_lines(self) -> Iterable[Line]:
        """What is fixed, and what the fix does."""
        if self.detail is None:
            return ()
        return fixing_head(self.detail.record, self.detail.preview, self.problem, sent=self.sent)

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

    def _show_changes(self) -> None:
        rows = changes_of(self.fix)
        self.table.take_head(self.table.window.generation, [Chunk(rows, None)])
        self.table.styles.height = 1 + min(MOST_ROWS, max(1, len(rows)))
        self.show_keys()

    def _told_what_became(self, record: Record) -> None:
        """Once it is through: offer to keep steps that worked, or stay to fix it again."""
        if record.state in ON_ITS_WAY:
            return
        self.sent = False
        if record.state is not RecordState.DELIVERED:
            self.desk.tell(
                f"Sent with the fix: {RECORD[record.state].text.lower()}. {record.error}", ok=False
            )
        elif self.fix.mapping:
            self.flow(self._offer(record), asks=True)
        else:
            self._leave("Delivered with the fix.")

    async def _offer(self, record: Record) -> str:
        self._leave(await offer_mapping(self, record, self.fix.mapping) or "Delivered with the fix.")
        return ""

    def _leave(self, told: str) -> None:
        self.desk.tell(told)
        if self.app.screen is self:
            self.app.pop_screen()

    # What can be done

    def row(self) -> Change | None:
        """Return the change under the cursor."""
        found: Change | None = self.table.current
        return found

    def item_name(self) -> str:
        """What is fixed."""
        return self.problem.cause[:60] if self.problem is not None else short_id(self.key)

    def refuses(self, action_id: str) -> str:
        """Nothing is sent that changes nothing; a body is of one record."""
        if action_id in ("edit", "remove") and self.row() is None:
            return "nothing is changed yet"
        if action_id == "body" and self.problem is not None:
            return "a body is of one record; steps are for all"
        if action_id == "body" and self.fix.mapping:
            return "a fix replaces the body or has steps, not both; remove the steps first"
        if action_id == "resend" and not self.changed:
            return "nothing is changed yet"
        if action_id == "reveal" and (self.revealed or not self.changed):
            return "they are shown already" if self.revealed else "nothing is changed yet"
        if action_id == "resend" and self.sent:
            return "it was sent; its answer is not here yet"
        return self._why_not_all() if action_id == "scope" else ""

    def _why_not_all(self) -> str:
        if self.problem is not None:
            return "it is for all of the problem"
        if self.detail is None or not self.detail.record.problem_id:
            return "it belongs to no problem"
        return "a body is of one record; remove it first" if self.fix.body is not None else ""

    def do_new(self) -> None:
        """Add a step or a header."""
        self.flow(self._ask(None), asks=True)

    def do_edit(self) -> None:
        """Change what is under the cursor."""
        change = self.row()
        if change is not None and change.kind == BODY:
            self.do_body()
        else:
            self.flow(self._ask(change), asks=True)

    async def _ask(self, before: Change | None) -> str:
        change = await ask_change(self, given(self.fix, before) if before is not None else None)
        if change is not None:
            self.post_message(ChangeTaken(change, before))
        return ""

    @on(ChangeTaken)
    def _change_taken(self, message: ChangeTaken) -> None:
        self._take(with_change(self.fix, message.change, message.before))

    def _take(self, fix: FixGiven) -> None:
        self.fix = fix
        self._show_changes()
        self.reload_detail()

    def do_remove(self) -> None:
        """Take the change under the cursor away."""
        change = self.row()
        if change is not None:
            self._take(without(self.fix, change))

    def do_body(self) -> None:
        """Edit the body in clear; the daemon notes who saw it."""
        self.flow(self._edit_body(), asks=True)

    async def _edit_body(self) -> str:
        text, version = self.fix.body, self.fix.version
        if text is None:
            now = await self.client.record_fix_preview(self.key, self.fix.model_copy(update={"reveal": True}))
            if now.masked:
                return "You may not reveal its values, so its body cannot be edited."
            text, version = now.data, now.version
        edited = await self.ask(BodyEditor(f"Body of {short_id(self.key)}", text, ascii_only=self.ascii_only))
        if edited is not None:
            self.post_message(BodyTaken(edited, version))
        return ""

    @on(BodyTaken)
    def _body_taken(self, message: BodyTaken) -> None:
        self._take(self.fix.model_copy(update={"body": message.text, "version": message.version}))

    def do_reveal(self) -> None:
        """Show the difference in clear; the daemon notes who did."""
        self.revealed = True
        self.reload_detail()
        self.desk.tell("Values are shown. It is noted in the activity log.")

    def do_scope(self) -> None:
        """Fix all records of the problem."""
        self.flow(self._widen())

    async def _widen(self) -> str:
        if self.detail is not None and self.detail.record.problem_id:
            self.post_message(Widened(await self.client.problem(self.detail.record.problem_id)))
        return ""

    @on(Widened)
    def _widened(self, message: Widened) -> None:
        self.app.switch_screen(FixScreen(self.key, problem=message.problem, fix=self.fix))

    def do_resend(self) -> None:
        """Send it with the fix: one record at once, all of a problem as a job."""
        if self.problem is not None:
            described = f"held up by {self.problem.where}: {self.problem.cause}"
            chosen = RecordFilter(problem_id=self.problem.id)
            self.flow(self._resend_all(chosen, described), asks=True)
        else:
            self.flow(self._resend_one())

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
        record = await self.client.record_fix(self.key, FixResend(**self.fix.model_dump(exclude={"reveal"})))
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
