"""`healthdesk backup`: the whole desk as one file, while it works."""

from __future__ import annotations

import argparse
import gzip
import sys
from pathlib import Path

from healthdesk.cli.command import Command, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.whole_file import refuse_there, whole_file
from healthdesk.domain.backup_format import Reader

STDOUT = Path("-")
KEY_NOTE = "The key file is not in it: without a copy of that, kept elsewhere, its secrets cannot be read."


def _backup_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="where to write it, or - for standard output")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")


async def backup(desk: Desk, args: argparse.Namespace) -> None:
    """Write a backup while the desk works, and read it back before it is called one."""
    if args.file == STDOUT:
        if desk.out.as_json:
            raise UsageError("--json says what was written to a file", "name a file")
        async for part in desk.client.backup():
            sys.stdout.buffer.write(part)
        return
    refuse_there(args.file, overwrite=args.overwrite)
    with whole_file(args.file) as file:
        async for part in desk.client.backup():
            file.write(part)
        file.flush()
        with gzip.open(file.name) as lines:
            rows = Reader(lines).verify()
    size = args.file.stat().st_size
    records, total = rows.get("records", 0), sum(rows.values())
    if desk.out.as_json:
        desk.out.json({"file": str(args.file), "bytes": size, "rows": total, "records": records})
        return
    desk.out.line(
        f"{args.file}: {records:,} records, {total:,} rows in all, {size:,} bytes; read back whole."
    )
    desk.out.note(KEY_NOTE)


BACKUP = (
    Command("", "write the whole desk to a file while it works", run=backup, arguments=_backup_arguments),
)
