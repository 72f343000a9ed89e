"""`healthdesk`: parse, run, and turn every outcome into an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from healthdesk import __version__
from healthdesk.cli.ask import Asker
from healthdesk.cli.command import (
    DONE,
    FAILED,
    INTERRUPTED,
    NOT_PERMITTED,
    UNREACHABLE,
    USAGE,
    Command,
    UsageError,
)
from healthdesk.cli.output import Output
from healthdesk.cli.parser import parse
from healthdesk.cli.screen import lacks_terminal
from healthdesk.errors import ApiRefused, DaemonUnreachable, HealthdeskError, NotPermitted

if TYPE_CHECKING:
    import argparse

    from healthdesk.clock import Clock

_REFUSED = (401, 403)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    try:
        out = Output.of_terminal(os.environ)
        code = execute(sys.argv[1:] if argv is None else argv, out, Asker())
        out.flush()
    except BrokenPipeError:
        # The reader has what it wanted. Python flushes once more at exit: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def execute(words: Sequence[str], out: Output, ask: Asker, *, clock: Clock | None = None) -> int:
    """Do what the words say. Every expected error ends here, as a sentence and an exit code."""
    try:
        args = parse(words, __version__)
        out.as_json = args.json
        command: Command | None = args.command
        if command is None:
            return _terminal_ui(args)
        if command.local is not None:
            return command.local(args, out)
        return _remote(command, args, out, ask, clock)
    except UsageError as error:
        out.error(error.what, error.fix)
        return USAGE
    except HealthdeskError as error:
        out.error(error.what, error.fix, error.blame if isinstance(error, ApiRefused) else "")
        return exit_code(error)
    except PermissionError as error:
        out.error(f"{error.filename or 'the host'}: {error.strerror}", "run it as a user who may do this")
        return NOT_PERMITTED
    except SystemExit as stop:
        # --help and --version end here.
        return stop.code if isinstance(stop.code, int) else DONE


def exit_code(error: HealthdeskError) -> int:
    """Return the exit code for an error."""
    if isinstance(error, DaemonUnreachable):
        return UNREACHABLE
    if isinstance(error, NotPermitted) or (isinstance(error, ApiRefused) and error.status in _REFUSED):
        return NOT_PERMITTED
    return FAILED


def _terminal_ui(args: argparse.Namespace) -> int:
    lacking = lacks_terminal()
    if lacking:
        raise UsageError(
            f"the terminal UI needs a terminal on {lacking}",
            "give a command: `healthdesk status`, or `healthdesk --help`",
        )
    from healthdesk.tui.app import run

    return run(args.socket)


def _remote(command: Command, args: argparse.Namespace, out: Output, ask: Asker, clock: Clock | None) -> int:
    import asyncio

    from healthdesk.cli.remote import run_command

    return asyncio.run(run_command(command, args, out, ask, clock))
