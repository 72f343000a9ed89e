"""The Log: every record, filtered on the server, resent from here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.message import Message

from healthdesk.api.common import Count, Page
from healthdesk.api.records import Record, RecordDetail, RecordFilter
from healthdesk.api.sources import Source
from healthdesk.errors import HealthdeskError
from healthdesk.tui import messages
from healthdesk.tui.format import Line, dim, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.dates import DatesForm
from healthdesk.tui.screens.log_acts import LogActs
from healthdesk.tui.view.filters import CUSTOM, range_word
from healthdesk.tui.view.log import log_cells, log_columns, log_explain, log_preview
from healthdesk.tui.view.log_filters import (
    DATES,
    NOT_KEPT,
    describe_filter,
    log_chips,
    mistake,
    record_filter,
    source_choices,
)
from healthdesk.tui.whole import whole
from healthdesk.tui.widgets.filter_bar import ANY, Chip, FilterBar
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

EMPTY = (
    line("  No records yet."),
    line(dim("  `healthdesk records add` posts one; an integration's page shows its URL and key.")),
)


@dataclass
class SourcesLoaded(Message):
    """What the chips of sources, levels and lookup fields can be came."""

    sources: Sequence[Source]


class LogScreen(LogActs):
    """Area 3."""

    CONTEXT = "log"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"record", "attempt"})
    PREVIEWS = True
    noun = "records"

    def __init__(self) -> None:
        super().__init__()
        self._counted: tuple[RecordFilter, Count] | None = None
        self.known: RecordDetail | None = None
        self.sources: Sequence[Source] = ()

    def chips(self) -> list[Chip]:
        """Every part of the log's filter."""
        return log_chips()

    def make_listing(self) -> Listing:
        """Records of the filter."""
        view = self.view()
        table = WindowTable(
            log_columns(view),
            lambda record: log_cells(record, self.view()),
            lambda record: str(record.id),
            both_ends=True,
            ascii_only=self.ascii_only,
            id="log",
        )
        return Listing(
            self.make_region(table, "log-region"),
            self.fetch,
            empty=EMPTY,
            empty_filter=self.empty_filter,
            filtered=lambda: self.bar.narrows,
            count=lambda: self.client.records_count(self.chosen()),
        )

    def load(self) -> None:
        """Read what the chips can be too."""
        super().load()
        self.work(self._read_choices, group="choices")

    async def _read_choices(self) -> None:
        try:
            sources = await whole(self.client.sources_list)
            integrations = await whole(self.client.integrations_list)
        except HealthdeskError:
            # The log itself says what is wrong; the chips then offer less.
            return
        self.post_message(SourcesLoaded(sources))
        self.post_message(
            messages.ChoicesLoaded(
                "integration", [(ANY, "all"), *((item.id, item.name) for item in integrations)]
            )
        )

    @on(messages.ChoicesLoaded)
    def _choices_loaded(self, message: messages.ChoicesLoaded) -> None:
        self.bar.set_options(message.name, message.options)

    @on(SourcesLoaded)
    def _sources_loaded(self, message: SourcesLoaded) -> None:
        self.sources = message.sources
        self._offer_choices()

    def _offer_choices(self) -> None:
        """Offer sources, the levels and lookup fields of the one chosen."""
        for name, options in source_choices(self.sources, self.values.get("source", ANY)).items():
            self.bar.set_options(name, options)

    def take_changes(self, changes: Any) -> None:
        """New sources and integrations are new choices."""
        super().take_changes(changes)
        if changes.touches(frozenset({"source", "integration"})):
            self.work(self._read_choices, group="choices", exclusive=True)

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[Record]:
        """Read a page of the log."""
        page = await self.client.records_list(self.chosen(), after=after, limit=limit, direction=direction)
        self.searched_to = page.searched_to if page.next is not None else None
        return page

    def chosen(self) -> RecordFilter:
        """Return what the chips ask for."""
        return record_filter(self.values, self.view())

    def described(self) -> str:
        """Return the filter in words."""
        return describe_filter(self.bar.chips)

    def empty_filter(self) -> list[Line]:
        """Say that nothing matches."""
        return [
            line(f"  No records: {self.described()}."),
            line("  ", key("backspace"), dim(" clears the filter")),
        ]

    def show_filter(self, values: dict[str, str], words: dict[str, str]) -> None:
        """Show the log of something else: an integration, a problem."""
        if not self.is_mounted:
            return
        for chip in self.bar.chips:
            value = values.get(chip.name)
            if value and value not in dict(chip.options):
                self.bar.set_options(chip.name, [*chip.options, (value, words.get(chip.name, value))])
        self.bar.set_values({chip.name: values.get(chip.name, chip.default) for chip in self.bar.chips})
        self.bar.post_message(FilterBar.Changed(self.bar))
        self.listing.table.focus()

    def filter_recalled(self) -> None:
        """Name ranges of dates that were kept."""
        for name in DATES:
            if "/" in self.values.get(name, ANY):
                self._offer_range(name, self.values[name])

    def filter_changed(self) -> None:
        """Ask for the days when `dates…` is chosen; say what is wrong with what was typed."""
        self._offer_choices()
        asked = next((name for name in DATES if self.values.get(name) == CUSTOM), "")
        wrong = mistake(self.values)
        if asked:
            self.flow(self._ask_dates(asked), asks=True)
        elif wrong:
            self.desk.tell(wrong, ok=False)

    async def _ask_dates(self, name: str) -> str:
        view = self.view()
        title = f"Records that {DATES[name][2]}"
        value = await self.ask(DatesForm(title, view.local(view.now).date(), ascii_only=self.ascii_only))
        if value is not None and "/" in value:
            self._offer_range(name, value)
        self.bar.set_values({name: value or ANY})
        self.bar.post_message(FilterBar.Changed(self.bar))
        return ""

    def _offer_range(self, name: str, value: str) -> None:
        chip = next(chip for chip in self.bar.chips if chip.name == name)
        kept = [option for option in chip.options if "/" not in option[0]]
        self.bar.set_options(name, [*kept, (value, range_word(value))])

    def kept_values(self) -> dict[str, str]:
        """Problems and jobs will be gone, and values of people are not kept."""
        return {
            name: value for name, value in self.values.items() if name not in NOT_KEPT and value != CUSTOM
        }

    def explain(self, row: Record) -> Iterable[Line]:
        """What came back, and what helps."""
        known = self.known if self.known is not None and self.known.id == row.id else None
        return log_explain(row, self.view(), known)

    def reads_preview(self, row: Record) -> bool:
        """What belongs to a problem is read without a preview too: how many are like it."""
        return bool(row.problem_id) or super().reads_preview(row)

    async def read_detail(self, key: str) -> RecordDetail:
        """Read the record."""
        return await self.client.record(key)

    def take_detail(self, row: Record, detail: RecordDetail) -> None:
        """Explain how many are like it, too."""
        self.known = detail
        self.show_explanation(row)
        super().take_detail(row, detail)

    def detail_lines(self, detail: RecordDetail) -> Iterable[Line]:
        """The record."""
        return log_preview(detail, self.view())
