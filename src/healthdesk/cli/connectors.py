"""For authors of connectors: check a folder, begin one, test it. None of it needs a daemon."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from healthdesk.cli.ask import Asker, whole_text
from healthdesk.cli.command import DONE, FAILED, Command, UsageError
from healthdesk.cli.marks import BAD, DIM, GOOD, WARN
from healthdesk.cli.output import Output

if TYPE_CHECKING:
    from healthdesk.host.connectors.trying import CaseReport


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


def _new_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what people call the app")
    parser.add_argument(
        "--in",
        dest="parent",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="where the folder is made (here)",
    )


def new(args: argparse.Namespace, out: Output) -> int:
    """Begin the folder of an app."""
    from healthdesk.host.connectors.scaffold import begin

    made = begin(args.parent, args.name)
    if out.as_json:
        out.json({"made": [str(path) for path in made]})
        return DONE
    for path in made:
        out.line(f"made  {path}", GOOD)
    folder = made[0].parent
    out.heading("Next")
    out.line(f"  edit {made[0]}")
    out.line(f"  healthdesk connectors lint {folder}")
    out.line(f"  healthdesk connectors test {folder}")
    return DONE


def _test_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder of an app")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--update",
        action="store_true",
        help="write requests and outcomes into the fixtures as they are now; their answers stay",
    )
    what.add_argument("--record", action="store_true", help="make fixtures of what a live account answers")
    live = parser.add_argument_group("with --record")
    live.add_argument(
        "--from",
        dest="given",
        type=Path,
        metavar="PATH",
        help="a JSON or TOML file with auth, settings, credentials and inputs; - is standard input",
    )
    live.add_argument("--auth", default="", metavar="METHOD", help="how to authenticate (the first method)")
    live.add_argument(
        "--base-url", default="", metavar="URL", help="where the app lives, if not where it says"
    )
    live.add_argument(
        "--write", action="store_true", help="also create and change an issue in the account that is given"
    )
    live.add_argument(
        "--only", action="append", default=[], metavar="CASE", help="only this case, repeatable"
    )
    live.add_argument(
        "--case", default="", metavar="NAME", help="add NAME to the names: a wrong credential, an outage"
    )
    live.add_argument(
        "--redact", action="append", default=[], metavar="TEXT", help="take this out as well, repeatable"
    )
    live.add_argument(
        "--allow-private-network",
        action="append",
        default=[],
        metavar="NETWORK",
        help="a private network that may be called, repeatable",
    )


def test(args: argparse.Namespace, out: Output) -> int:
    """Run the fixtures of a folder, or record them; one that does not pass is exit code 1."""
    import asyncio

    from healthdesk.host.connectors.trying import run_folder

    if args.record:
        return _record(args, out)
    if args.given or args.write or args.only or args.case or args.redact or args.base_url or args.auth:
        raise UsageError("that belongs to --record", "give --record, or leave it out")
    return _print(asyncio.run(run_folder(args.folder, update=args.update)), [], args, out)


def _record(args: argparse.Namespace, out: Output) -> int:
    import asyncio

    from healthdesk.host.connectors.asking import options_of, prepare

    ask = Asker()
    raw = ask.read_path(args.given, "what is recorded with") if args.given else b""
    recording = prepare(args.folder, raw, auth=args.auth, base_url=args.base_url)
    for question in list(recording.questions()):
        if not ask.interactive:
            raise UsageError(
                f"{question.into}.{question.key} is missing and there is no terminal to ask on",
                "give --from PATH",
            )
        if question.multiline:
            raw = ask.read_path(Path(ask.line(f"File with {question.prompt}")), question.key)
            recording.answer(question, whole_text(raw, question.key))
        else:
            recording.answer(question, (ask.hidden if question.secret else ask.line)(question.prompt))
    options = options_of(
        write=args.write,
        case=args.case,
        only=args.only,
        words=args.redact,
        networks=args.allow_private_network,
    )
    reports, skipped = asyncio.run(recording.record(options))
    return _print(reports, skipped, args, out)


def _print(
    reports: Sequence[CaseReport], skipped: Sequence[str], args: argparse.Namespace, out: Output
) -> int:
    ok = bool(reports) and all(report.ok for report in reports)
    if out.as_json:
        fixtures = [report.as_json() for report in reports]
        out.json({"ok": ok, "fixtures": fixtures, "left_out": list(skipped)})
        return DONE if ok else FAILED
    for report in reports:
        mark, tone = ("✓", GOOD) if report.ok else ("✗", BAD)
        out.line(f"{mark} {report.name}: {report.summary}", tone)
        for wrong in report.wrong:
            out.line(f"    {wrong}")
    for reason in skipped:
        out.line(f"- {reason}", DIM)
    if args.record and reports:
        out.note("Read them before you publish them: names of projects and texts of issues are as they came.")
    if not reports:
        out.error(
            f"there is nothing to test in {args.folder}",
            "`healthdesk connectors test DIR --record` makes fixtures",
        )
    return DONE if ok else FAILED


COMMANDS = (
    Command(
        "lint",
        "check the folder of an app, each finding with file, line and fix",
        local=lint,
        arguments=_lint_arguments,
    ),
    Command("new", "begin the folder of an app, with a checklist", local=new, arguments=_new_arguments),
    Command(
        "test",
        "run the fixtures of a folder over loopback, or record them from a live account",
        local=test,
        arguments=_test_arguments,
    ),
)
