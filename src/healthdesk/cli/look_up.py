"""`healthdesk records look-up`: the endpoint is asked whether it has a record."""

from __future__ import annotations

import argparse

from healthdesk.cli import marks
from healthdesk.cli.command import FAILED
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell


def look_up_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `look-up`."""
    parser.add_argument("record", metavar="RECORD", help="id")


async def look_up(desk: Desk, args: argparse.Namespace) -> int | None:
    """Ask, and print what the endpoint says. FAILED unless it has the record."""
    answer = await desk.client.record_look_up(args.record)
    if desk.out.as_json:
        desk.out.model(answer)
    else:
        record = await desk.client.record(args.record)
        desk.out.facts([("Answer", Cell(answer.sentence)), ("Status", marks.record(record.state))])
    return None if answer.found else FAILED
