"""For authors of connectors: check a folder, begin one, test it. None of it needs a daemon."""

from __future__ import annotations

import argparse
from pathlib import Path

from healthdesk.cli.command import DONE, FAILED, Command
from healthdesk.cli.marks import BAD, GOOD, WARN
from healthdesk.cli.output import Output


def _lint_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="the folder of an app")


def lint(args: argparse.Namespace, out: Output) -> int:
    """Print what is wrong with connector folders; an error is exit code 1, a warning alone is not."""
    from healthdesk.host.connectors.check import check_folders

    report = check_folders(args.folders)
    if out.as_json:
        out.json(report.as_json())
        return DONE if report.ok else FAILED
    for finding in report.findings:
        mark, tone = ("✗ error", BAD) if finding.level == "error" else ("⚠ warn ", WARN)
        out.line(f"{mark} {finding}", tone)
        if finding.fix:
            out.line(f"    fix: {finding.fix}")
    if not report.findings:
        out.line(
            "✓ nothing is wrong with it" if report.folders == 1 else "✓ nothing is wrong with them", GOOD
        )
    return DONE if report.ok else FAILED


COMMANDS = (
    Command(
        "lint",
        "check the folder of an app, each finding with file, line and fix",
        local=lint,
        arguments=_lint_arguments,
    ),
)
