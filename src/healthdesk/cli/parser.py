"""The argument parser. A noun's part of it is built when the noun is on the command line."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from healthdesk.cli.command import NOUNS, Command, Noun, UsageError

_SECRET_WORDS = ("token", "password", "secret", "key", "url")

EPILOG = """\
Without a command it opens the terminal UI.

exit codes: 0 done, 1 failed, 2 usage, 3 daemon not reachable, 4 not permitted
"""


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError, and that fills itself when it is first used."""

    noun: Noun | None = None
    _filled = False

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse, after adding the noun's commands."""
        self.fill()
        return super().parse_known_args(args, namespace)

    def fill(self) -> None:
        """Add the commands of the noun this parser is for."""
        if self.noun is None or self._filled:
            return
        self._filled = True
        commands = self.noun.commands()
        if commands[0].verb:
            _common(self, argparse.SUPPRESS)
            verbs = self.add_subparsers(metavar="verb", required=True, parser_class=Parser, title="verbs")
            for command in commands:
                child = verbs.add_parser(command.verb, help=command.summary, description=command.summary)
                _take(child, command)
        else:
            _take(self, commands[0])

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Name the nearest choice instead of listing them all twice."""
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        close = nearest(str(value), choices)
        name = action.metavar if isinstance(action.metavar, str) else "/".join(action.option_strings)
        fix = f"did you mean {close}?" if close else f"one of: {', '.join(choices)}"
        raise UsageError(f"{name or action.dest}: {value!r} is not known", fix)

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the arguments."""
        raise UsageError(message, f"see `{self.prog} --help`")


def _take(parser: Parser, command: Command) -> None:
    command.arguments(parser)
    _common(parser, argparse.SUPPRESS)
    parser.set_defaults(command=command, prog=parser.prog)


def _common(parser: argparse.ArgumentParser, default: object) -> None:
    group = parser.add_argument_group("everywhere")
    group.add_argument("--json", action="store_true", default=default or False, help="print JSON")
    group.add_argument(
        "--socket", type=Path, metavar="PATH", default=default, help="the daemon's operator socket"
    )


def build(version: str) -> Parser:
    """Return the parser of `healthdesk`."""
    parser = Parser(
        prog="healthdesk",
        description="A self-hosted desk for the health of integrations.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"healthdesk {version}")
    _common(parser, None)
    nouns = parser.add_subparsers(metavar="command", parser_class=Parser, title="commands")
    for noun in NOUNS:
        child = nouns.add_parser(noun.name, help=noun.summary, description=noun.summary)
        child.noun = noun
    parser.set_defaults(command=None, prog="healthdesk")
    return parser


def parse(argv: Sequence[str], version: str) -> argparse.Namespace:
    """Return the arguments, or raise UsageError. Values of unknown options are not repeated."""
    parser = build(version)
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        names = [word.partition("=")[0] for word in unknown if word.startswith("-")]
        if any(secret in name for name in names for secret in _SECRET_WORDS):
            raise UsageError(
                f"there is no option {names[0]}; secrets are never arguments",
                f"use a prompt, standard input or a file: see `{args.prog} --help`",
            )
        what = f"no such option: {' '.join(names)}" if names else f"too many arguments ({len(unknown)})"
        raise UsageError(what, f"see `{args.prog} --help`")
    return args


def nearest(word: str, choices: Sequence[str]) -> str:
    """Return the choice that `word` was probably meant to be, or nothing."""
    close = difflib.get_close_matches(word, choices, n=1)
    return close[0] if close else ""
