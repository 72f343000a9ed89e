"""`healthdesk records`: one record, adding one, and the other verbs of the log."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Never

from healthdesk.cli import options
from healthdesk.cli.command import Command, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.fix import fix, fix_arguments
from healthdesk.cli.ledger import ledger, ledger_arguments
from healthdesk.cli.log_export import export, export_arguments
from healthdesk.cli.log_list import list_, list_arguments
from healthdesk.cli.look_up import look_up, look_up_arguments
from healthdesk.cli.record_view import print_attempt, print_attempts, print_record, print_timeline
from healthdesk.cli.resend import resend, resend_all, resend_all_arguments, resend_arguments
from healthdesk.cli.times import WHEN_HELP
from healthdesk.domain.states import Environment

if TYPE_CHECKING:
    from healthdesk.api.records import AttemptDetail, RecordDetail


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", metavar="RECORD", help="id")
    parser.add_argument(
        "--reveal", action="store_true", help="show values in clear (managers; the activity log says so)"
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--attempts", action="store_true", help="list every attempt")
    group.add_argument(
        "--attempt", metavar="N", help="show one attempt, by number or id, with headers and bodies"
    )
    group.add_argument(
        "--timeline", action="store_true", help="attempts, fixes, lookups, receipts and waits in one order"
    )
    parser.add_argument(
        "--curl", action="store_true", help="print the last attempt's request, or that of --attempt, for curl"
    )
    options.paging(parser)


async def show(desk: Desk, args: argparse.Namespace) -> None:
    """Print one record: why it is as it is, bodies, attempts."""
    if args.reveal and args.attempts:
        raise UsageError("--reveal shows the record, or one attempt with --attempt: leave out --attempts")
    if args.curl and (args.attempts or args.timeline):
        raise UsageError("--curl prints one request: leave out --attempts and --timeline")
    if args.attempts:
        page = await desk.collect(
            lambda after, limit: desk.client.record_attempts(args.record, after=after, limit=limit),
            limit=args.limit,
            after=args.after,
        )
        print_attempts(desk.out, page)
    elif args.attempt:
        attempt_id = await _attempt_id(desk, args.record, args.attempt)
        ask = desk.client.record_attempt_reveal if args.reveal else desk.client.record_attempt
        attempt = await ask(args.record, attempt_id)
        if args.curl:
            _print_curl(desk, attempt, attempt.curl)
        else:
            print_attempt(desk.out, attempt)
    else:
        item = await (desk.client.record_reveal if args.reveal else desk.client.record)(args.record)
        if args.curl:
            _print_curl(desk, item, item.curl or "Nothing was sent of it yet.")
        elif args.timeline:
            print_timeline(desk.out, item)
        else:
            print_record(desk.out, item)


def _print_curl(desk: Desk, answer: RecordDetail | AttemptDetail, command: str) -> None:
    """Print a command of several lines as it is pasted: a backslash that ends a line has to end it here, too."""
    if desk.out.as_json:
        desk.out.model(answer)
    else:
        desk.out.block(command, indent="")


async def _attempt_id(desk: Desk, record_id: str, given: str) -> str:
    """Return the id of an attempt that is named by its number or by its id."""
    if not given.isdecimal():
        return given
    after: str | None = None
    while True:
        page = await desk.client.record_attempts(record_id, after=after, limit=500)
        for each in page.items:
            if each.number == int(given):
                return each.id
        after = page.next
        if after is None:
            raise UsageError(f"{record_id} has no attempt {given}", "`--attempts` lists them")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--integration", required=True, metavar="INTEGRATION", help="id or name")
    options.environment(parser, default=Environment.PRODUCTION.value, what="which environment (production)")
    parser.add_argument("--source", required=True, metavar="KEY", help="key of the source")
    parser.add_argument("--level", help="level of the submission")
    parser.add_argument(
        "--completed-at", default="now", metavar="WHEN", help=f"when it was completed (now): {WHEN_HELP}"
    )
    parser.add_argument(
        "--data-file", type=Path, default=Path("-"), metavar="PATH", help="its data, JSON (standard input)"
    )
    parser.add_argument("--idempotency-key", metavar="KEY", help="the same key adds it only once")


async def add(desk: Desk, args: argparse.Namespace) -> None:
    """Add a record; its data goes out byte for byte as it was given."""
    from healthdesk.api.records import OperatorRecordCreate

    raw = desk.ask.read_path(args.data_file, "the data")
    check_json(raw)
    new = OperatorRecordCreate(
        integration_id=await desk.integration_id(args.integration),
        environment=args.environment,
        source=args.source,
        completed_at=options.moment(desk, args.completed_at, "--completed-at"),
        data=None,
        **{
            key: value
            for key, value in (("level", args.level), ("idempotency_key", args.idempotency_key))
            if value is not None
        },
    )
    accepted = await desk.client.record_create(new, data_json=raw)
    again = " (the same key was used before: nothing was added)" if accepted.duplicate else ""
    desk.out.done(accepted, f"Accepted {accepted.id}{again}.")


def check_json(raw: bytes) -> None:
    """Refuse what is not one JSON value, so that it can stand in the request as it is."""
    try:
        json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            "the data is not JSON", "give one JSON value, UTF-8, on standard input or --data-file"
        ) from error


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


COMMANDS = (
    Command("list", "list records, newest first", run=list_, arguments=list_arguments),
    Command("show", "show a record, its attempts or one of them", run=show, arguments=_show_arguments),
    Command("add", "add a record by hand", run=add, arguments=_add_arguments),
    Command("look-up", "ask the endpoint whether it has a record", run=look_up, arguments=look_up_arguments),
    Command(
        "fix",
        "change what is sent of a record, or of all of a problem, and resend",
        run=fix,
        arguments=fix_arguments,
    ),
    Command("resend", "resend records by id", run=resend, arguments=resend_arguments),
    Command(
        "resend-all",
        "resend every record a filter matches, after a plan and a confirmation",
        run=resend_all,
        arguments=resend_all_arguments,
    ),
    Command(
        "export",
        "write what a filter matches to a file, CSV or JSON lines",
        run=export,
        arguments=export_arguments,
    ),
    Command("ledger", "totals by state, and whether they balance", run=ledger, arguments=ledger_arguments),
)
