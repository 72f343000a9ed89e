"""The window of one record: verdict on top, tabs below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.containers import Vertical
from textual.widget import Widget

from healthdesk.api.records import Attempt, AttemptDetail, Moment, RecordDetail
from healthdesk.tui import messages
from healthdesk.tui.flows.fixes import nothing_to_save, save_mapping
from healthdesk.tui.flows.records import (
    asks_before_resend,
    look_up,
    look_up_reason,
    resend_one,
    resend_reason,
)
from healthdesk.tui.format import Line, plain
from healthdesk.tui.screens.attempt import AttemptScreen
from healthdesk.tui.screens.fix import FixScreen
from healthdesk.tui.screens.tabbed import TabbedWindow
from healthdesk.tui.view.record import TABS, record_title, record_verdict, short_id, tab_lines
from healthdesk.tui.view.timeline import (
    last_job,
    moment_explain,
    moment_key,
    moments_of,
    timeline_cells,
    timeline_columns,
    tried_at_all,
)
from healthdesk.tui.widgets.lines import Explanation, Lines, Pane, Ruler, Tab, TabLine
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Chunk

TIMELINE = "Attempts"
BODIES = ("request_body", "posted_body", "next_body", "response_body")


def _shown_of(detail: RecordDetail) -> tuple[object, ...]:
    """Return what is other as soon as what was sent, is sent next, came back or is still kept of it is another."""
    last = detail.attempts[-1] if detail.attempts else None
    bodies = [getattr(detail, name) for name in BODIES]
    return (
        detail.version,
        detail.fix_id,
        last and (last.id, last.finished_at),
        [body and (body.content_type, body.size) for body in bodies],
    )


class RecordScreen(TabbedWindow):
    """Opened from the log, or from a problem's sample."""

    CONTEXT = "record"
    TABS: ClassVar[tuple[str, ...]] = TABS
    NOUNS: ClassVar[frozenset[str]] = frozenset({"record", "attempt", "problem"})

    def __init__(self, key: str, *, tab: str = "Request") -> None:
        super().__init__(key)
        self.tab = tab
        self.revealed: RecordDetail | None = None

    def body(self) -> Iterable[Widget]:
        """Verdict, tabs, the chosen tab."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield TabLine(ascii_only=self.ascii_only, id="tabs")
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")
        self.timeline = WindowTable(
            timeline_columns(self.view()),
            lambda moment: timeline_cells(moment, self.detail, self.view()),
            moment_key,
            ascii_only=self.ascii_only,
            id="attempts",
        )
        explained = Explanation(ascii_only=self.ascii_only, id="attempt", classes="explain")
        yield Vertical(self.timeline, Ruler(ascii_only=self.ascii_only), explained, id="timeline")

    def crumbs(self) -> str:
        """Where you are."""
        return "Log › " + (record_title(self.detail) if self.detail is not None else short_id(self.key))

    async def read(self) -> RecordDetail:
        """Read the record; what was revealed is shown for as long as it is still what was sent and answered."""
        fresh = await self.client.record(self.key)
        if self.revealed is None or _shown_of(self.revealed) != _shown_of(fresh):
            return fresh
        kept: RecordDetail = self.revealed
        return fresh.model_copy(update={name: getattr(kept, name) for name in (*BODIES, "attempts", "curl")})

    def head_lines(self) -> Iterable[Line]:
        """The verdict."""
        return record_verdict(self.detail, self.view())

    def show_detail(self) -> None:
        """Show the tabs and the one chosen."""
        detail: RecordDetail = self.detail
        counts = {TIMELINE: str(detail.tried or len(detail.attempts) or "")}
        tabs = [Tab(name, name, counts.get(name, "")) for name in TABS]
        self.query_one("#tabs", TabLine).show(tabs, self.tab)
        pane, timeline = self.query_one("#pane", Pane), self.query_one("#timeline")
        timeline.display = self.tab == TIMELINE and tried_at_all(detail)
        pane.display = not timeline.display
        if timeline.display:
            self._show_timeline()
        else:
            pane.show(self._tab_lines(self.tab))

    def _show_timeline(self) -> None:
        """Show the attempts, at first the newest under the cursor; later it stays on its attempt."""
        first_time = not self.timeline.window.loaded
        moments = moments_of(self.detail)
        self.timeline.take_head(self.timeline.window.generation, [Chunk(moments, None)])
        if first_time:
            tried = [index for index, moment in enumerate(moments) if moment.attempt is not None]
            self.timeline.move_to(tried[-1] if tried else len(moments) - 1)

    def cursor_moved(self, row: Moment | None) -> None:
        """Say what the moment under the cursor came to."""
        if row is not None:
            told = moment_explain(row, self.detail, self.view())
            self.query_one("#attempt", Explanation).explain(told)

    def _tab_lines(self, tab: str) -> list[Line]:
        return tab_lines(tab, self.detail, self.view())

    def choose(self, tab: str) -> None:
        """Show a tab."""
        if self.detail is not None:
            self.tab = tab
            self.show_detail()
            pane = self.query_one("#pane", Pane)
            pane.scroll_home(animate=False)
            (pane if pane.display else self.timeline).focus()
            self.show_keys()

    def item_name(self) -> str:
        """The record."""
        return short_id(self.key)

    def attempt(self) -> Attempt | None:
        """Return the attempt under the cursor, in the tab that has them."""
        if self.tab != TIMELINE:
            return None
        found: Moment | None = self.timeline.current
        return found.attempt if found is not None else None

    def refuses(self, action_id: str) -> str:
        """Records on their way are not resent; revealed ones not revealed again."""
        detail: RecordDetail | None = self.detail
        if detail is None:
            return ""
        match action_id:
            case "open" if self.attempt() is None:
                return "there is no attempt under the cursor; the Attempts tab has them"
            case "resend":
                return resend_reason(detail.state)
            case "reveal" if self._in_clear() and self.attempt() is None:
                return "they are shown already"
            case "curl" if not detail.curl:
                return "nothing was sent yet"
            case "look_up":
                return look_up_reason(detail)
            case "problem" if not detail.problem_id:
                return "it belongs to no problem"
            case "job" if not last_job(detail):
                return "no job sent it"
            case "unfix" if detail.fix_id is None:
                return "it was not fixed"
            case "save_mapping":
                return nothing_to_save(detail)
        return ""

    def _in_clear(self) -> bool:
        """Return whether what is shown is what was revealed."""
        kept = self.revealed
        return kept is not None and all(getattr(kept, name) is getattr(self.detail, name) for name in BODIES)

    def do_error(self) -> None:
        """Show what went wrong."""
        self.choose("Error")

    def do_resend(self) -> None:
        """Resend it."""
        if self.detail is not None:
            self.flow(resend_one(self, self.detail), asks=asks_before_resend(self.detail))

    def do_fix(self) -> None:
        """Change what is sent of it, and resend it."""
        self.app.push_screen(FixScreen(self.key))

    def do_unfix(self) -> None:
        """Let it be sent as it was posted again."""
        self.flow(self._unfix())

    async def _unfix(self) -> str:
        await self.client.record_unfix(self.key)
        return "It is sent as it was posted again. Nothing was resent."

    def do_save_mapping(self) -> None:
        """Keep the steps it was delivered with."""
        if self.detail is not None:
            self.flow(save_mapping(self, self.detail, self.detail.fix_id), asks=True)

    def do_look_up(self) -> None:
        """Ask the endpoint whether it has the record."""
        if self.detail is not None:
            self.flow(look_up(self, self.detail))

    def do_problem(self) -> None:
        """Open the problem it belongs to."""
        from healthdesk.tui.screens.problem import ProblemScreen

        self.app.push_screen(ProblemScreen(self.detail.problem_id))

    def do_job(self) -> None:
        """Open the job that sent it."""
        from healthdesk.tui.screens.job import JobScreen

        self.app.push_screen(JobScreen(last_job(self.detail)))

    def off_footer(self) -> frozenset[str]:
        """There is something to open in one tab only, and a mapping to save where a fix worked."""
        off = set() if self.tab == TIMELINE else {"open"}
        if self.detail is None or nothing_to_save(self.detail):
            off.add("save_mapping")
        return frozenset(off)

    def do_open(self) -> None:
        """Open the attempt under the cursor."""
        attempt = self.attempt()
        if attempt is not None:
            self.app.push_screen(AttemptScreen(self.key, attempt.id))

    def do_reveal(self) -> None:
        """Show the values, in the Attempts tab of the one attempt; the daemon notes who did."""
        self.flow(self._reveal(self.attempt()))

    async def _reveal(self, attempt: Attempt | None) -> str:
        if attempt is not None:
            detail = await self.client.record_attempt_reveal(self.key, attempt.id)
            self.post_message(messages.Revealed(detail))
        else:
            self.post_message(messages.Revealed(await self.client.record_reveal(self.key)))
        return ""

    @on(messages.Revealed)
    def _revealed(self, message: messages.Revealed) -> None:
        if isinstance(message.detail, AttemptDetail):
            self.app.push_screen(AttemptScreen(self.key, message.detail.id, revealed=message.detail))
        else:
            self.revealed = self.detail = message.detail
            self._show()
        self.desk.tell("Values are shown. It is noted in the activity log.")

    def do_curl(self) -> None:
        """Copy the request as a curl command."""
        self.desk.copy(self.detail.curl)

    def copy_text(self) -> str:
        """Copy the tab shown, its body without cuts."""
        return "" if self.detail is None else plain(self._tab_lines(self.tab))
