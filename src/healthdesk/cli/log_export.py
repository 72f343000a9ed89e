"""`healthdesk records export`: what a filter matches, as a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import IO, TYPE_CHECKING

from healthdesk.cli.command import UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.where import filter_arguments, record_filter
from healthdesk.cli.whole_file import refuse_there, whole_file

if TYPE_CHECKING:
    from healthdesk.api.common import Count
    from healthdesk.client.filters import LogFile

SAY_EVERY = 10_000
"""Records between two lines that say how far it is."""


def export_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `export`."""
    filter_arguments(parser)
    parser.add_argument("--format", choices=("csv", "jsonl"), default="csv", help="csv")
    parser.add_argument("--output", required=True, metavar="FILE", help="where to; an existing file is kept")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    parser.add_argument("--oldest", action="store_true", help="oldest first")
    parser.add_argument(
        "--bodies", action="store_true", help="with the fields that their source declares not sensitive"
    )
    parser.add_argument(
        "--reveal", action="store_true", help="with --bodies: every field; the activity log says so"
    )


async def export(desk: Desk, args: argparse.Namespace) -> None:
    """Write what the filter matches to a file, and say how far it is."""
    from healthdesk.api.filters import ExportChoice

    if args.reveal and not args.bodies:
        raise UsageError("--reveal goes with --bodies")
    path = Path(args.output)
    refuse_there(path, overwrite=args.overwrite)
    chosen = await record_filter(desk, args)
    how = ExportChoice(format=args.format, bodies=args.bodies, reveal=args.reveal)
    end = b"\r\n" if args.format == "csv" else b"\n"
    with whole_file(path) as part:
        async with desk.client.records_export(
            chosen, how, direction="oldest" if args.oldest else "newest"
        ) as file:
            written = await _take(desk, file, part, end=end)
            total = file.total
    many = "record" if total.exact and total.total == 1 else "records"
    desk.out.done(total, f"Wrote {written:,} bytes of {_words(total)} {many} to {path}.")


async def _take(desk: Desk, file: LogFile, part: IO[bytes], *, end: bytes) -> int:
    """Write the pieces as they come; return how many bytes there were."""
    written = records = said = 0
    async for piece in file.parts:
        written += part.write(piece)
        records += piece.count(end)
        if records - said >= SAY_EVERY:
            said = records
            desk.out.note(f"{records:,} of {_words(file.total, records)} records")
    return written


def _words(total: Count, seen: int = 0) -> str:
    return f"{total.total:,}" if total.exact else f"{max(total.total, seen):,}+"
