"""What runs on the daemon's host: init, daemon, demo, doctor."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from healthdesk.cli import options
from healthdesk.cli.command import DONE, FAILED, Command, UsageError
from healthdesk.cli.marks import BAD, GOOD, WARN, Cell
from healthdesk.cli.output import Output
from healthdesk.cli.screen import lacks_terminal

if TYPE_CHECKING:
    from healthdesk.host.check import Check


def _init_arguments(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--dir", type=Path, metavar="DIR", help="keep everything of this desk in one folder")
    _config_argument(where)
    parser.add_argument("--listen", default="", metavar="HOST:PORT", help="public address (127.0.0.1:8085)")
    parser.add_argument("--public-url", default="", metavar="URL", help="how others reach it")
    parser.add_argument(
        "--database-url",
        default="",
        metavar="URL",
        help="SQLite in the data directory, or a postgresql:// URL",
    )
    parser.add_argument("--group", default="", help="the group that may open the operator socket")
    parser.add_argument(
        "--allow-private-network",
        action="append",
        default=[],
        metavar="NETWORK",
        help="a private network that may be called, such as 10.0.0.0/8, repeatable",
    )
    parser.add_argument(
        "--new-key",
        action="store_true",
        help="replace a lost key file though the database holds secrets, which then must be entered again",
    )


def init(args: argparse.Namespace, out: Output) -> int:
    """Set up a desk on this host; what is there is kept."""
    if urlsplit(args.database_url).password:
        raise UsageError(
            "there is a password in --database-url; secrets are never arguments",
            "leave it out and give it in ~/.pgpass, or write the URL into config.toml",
        )
    from healthdesk.host.init import InitChoices, init_desk

    choices = InitChoices(
        directory=args.dir,
        config=args.config,
        listen=args.listen,
        public_url=args.public_url,
        database_url=args.database_url,
        group=args.group,
        allow_private_networks=tuple(args.allow_private_network),
        new_key=args.new_key,
    )
    report = init_desk(choices, os.environ)
    if out.as_json:
        out.json(report.as_json())
        return DONE
    for path in report.created:
        out.line(f"made  {path}", GOOD)
    for path in report.kept:
        out.line(f"kept  {path}")
    out.facts([("Socket", str(report.socket)), ("Administrator", report.administrator)])
    out.heading("Next")
    for step in report.next_steps:
        out.line(f"  {step}")
    return DONE


def _config_argument(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--config", type=Path, metavar="PATH", help="the desk's config.toml")


def _config_arguments(parser: argparse.ArgumentParser) -> None:
    _config_argument(parser)


def daemon(args: argparse.Namespace, out: Output) -> int:  # noqa: ARG001 - every command is given both
    """Run the daemon until it is told to stop."""
    from healthdesk.daemon.main import run

    return run(args.config)


def doctor(args: argparse.Namespace, out: Output) -> int:
    """Check this host; a finding that stops the desk is exit code 1."""
    import asyncio

    from healthdesk.host.doctor import examine

    report = asyncio.run(examine(args.config, os.environ))
    if out.as_json:
        out.json(report.as_json())
        return DONE if report.ok else FAILED
    for check in report.checks:
        mark = _mark(check)
        out.line(f"{mark.text} {check.name}: {check.sentence}", mark.tone)
        if check.fix:
            out.line(f"    fix: {check.fix}")
    return DONE if report.ok else FAILED


def _mark(check: Check) -> Cell:
    return {"ok": Cell("✓ ok  ", GOOD), "warn": Cell("⚠ warn", WARN)}.get(check.status, Cell("✗ fail", BAD))


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "act",
        nargs="?",
        choices=("repair", "break"),
        metavar="repair|break",
        help="mend the endpoints of the demo that runs in another terminal, or have them misbehave again",
    )
    parser.add_argument(
        "--headless",
        action="store_true",
        help="no screen: print one JSON object last (so without a terminal)",
    )
    parser.add_argument(
        "--for", dest="for_s", type=options.duration, metavar="DURATION", help="stop after this long"
    )
    parser.add_argument("--dir", type=Path, metavar="DIR", help="keep the demo's desk in this folder")


def demo(args: argparse.Namespace, out: Output) -> int:  # noqa: ARG001 - every command is given both
    """Show a living desk."""
    if args.for_s == 0:
        raise UsageError("--for 0 shows nothing")
    if args.act is not None:
        if args.headless or args.for_s is not None:
            raise UsageError(f"`demo {args.act}` takes no --headless and no --for")
        from healthdesk.demo.repair import control

        return control(args.act, args.dir)
    from healthdesk.demo.runner import run

    lacking = "" if args.headless else lacks_terminal()
    if lacking:
        told = sys.stderr if os.isatty(2) or not os.isatty(1) else sys.stdout
        print(f"demo: no screen without a terminal on {lacking}; running headless", file=told, flush=True)
    return run(args.headless or bool(lacking), None if args.for_s is None else float(args.for_s), args.dir)


INIT = (
    Command("", "set up a desk on this host; what is there is kept", local=init, arguments=_init_arguments),
)
DAEMON = (Command("", "run the daemon until it is told to stop", local=daemon, arguments=_config_arguments),)
DOCTOR = (
    Command("", "check this host, each finding with its fix", local=doctor, arguments=_config_arguments),
)
DEMO = (Command("", "show a living desk with a world of its own", local=demo, arguments=_demo_arguments),)
