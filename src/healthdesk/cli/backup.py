"""`healthdesk backup`: the whole desk as one file, while it works."""

from __future__ import annotations

import argparse
import gzip
import sys
from pathlib import Path
from typing import IO

from healthdesk.cli.command import Command, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.whole_file import refuse_there, whole_file
from healthdesk.domain.backup_format import Reader

STDOUT = Path("-")
SAY_EVERY = 16 * 1_048_576
"""Bytes."""
KEY_NOTE = "The key file is not in it: without a copy of that, kept elsewhere, its secrets cannot be read."


def _backup_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="where to write it, or - for standard output")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")


async def backup(desk: Desk, args: argparse.Namespace) -> None:
    """Write a backup while the desk works, and read it back before it is called one."""
    if args.file == STDOUT:
        if desk.out.as_json:
            raise UsageError("--json says what was written to a file", "name a file")
        if sys.stdout.isatty():
            raise UsageError("a backup is no text for a terminal", "name a file, or redirect it")
        async for part in desk.client.backup():
            sys.stdout.buffer.write(part)
        return
    refuse_there(args.file, overwrite=args.overwrite)
    with whole_file(args.file) as file:
        await _take(desk, file)
        file.flush()
        with gzip.open(file.name) as lines:
            rows = Reader(lines, "what the daemon sent").verify()
    size = args.file.stat().st_size
    records, total = rows.get("records", 0), sum(rows.values())
    if desk.out.as_json:
        desk.out.json({"file": str(args.file), "bytes": size, "rows": total, "records": records})
        return
    desk.out.line(
        f"{args.file}: {records:,} records, {total:,} rows in all, {size:,} bytes; read back whole."
    )
    desk.out.note(KEY_NOTE)


async def _take(desk: Desk, file: IO[bytes]) -> None:
    """Write the parts as they come, and say now and then how much there is: a large desk takes minutes."""
    written = said = 0
    async for part in desk.client.backup():
        written += file.write(part)
        if written - said >= SAY_EVERY:
            said = written
            desk.out.note(f"{written / 1_048_576:,.0f} MiB so far")


BACKUP = (
    Command("", "write the whole desk to a file while it works", run=backup, arguments=_backup_arguments),
)
