"""`healthdesk key`."""

from __future__ import annotations

import argparse

from healthdesk.cli import marks, options
from healthdesk.cli.command import FAILED, Command
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell

_WORDS = {
    "staged": ("waits for the other daemons", marks.WARN),
    "promoted": ("encrypts here; the one before stays for the other daemons", marks.WARN),
    "done": ("encrypts every secret", marks.GOOD),
}


async def rotate(desk: Desk, args: argparse.Namespace) -> int | None:
    """Replace the key that encrypts secrets; exit 1 while other daemons lack it."""
    desk.ask.require_yes(args.yes)
    question = (
        "Replace the key that encrypts every secret? The desk goes on meanwhile. Backups from before need the key"
        " file from before: keep a copy with them."
    )
    if not args.yes and not desk.ask.confirm(question):
        desk.out.note("Nothing was changed.")
        return FAILED
    done = await desk.client.key_rotate()
    if desk.out.as_json:
        desk.out.model(done)
    else:
        word, tone = _WORDS[done.state]
        desk.out.facts(
            [
                ("New key", Cell(word, tone)),
                ("Secrets", f"{done.reencrypted} encrypted with it just now"),
                ("Key file", done.key_file),
                ("Lacking", ", ".join(done.lacking)),
                ("Next", done.next_step),
            ]
        )
    return None if done.state == "done" else FAILED


def _arguments(parser: argparse.ArgumentParser) -> None:
    options.yes(parser)


COMMANDS = (Command("rotate", "replace the key that encrypts secrets", run=rotate, arguments=_arguments),)
