"""Where a command's answer goes: JSON for programs, tables and facts for people."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from healthdesk.cli.marks import DIM, STRONG, Cell, paint
from healthdesk.cli.tables import Column, render
from healthdesk.cli.text import cells, clean, clean_block, pad, wrap
from healthdesk.cli.times import format_ago, format_time, zone_name

if TYPE_CHECKING:
    from pydantic import BaseModel

    from healthdesk.api.common import Page

T = TypeVar("T")
Facts = Iterable[tuple[str, Cell | str]]


class Output:
    """Standard output and standard error of one command.

    `width` None cuts nothing: what is piped is whole. Everything printed for people is cleaned here.
    """

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        *,
        as_json: bool = False,
        ascii_only: bool = False,
        colour: bool = False,
        width: int | None = None,
        zone: tzinfo | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self.as_json = as_json
        self._ascii = ascii_only
        self._colour = colour
        self._width = width
        self.zone = zone
        self.now = now

    @classmethod
    def of_terminal(cls, environ: Mapping[str, str] = os.environ, *, as_json: bool = False) -> Output:
        """Return the output for the terminal, or the pipe, this process has."""
        terminal = sys.stdout.isatty()
        encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "").replace("_", "")
        columns = environ.get("COLUMNS", "")
        return cls(
            sys.stdout,
            sys.stderr,
            as_json=as_json,
            ascii_only=encoding not in ("utf8", "utf8sig"),
            colour=terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb",
            width=shutil.get_terminal_size().columns if terminal or columns.isdigit() else None,
        )

    def json(self, value: object) -> None:
        """Print one JSON value. It is ASCII, so nothing in it can reach the terminal as a control."""
        self._stdout.write(json.dumps(value, indent=2) + "\n")

    def json_line(self, value: object) -> None:
        """Print one JSON value on a line of its own, at once."""
        self._stdout.write(json.dumps(value) + "\n")
        self._stdout.flush()

    def model(self, answer: BaseModel) -> None:
        """Print a model of the API as JSON."""
        self.json(answer.model_dump(mode="json"))

    def line(self, text: str = "", tone: str = "") -> None:
        """Print one line for people."""
        self._stdout.write(self._painted(text, tone) + "\n")

    def now_line(self, text: str) -> None:
        """Print one line and let it be seen at once."""
        self.line(text)
        self._stdout.flush()

    def block(self, text: str, indent: str = "  ") -> None:
        """Print text of several lines."""
        for line in clean_block(text, ascii_only=self._ascii):
            self._stdout.write(f"{indent}{line}".rstrip() + "\n")

    def paragraph(self, text: str, *, indent: str = "", hang: str = "") -> None:
        """Print text of any length: the first line after `indent`, those that follow after `hang`."""
        text = clean(text, ascii_only=self._ascii)
        lines = [indent + text] if self._width is None else wrap(text, self._width, indent=indent, hang=hang)
        self._stdout.writelines(f"{line}\n" for line in lines)

    def note(self, text: str) -> None:
        """Print one line beside the answer, on standard error."""
        self._stderr.write(clean(text, ascii_only=self._ascii) + "\n")
        self._stderr.flush()

    def error(self, what: str, fix: str = "", blame: str = "") -> None:
        """Print what went wrong, whose fault it is and what to do about it, on standard error."""
        self.note(f"error: {what}")
        if blame:
            self.note(f"whose fault: {blame}")
        if fix:
            self.note(f"fix: {fix}")

    def done(self, answer: BaseModel, sentence: str) -> None:
        """Print the answer of an action: the model for programs, a sentence for people."""
        if self.as_json:
            self.model(answer)
        else:
            self.line(sentence)

    def page(
        self,
        page: Page[Any],
        columns: Sequence[Column],
        row: Callable[[Any], Sequence[Cell | str]],
        *,
        empty: str,
    ) -> None:
        """Print a page of a list."""
        if self.as_json:
            self.model(page)
            return
        self.table(columns, [row(item) for item in page.items], empty=empty)
        self.more(page)

    def more(self, page: Page[Any]) -> None:
        """Say how to see what comes after a page."""
        if page.next is not None:
            self.line(f"{len(page.items)} shown, there are more: --after {page.next}", DIM)

    def items(
        self,
        items: Sequence[BaseModel],
        columns: Sequence[Column],
        row: Callable[[Any], Sequence[Cell | str]],
        *,
        empty: str,
    ) -> None:
        """Print a list that has no pages, in the shape of one that has."""
        if self.as_json:
            self.json({"items": [item.model_dump(mode="json") for item in items], "next": None})
        else:
            self.table(columns, [row(item) for item in items], empty=empty)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]], *, empty: str) -> None:
        """Print a table, or the sentence that says it is empty."""
        if not rows:
            self.line(empty)
            return
        lines = render(columns, rows, width=self._width, ascii_only=self._ascii, colour=self._colour)
        for number, line in enumerate(lines):
            text = paint(line, STRONG) if self._colour and number == 0 else line
            self._stdout.write(text + "\n")

    def heading(self, title: str) -> None:
        """Print the title of a part."""
        self.line()
        self.line(title, STRONG)

    def facts(self, facts: Facts) -> None:
        """Print names and values, one a line, the values aligned; empty ones are left out."""
        shown = [(name, value if isinstance(value, Cell) else Cell(value)) for name, value in facts]
        shown = [(name, value) for name, value in shown if value.text]
        width = max((cells(name) for name, _ in shown), default=0)
        for name, value in shown:
            label = self._painted(pad(name, width), DIM)
            self._stdout.write(f"{label}  {self._painted(value.text, value.tone)}".rstrip() + "\n")

    def time(self, moment: datetime | None) -> str:
        """Return a moment with its zone."""
        return format_time(moment, self.zone)

    def short_time(self, moment: datetime | None) -> str:
        """Return a moment for a column whose title names the zone; another zone is told."""
        if moment is None:
            return "–"
        here = zone_name(self.now(), self.zone) == zone_name(moment, self.zone)
        return format_time(moment, self.zone, with_zone=not here)

    def titled(self, title: str) -> str:
        """Return a column's title with the zone of its times."""
        return f"{title} ({zone_name(self.now(), self.zone)})"

    def ago(self, moment: datetime | None) -> str:
        """Return how long ago a moment was."""
        return format_ago(moment, self.now())

    def safe(self, text: str) -> str:
        """Return text as it may stand in a question."""
        return clean(text, ascii_only=self._ascii)

    def flush(self) -> None:
        """Let everything be seen, so that a closed pipe is noticed here and not at exit."""
        self._stdout.flush()

    def _painted(self, text: str, tone: str) -> str:
        line = clean(text, ascii_only=self._ascii)
        return paint(line, tone) if self._colour else line
