"""What can be done in the window of a fix before it is sent: its changes one by one, their order, a note."""

from __future__ import annotations

from textual import on

from healthdesk.api.fixes import FixGiven
from healthdesk.api.problems import ProblemRow
from healthdesk.tui.fixing import BodyTaken, ChangeTaken, Fixing, NoteTaken, Widened
from healthdesk.tui.flows.fixes import ask_change, ask_note
from healthdesk.tui.screens.body_editor import BodyEditor
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.fixes import BODY, Change, changes_of, given, moved, with_change, without
from healthdesk.tui.view.record import short_id
from healthdesk.tui.widgets.window_table import WindowTable


class FixActs(WindowScreen):
    """The actions of the window. `fix` is what would be sent; `problem` is there where it is for all of one."""

    detail: Fixing | None
    table: WindowTable

    def __init__(
        self, record_id: str, *, problem: ProblemRow | None = None, fix: FixGiven | None = None
    ) -> None:
        super().__init__(record_id)
        self.problem = problem
        self.fix = fix or FixGiven()
        self.revealed = False
        self.sent = False
        """Whether it waits for what becomes of the record that it sent."""

    @property
    def changed(self) -> bool:
        """Whether anything is changed."""
        return self.fix.body is not None or bool(self.fix.mapping or self.fix.headers)

    def show_changes(self, at: str = "") -> None:
        """Show the rows of the fix, the cursor on the one with this id."""
        raise NotImplementedError

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
        if action_id in ("raise", "lower"):
            return self._why_not_moved(-1 if action_id == "raise" else 1)
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

    def _why_not_moved(self, by: int) -> str:
        change = self.row()
        if change is None:
            return "nothing is changed yet"
        if moved(self.fix, change, by) is not None:
            return ""
        end = "first" if by < 0 else "last"
        return f"it is the {end} step" if change.is_step else "only the steps of a mapping have an order"

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

    def _take(self, fix: FixGiven, at: str = "") -> None:
        self.fix = fix
        self.show_changes(at)
        self.reload_detail()

    def do_remove(self) -> None:
        """Take the change under the cursor away."""
        change = self.row()
        if change is not None:
            self._take(without(self.fix, change))

    def do_raise(self) -> None:
        """Carry the step out earlier."""
        self._move(-1)

    def do_lower(self) -> None:
        """Carry the step out later."""
        self._move(1)

    def _move(self, by: int) -> None:
        change = self.row()
        fix = moved(self.fix, change, by) if change is not None else None
        if change is not None and fix is not None:
            self._take(fix, changes_of(fix)[change.number - 1 + by].id)

    def do_note(self) -> None:
        """Say why, for those who read it later."""
        self.flow(self._ask_note(), asks=True)

    async def _ask_note(self) -> str:
        note = await ask_note(self, self.fix.note)
        if note is not None:
            self.post_message(NoteTaken(note))
        return ""

    @on(NoteTaken)
    def _note_taken(self, message: NoteTaken) -> None:
        self.fix = self.fix.model_copy(update={"note": message.note})
        self.show_head()

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
        self.app.switch_screen(type(self)(self.key, problem=message.problem, fix=self.fix))
