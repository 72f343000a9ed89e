"""`healthdesk restore`: a backup back into a desk that is new. It runs on the daemon's host, and the daemon does not."""

from __future__ import annotations

import argparse
import os
from datetime import datetime
from pathlib import Path

from healthdesk.cli.command import DONE, Command, UsageError
from healthdesk.cli.output import Output


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="a backup")
    parser.add_argument("--config", type=Path, metavar="PATH", help="the desk's config.toml")


def restore(args: argparse.Namespace, out: Output) -> int:
    """Put a backup into this host's desk, which is stopped and whose database is new."""
    from healthdesk.host.restore import restore_here

    if not args.file.is_file():
        raise UsageError(f"there is no file {args.file}", "give a file that `healthdesk backup` wrote")
    restored = restore_here(args.config, args.file, os.environ)
    records, total = restored.rows.get("records", 0), sum(restored.rows.values())
    key_opens = restored.key.status != "fail"
    if out.as_json:
        out.json(
            {
                "made_at": restored.head.made_at,
                "rows": total,
                "records": records,
                "balanced": restored.balanced,
                "key_opens": key_opens,
            }
        )
        return DONE
    made_at = out.time(datetime.fromisoformat(restored.head.made_at))
    out.line(f"{records:,} records, {total:,} rows in all, as of {made_at}, into {restored.database}.")
    out.line(
        "The ledger balances."
        if restored.balanced
        else "The ledger does not balance: `healthdesk records ledger`."
    )
    if key_opens:
        out.line("Start the daemon: `healthdesk daemon`.")
    else:
        out.note(f"{restored.key.sentence}. Before the daemon starts: {restored.key.fix}")
    return DONE


RESTORE = (Command("", "put a backup into a desk that is new", local=restore, arguments=_arguments),)
