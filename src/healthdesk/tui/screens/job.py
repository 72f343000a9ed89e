"""The window of one job: how far it is, and what became of each record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.jobs import Job, JobItem
from healthdesk.domain.job_states import JobItemState, JobState
from healthdesk.tui.flows import fixes
from healthdesk.tui.flows import jobs as flows
from healthdesk.tui.format import Line, dim, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.record import RecordScreen
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.jobs import (
    ITEM,
    item_cells,
    item_columns,
    item_explain,
    job_head,
    job_title,
)
from healthdesk.tui.view.record import short_id
from healthdesk.tui.widgets.filter_bar import ANY, Chip, FilterBar
from healthdesk.tui.widgets.lines import Explanation, Lines, Ruler
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

STATES: dict[str, tuple[str, tuple[JobItemState, ...]]] = {
    ANY: ("all", ()),
    "trouble": ("in trouble", (JobItemState.FAILED, JobItemState.UNKNOWN, JobItemState.RETRYING)),
    **{state.value: (word.text.lower(), (state,)) for state, word in ITEM.items()},
}


class JobScreen(WindowScreen):
    """Opened from a job's line, the list of jobs, and a record that a job sent."""

    CONTEXT = "job"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"job"})
    detail: Job | None

    def body(self) -> Iterable[Widget]:
        """How far it is, then its records with a filter."""
        table = WindowTable(
            item_columns(self.view()),
            lambda item: item_cells(item, self.view()),
            lambda item: str(item.record_id),
            ascii_only=self.ascii_only,
            id="job-records",
        )
        region = ListRegion(table, ascii_only=self.ascii_only, id="job-records-region")
        self.items = self.add_list(
            Listing(
                region,
                self.fetch,
                empty=[line("  No records.")],
                empty_filter=lambda: [
                    line(f"  None of its records is {self.query_one(FilterBar).chips[0].word}."),
                    line("  ", key("backspace"), dim(" shows all")),
                ],
                filtered=lambda: self.query_one(FilterBar).narrows,
            )
        )
        options = tuple((value, word) for value, (word, _) in STATES.items())
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield Ruler(ascii_only=self.ascii_only)
        yield FilterBar([Chip("state", "Records", options)], ascii_only=self.ascii_only, id="filter")
        yield region
        yield Ruler(ascii_only=self.ascii_only)
        yield Explanation(ascii_only=self.ascii_only, id="explain", classes="explain")

    def crumbs(self) -> str:
        """Where you are."""
        return f"Log › Jobs › {short_id(self.key)}"

    async def read(self) -> Job:
        """Read the job."""
        return await self.client.job(self.key)

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[JobItem]:  # noqa: ARG002 - one direction only
        """Read a page of what became of its records."""
        states = STATES[self.query_one(FilterBar).values["state"]][1]
        return await self.client.job_records(self.key, states=states, after=after, limit=limit)

    def head_lines(self) -> Iterable[Line]:
        """How far it is."""
        return job_head(self.detail, self.view()) if self.detail else ()

    def cursor_moved(self, row: JobItem | None) -> None:
        """Say what became of the record."""
        self.query_one("#explain", Explanation).explain(item_explain(row) if row is not None else ())

    @on(FilterBar.Changed)
    def _filter_changed(self) -> None:
        self.items.table.start()

    @on(FilterBar.Left)
    def _filter_left(self) -> None:
        self.items.table.focus()

    def leaves_key(self, pressed: str) -> bool:
        """Leave the keys of the chip to it while it is edited."""
        return isinstance(self.focused, FilterBar) and self.focused.takes(pressed)

    def item_name(self) -> str:
        """What it does."""
        return job_title(self.detail) if self.detail else ""

    def refuses(self, action_id: str) -> str:
        """What has ended is not paused; only a fix that worked is saved."""
        if self.detail is None:
            return "it is not read yet"
        if action_id == "open" and self.items.table.current is None:
            return "there is no record under the cursor"
        if action_id == "clear" and not self.query_one(FilterBar).narrows:
            return "no filter is set"
        if action_id == "save_mapping":
            return self._why_no_mapping(self.detail)
        return flows.job_refusal(action_id, self.detail)

    @staticmethod
    def _why_no_mapping(job: Job) -> str:
        if job.fix_id is None:
            return "it fixes nothing"
        return "" if job.counts.get(JobItemState.DELIVERED) else "nothing of it was delivered yet"

    def off_footer(self) -> frozenset[str]:
        """What an ended job cannot any more is left out, and saving a mapping where it has none."""
        job = self.detail
        off = {"pause_job", "cancel_job"} if job is not None and job.state in (JobState.DONE, JobState.CANCELLED) else set()  # fmt: skip
        return frozenset(off | (set() if job is not None and job.fix_id else {"save_mapping"}))

    def do_open(self) -> None:
        """Open the record under the cursor."""
        self.app.push_screen(RecordScreen(self.items.table.current.record_id))

    def do_pause_job(self) -> None:
        """Pause or resume it."""
        if self.detail is not None:
            self.flow(flows.pause_or_resume(self, self.detail), asks=True)

    def do_cancel_job(self) -> None:
        """Cancel it."""
        if self.detail is not None:
            self.flow(flows.cancel(self, self.detail), asks=True)

    def do_log(self) -> None:
        """Show its records in the log."""
        if self.detail is not None:
            self.desk.show_log({"job": self.key}, {"job": short_id(self.key)})

    def do_save_mapping(self) -> None:
        """Keep the mapping that worked."""
        if self.detail is not None:
            self.flow(fixes.save_job_mapping(self, self.detail), asks=True)

    def do_filter(self) -> None:
        """Choose which of its records are shown."""
        self.query_one(FilterBar).focus()

    def do_clear(self) -> None:
        """Show all of its records."""
        self.query_one(FilterBar).clear()

    def copy_lines(self) -> list[Line]:
        """Copy the top, and what became of the record under the cursor."""
        row = self.items.table.current
        head = job_head(self.detail, self.view()) if self.detail else []
        return [*head, *(item_explain(row) if row is not None else [])]
