"""The log as a file: what the filter matches, written as it comes, with progress."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from healthdesk.api.common import Count
from healthdesk.api.filters import ExportChoice
from healthdesk.api.records import RecordFilter
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.exporting import absolute, may_write, written
from healthdesk.tui.format import line
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.words import plural

if TYPE_CHECKING:
    from healthdesk.tui.screens.log_acts import LogActs

FORMATS = (("csv", "CSV"), ("jsonl", "JSON lines"))
BODIES = (
    ("", "no"),
    ("masked", "with values masked"),
    ("clear", "in clear; it is noted in the activity log"),
)
EVERY_S = 0.25
"""How often progress is told at most."""


class _Stopped(Exception):
    """The operator stopped an export."""


@dataclass
class Exported(Message):
    """How far an export is; `total` is None once it ended."""

    path: Path
    records: int
    total: Count | None


async def ask_export(screen: LogActs, described: str) -> tuple[ExportChoice, Path, bool] | None:
    """Ask for format, what of it, and file; the last part says that a file is overwritten."""
    begin = f"records-{screen.view().now.date().isoformat()}"
    form = partial(
        Form,
        "Export the log",
        [
            Field("format", "Format", "csv", options=FORMATS),
            Field("bodies", "Bodies", "", options=BODIES),
            Field(
                "path",
                "File",
                hint=f"{begin}.csv",
                help=lambda values: (
                    f"On the host this screen runs on. Empty: {Path.cwd() / _named(values, begin)}",
                ),
            ),
        ],
        intro=[line(f"All that the filter matches: {described}")],
        button="Export",
        doing="Looking…",
    )

    async def send(values: Values) -> tuple[ExportChoice, Path, bool]:
        path = absolute(values["path"].strip() or _named(values, begin))
        overwrite = await may_write(screen, path)
        kind = "jsonl" if values["format"] == "jsonl" else "csv"
        bodies = values["bodies"]
        how = ExportChoice.model_validate(
            {"format": kind, "bodies": bool(bodies), "reveal": bodies == "clear"}
        )
        return how, path, overwrite

    return await ask_until_taken(screen, form, send)


def _named(values: Values, begin: str) -> str:
    return f"{begin}.{values.get('format', 'csv')}"


async def export_log(screen: LogActs, chosen: RecordFilter, described: str) -> str:
    """Write what the filter matches to a file; what is stopped or breaks off leaves no file."""
    asked = await ask_export(screen, described)
    if asked is None:
        return ""
    how, path, overwrite = asked
    records = 0
    try:
        with written(path, overwrite=overwrite) as file:
            async with screen.client.records_export(chosen, how) as log:
                told_at = screen.desk.clock.monotonic()
                screen.post_message(Exported(path, 0, log.total))
                header, end = (1, b"\r\n") if how.format == "csv" else (0, b"\n")
                before = b""
                async for piece in log.parts:
                    file.write(piece)
                    # A body may have line feeds of its own; the end of a row may come in two pieces.
                    records += (before + piece).count(end)
                    before = piece[-1:] if piece[-1:] == end[:-1] else b""
                    if screen.stop_export:
                        raise _Stopped
                    if screen.desk.clock.monotonic() - told_at >= EVERY_S:
                        told_at = screen.desk.clock.monotonic()
                        screen.post_message(Exported(path, max(0, records - header), log.total))
        return f"Exported {plural(max(0, records - header), 'record')} to {path}."
    except _Stopped:
        return f"Stopped: nothing was written to {path}."
    finally:
        screen.post_message(Exported(path, records, None))
