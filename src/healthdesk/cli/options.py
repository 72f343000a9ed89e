"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from healthdesk.cli.command import UsageError
from healthdesk.cli.times import WHEN_HELP, parse_when
from healthdesk.domain.durations import parse_duration
from healthdesk.domain.states import Environment

if TYPE_CHECKING:
    from healthdesk.cli.desk import Desk

Number = Callable[[str], int]


def whole(least: int, most: int = 10**9) -> Number:
    """Return a parser of whole numbers within bounds."""

    def number(text: str) -> int:
        value = int(text) if text.isascii() and text.removeprefix("-").isdigit() else None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return value

    return number


def duration(text: str) -> int:
    """Parse a duration into seconds."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def words(kind: type[StrEnum]) -> list[str]:
    """Return the values of an enumeration, for `choices`."""
    return [member.value for member in kind]


def paging(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a list."""
    parser.add_argument("--limit", type=whole(1), default=50, metavar="N", help="at most N rows (50)")
    parser.add_argument("--after", metavar="CURSOR", help="continue after the `next` of an earlier answer")


def integration(parser: argparse.ArgumentParser) -> None:
    """Add the integration that a command is about, named by its id or name."""
    parser.add_argument("integration", metavar="INTEGRATION", help="id or name")


def environment(parser: argparse.ArgumentParser, *, default: str | None = None, what: str = "") -> None:
    """Add `--environment`."""
    parser.add_argument(
        "--environment", choices=words(Environment), default=default, help=what or "production or testing"
    )


def time_range(parser: argparse.ArgumentParser) -> None:
    """Add `--from` and `--to`, a range of arrival that includes its start and not its end."""
    parser.add_argument("--from", dest="arrived_from", metavar="WHEN", help=f"arrived from: {WHEN_HELP}")
    parser.add_argument("--to", dest="arrived_to", metavar="WHEN", help="arrived before: same forms")


def when(desk: Desk, text: str | None, option: str) -> datetime | None:
    """Return the moment an option names."""
    return None if text is None else moment(desk, text, option)


def yes(parser: argparse.ArgumentParser) -> None:
    """Add `--yes`."""
    parser.add_argument("--yes", action="store_true", help="do not ask")


def pairs(values: Sequence[str], option: str, separator: str = ":") -> dict[str, str]:
    """Return `Name: value` arguments as a mapping."""
    found = {}
    for value in values:
        name, found_separator, rest = value.partition(separator)
        if not found_separator or not name.strip():
            raise UsageError(f"{option} {value!r} is not NAME{separator}VALUE")
        found[name.strip()] = rest.strip()
    return found


def moment(desk: Desk, text: str, option: str) -> datetime:
    """Return the moment that an option with a value names."""
    try:
        return parse_when(text, desk.clock.now(), desk.out.zone)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error
