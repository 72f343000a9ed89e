"""The log's filter on the command line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.desk import Desk
from healthdesk.domain.states import RecordState

if TYPE_CHECKING:
    from healthdesk.api.records import RecordFilter


def filter_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the log's filter; every one narrows."""
    group = parser.add_argument_group("filter", "every part narrows")
    group.add_argument("--integration", metavar="INTEGRATION", help="id or name")
    group.add_argument("--environment", choices=("production", "testing"))
    group.add_argument("--source", metavar="KEY", help="key of the source")
    group.add_argument(
        "--state",
        action="append",
        choices=options.words(RecordState),
        metavar="STATE",
        help=f"repeatable: {', '.join(options.words(RecordState))}",
    )
    group.add_argument("--problem", metavar="ID", help="only what this problem holds up")
    options.time_range(parser)


async def record_filter(desk: Desk, args: argparse.Namespace) -> RecordFilter:
    """Return the filter that the arguments name; only what was given is set."""
    from healthdesk.api.records import RecordFilter

    fields: dict[str, Any] = {
        "environment": args.environment,
        "source": args.source,
        "states": args.state,
        "problem_id": args.problem,
        "arrived_from": options.when(desk, args.arrived_from, "--from"),
        "arrived_to": options.when(desk, args.arrived_to, "--to"),
    }
    if args.integration is not None:
        fields["integration_id"] = await desk.integration_id(args.integration)
    return RecordFilter(**{key: value for key, value in fields.items() if value is not None})


def describe(desk: Desk, args: argparse.Namespace, chosen: RecordFilter) -> str:
    """Return the filter in words, for a confirmation."""
    parts = [
        f"integration {args.integration}" if args.integration else "every integration",
        chosen.environment.value if chosen.environment else "both environments",
        f"source {chosen.source}" if chosen.source else "",
        f"state {' or '.join(chosen.states)}" if chosen.states else "",
        f"problem {chosen.problem_id}" if chosen.problem_id else "",
        f"arrived from {desk.out.time(chosen.arrived_from)}" if chosen.arrived_from else "",
        f"arrived before {desk.out.time(chosen.arrived_to)}" if chosen.arrived_to else "",
    ]
    return ", ".join(part for part in parts if part)
