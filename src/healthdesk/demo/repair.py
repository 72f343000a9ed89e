"""`healthdesk demo repair`: mends endpoints and apps of a demo that runs in another terminal."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import aiohttp

from healthdesk.demo.running import WorldLink, find_demo

DONE = """\
The CRM takes every record again; the partner, Jira and Slack take their tokens again, and GitLab answers.
Now, in the TUI: check the connections that failed (c) and resend what failed (S in the Log).
"""
BROKEN = "The CRM misbehaves again; Jira and Slack revoke their tokens, GitLab is down, the export does not ping.\n"


def control(what: str, directory: Path | None) -> int:
    """`repair` or `break` the endpoints of the demo in `directory`, or of the newest one that runs."""
    found = find_demo(directory)
    if found is None:
        sys.stderr.write(
            "healthdesk demo: no demo runs here\nfix: start one with `healthdesk demo`, or name its --dir\n"
        )
        return 1
    try:
        asyncio.run(_ask(found.world, what))
    except (aiohttp.ClientError, TimeoutError) as error:
        sys.stderr.write(f"healthdesk demo: the demo's world does not answer: {error}\n")
        return 1
    print(f"The demo in {found.folder}:")
    print(DONE if what == "repair" else BROKEN, end="")
    for other in found.others:
        print(f"Another one runs, untouched: healthdesk demo {what} --dir {other}")
    return 0


async def _ask(world: str, what: str) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
        await WorldLink(world, http).control(what)
