"""`healthdesk demo`: a world, a desk between it and you, and the story of an ordinary bad day."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from healthdesk.demo.children import DemoFailed
from healthdesk.demo.desk import demo_folder
from healthdesk.demo.headless import play, say
from healthdesk.demo.patience import PatientClient
from healthdesk.demo.running import RunningDemo, running_demo
from healthdesk.errors import HealthdeskError
from healthdesk.tui.terminal import ascii_here

DEFAULT_FOR_S = 20.0
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

WELCOME = """\
A desk of its own runs in {folder}.
Its CRM misbehaves: records fail with 422 and 500, and the partner's token
expires. Of its apps Slack, GitLab and Jira break within a minute or two, and a
nightly export does not ping any more. In the TUI: 1 Connections and 2 Problems
say what broke, 3 Log shows the records, enter opens one, its Response tab says
why.

To repair all of it, in another terminal:  {command} demo repair
Then check the connections that failed (c), and resend: s one record, S all.
q ends the demo and everything it started.
"""


def run(headless: bool, for_s: float | None, directory: Path | None) -> int:  # noqa: FBT001 - the command's words
    """Show the demo; return the exit code: 0 when it ended well, 1 when it did not, 130 when interrupted."""
    try:
        with demo_folder(directory) as folder:
            story = _headless(folder, for_s or DEFAULT_FOR_S) if headless else _on_screen(folder, for_s)
            return asyncio.run(_until_told(story))
    except (DemoFailed, HealthdeskError) as error:
        fix = getattr(error, "fix", "")
        sys.stderr.write(f"healthdesk demo: {error}\n" + (f"fix: {fix}\n" if fix else ""))
        return 1
    except asyncio.CancelledError:
        return 130


async def _until_told(story: Coroutine[Any, Any, int]) -> int:
    """Run the story; a signal cancels it, so that everything it started ends first."""
    task = asyncio.create_task(story)
    loop = asyncio.get_running_loop()
    for number in ENDINGS:
        with contextlib.suppress(ValueError):  # only the main thread may
            loop.add_signal_handler(number, task.cancel)
    return await task


async def _headless(folder: Path, for_s: float) -> int:
    say(f"starting a desk and its world in {folder}")
    async with running_demo(folder, rate_per_s=10, callback_every_s=0.4, living=False) as demo:
        say("records and callbacks come in; the CRM misbehaves")
        async with PatientClient(demo.socket, say) as client:
            report = await play(replace(demo, client=client), for_s)
    for what in report.wrong:
        say(f"wrong: {what}")
    print(json.dumps(report.as_json()), flush=True)
    return 0 if report.ok else 1


async def _on_screen(folder: Path, for_s: float | None) -> int:
    async with running_demo(folder, rate_per_s=1, callback_every_s=4, living=True) as demo:
        print(WELCOME.format(folder=folder, command=command()), flush=True)
        return await _screen(demo, for_s)


def command() -> str:
    """Return what another terminal in this folder calls: after `make demo` nothing is on its path yet."""
    called = Path(sys.argv[0])
    elsewhere = shutil.which(called.name) is None and called.name == "healthdesk"
    return str(called) if elsewhere else "healthdesk"


async def _screen(demo: RunningDemo, for_s: float | None) -> int:
    """Open the TUI in this terminal, until it is left or `for_s` is over."""
    # In the C locale Python sets LC_CTYPE for its children, who then take the terminal for one with UTF-8.
    environ = {**os.environ, "HEALTHDESK_ASCII": "1" if ascii_here() else "0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "healthdesk", "--socket", str(demo.socket), env=environ
    )
    try:
        async with asyncio.timeout(for_s):
            return await process.wait()
    except TimeoutError:
        return 0
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await asyncio.shield(process.wait())
