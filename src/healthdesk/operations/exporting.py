"""The log as a file: what a filter matches as CSV or JSON lines, read and sent in pieces."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from healthdesk.api import EXACT_TOTAL_LIMIT, MAX_PAGE
from healthdesk.api.common import Count
from healthdesk.api.filters import ExportChoice, ExportFormat
from healthdesk.api.records import Direction, Record, RecordFilter
from healthdesk.domain.activity import Verb
from healthdesk.domain.proof_export import plain_cell
from healthdesk.operations.desk import Desk
from healthdesk.operations.paging import everything
from healthdesk.operations.records import known_query
from healthdesk.store import exporting as queries
from healthdesk.store import records as record_queries
from healthdesk.store import sources as source_queries
from healthdesk.store.rows import RecordQuery

COLUMNS = (
    "id",
    "webhook_id",
    "integration_id",
    "integration_name",
    "environment",
    "source",
    "source_name",
    "level",
    "completed_at",
    "arrived_at",
    "state",
    "hold_reason",
    "tries",
    "attempts_total",
    "first_attempt_at",
    "last_attempt_at",
    "next_attempt_at",
    "last_status",
    "last_duration_ms",
    "error_kind",
    "error",
    "problem_id",
    "sample",
    "fix_id",
)
"""Members of a line, and columns of a table; with bodies `data` comes after them."""

MEDIA: dict[ExportFormat, str] = {"csv": "text/csv", "jsonl": "application/jsonl"}

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file that is made while it is sent. `total` says how many records there were when it began."""

    name: str
    content_type: str
    total: Count
    parts: AsyncIterator[bytes]


async def export(desk: Desk, chosen: RecordFilter, direction: Direction, how: ExportChoice) -> LogFile:
    """Return what the filter matches as a file; that it was taken, and whether with values, is in the activity log.

    Of bodies it has the fields that their source declares not sensitive; with `reveal` all that was posted.
    """
    desk.require("records.export")
    if how.reveal:
        desk.require("records.reveal")
    query = await known_query(desk, chosen)
    total = await desk.read(record_queries.count, query, EXACT_TOTAL_LIMIT)
    parts = sorted(set(chosen.model_dump(exclude_defaults=True)))
    detail = {
        "format": how.format,
        "filter": parts,
        "bodies": how.bodies,
        "revealed": how.bodies and how.reveal,
    }
    await desk.write(lambda conn: desk.note(conn, Verb.EXPORTED, "record", "", "", detail), ("record", ""))
    lines = _lines(desk, query, how, newest_first=direction == "newest")
    write = _as_csv if how.format == "csv" else _as_jsonl
    columns = (*COLUMNS, "data") if how.bodies else COLUMNS
    return LogFile(
        f"records.{how.format}",
        MEDIA[how.format],
        Count(total=total.total, exact=total.exact),
        write(columns, lines),
    )


async def _lines(
    desk: Desk, query: RecordQuery, how: ExportChoice, *, newest_first: bool
) -> AsyncIterator[list[Line]]:
    """Yield what matches, a page at a time: what changes meanwhile is as it is when its page is read.

    In the order of arrival, which alone nothing changes: what is tried meanwhile is neither left out nor there twice.
    """
    clear = {
        source.key: frozenset(field["name"] for field in source.fields if not field.get("sensitive", True))
        for source in (await everything(desk, source_queries.page) if how.bodies else [])
    }
    after: str | None = None
    while True:
        page = await desk.read(
            record_queries.page,
            query,
            order="arrived",
            after=after,
            limit=MAX_PAGE,
            newest_first=newest_first,
        )
        data = await desk.read(queries.data_of, [row.id for row in page.items]) if how.bodies else {}
        lines = []
        for row in page.items:
            shown = Record.model_validate(row, from_attributes=True).model_dump(mode="json")
            line = {name: shown[name] for name in COLUMNS}
            if how.bodies:
                line["data"] = _told(
                    data.get(row.id), None if how.reveal else clear.get(row.source, frozenset())
                )
            lines.append(line)
        yield lines
        after = page.next
        if after is None:
            return


def _told(raw: bytes | None, clear: frozenset[str] | None) -> Any:
    """Return the fields that may be told; all of them where `clear` is None, None once retention removed the body."""
    if raw is None:
        return None
    data = json.loads(raw)
    if clear is None:
        return data
    return {name: value for name, value in data.items() if name in clear} if isinstance(data, dict) else {}


async def _as_jsonl(_columns: Iterable[str], pages: AsyncIterator[list[Line]]) -> AsyncIterator[bytes]:
    """Yield JSON lines, an object each."""
    async for lines in pages:
        if lines:
            yield "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines).encode()


async def _as_csv(columns: tuple[str, ...], pages: AsyncIterator[list[Line]]) -> AsyncIterator[bytes]:
    """Yield a table (RFC 4180, UTF-8) whose cells no spreadsheet takes for formulas; `data` is JSON in one cell."""
    yield _table([list(columns)])
    async for lines in pages:
        if lines:
            yield _table([[_cell(line[name]) for name in columns] for line in lines])


def _table(rows: list[list[str]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()


_CELLS: dict[type, Callable[[Any], str]] = {str: plain_cell, bool: lambda value: "yes" if value else "no"}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return plain_cell(json.dumps(value, ensure_ascii=False))
    return _CELLS.get(type(value), str)(value)
