"""The log's filter on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.desk import Desk
from healthdesk.domain.states import ErrorKind, HoldReason, RecordState
from healthdesk.errors import ClientError

if TYPE_CHECKING:
    from healthdesk.api.filters import SavedFilter
    from healthdesk.api.records import RecordFilter


_DATES = {
    "completed": ("completed", "the submission was completed"),
    "first_attempt": ("first-attempt", "it was first tried"),
    "last_attempt": ("last-attempt", "it was last tried"),
}
_LISTS = ("levels", "statuses", "error_kinds", "hold_reasons")


def filter_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the log's filter; every one narrows."""
    group = parser.add_argument_group(
        "filter", "every part narrows; what is given replaces that part of --filter"
    )
    group.add_argument("--filter", metavar="FILTER", help="a saved filter, by name or id")
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
    group.add_argument("--level", action="append", dest="levels", metavar="LEVEL", help="repeatable")
    group.add_argument(
        "--status",
        action="append",
        dest="statuses",
        type=options.whole(100, 999),
        metavar="N",
        help="HTTP status of the last attempt, repeatable",
    )
    group.add_argument(
        "--error-kind",
        action="append",
        dest="error_kinds",
        choices=options.words(ErrorKind),
        metavar="KIND",
        help=f"repeatable: {', '.join(options.words(ErrorKind))}",
    )
    group.add_argument(
        "--hold-reason",
        action="append",
        dest="hold_reasons",
        choices=options.words(HoldReason),
        metavar="REASON",
        help=f"repeatable: {', '.join(options.words(HoldReason))}",
    )
    group.add_argument("--problem", metavar="ID", help="only what this problem holds up")
    group.add_argument("--job", metavar="ID", help="only records of this job")
    samples = group.add_mutually_exclusive_group()
    samples.add_argument("--sample", action="store_true", default=None, help="only samples")
    samples.add_argument("--real", action="store_false", dest="sample", default=None, help="no samples")
    group.add_argument("--text", help="words of the error, or the beginning of an id or webhook-id: rec_…")
    group.add_argument(
        "--lookup",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="exact value of a lookup field, repeatable",
    )
    options.time_range(parser)
    for date, (name, what) in _DATES.items():
        group.add_argument(f"--{name}-from", dest=f"{date}_from", metavar="WHEN", help=f"{what} from then")
        group.add_argument(f"--{name}-to", dest=f"{date}_to", metavar="WHEN", help=f"{what} before then")


async def record_filter(desk: Desk, args: argparse.Namespace) -> RecordFilter:
    """Return the filter that the arguments name, on top of the saved one; only what was given is set."""
    from healthdesk.api.records import RecordFilter

    fields: dict[str, Any] = {
        "environment": args.environment,
        "source": args.source,
        "states": args.state,
        "problem_id": args.problem,
        "job_id": args.job,
        "sample": args.sample,
        "text": args.text,
        "lookup": options.pairs(args.lookup, "--lookup", "=") or None,
        "arrived_from": options.when(desk, args.arrived_from, "--from"),
        "arrived_to": options.when(desk, args.arrived_to, "--to"),
        **{name: getattr(args, name) for name in _LISTS},
    }
    for date, (name, _) in _DATES.items():
        for end in ("from", "to"):
            fields[f"{date}_{end}"] = options.when(desk, getattr(args, f"{date}_{end}"), f"--{name}-{end}")
    if args.integration is not None:
        fields["integration_id"] = await desk.integration_id(args.integration)
    saved: dict[str, Any] = {}
    if args.filter is not None:
        saved = (await saved_filter(desk, args.filter)).filter.model_dump(exclude_defaults=True)
    return RecordFilter(**saved | {key: value for key, value in fields.items() if value is not None})


async def saved_filter(desk: Desk, text: str) -> SavedFilter:
    """Return the saved filter with this id, or the operator's own or a shared one with this name."""
    page = await desk.collect(
        lambda after, limit: desk.client.filters_list(after=after, limit=limit), limit=10_000, after=None
    )
    same = [each for each in page.items if text in (each.id, each.name)]
    if not same:
        raise ClientError(f"there is no saved filter {text!r}", fix="see `healthdesk filters list`")
    if len(same) > 1:
        ids = ", ".join(f"{each.id} of {each.owner}" for each in same)
        raise ClientError(f"{len(same)} saved filters are named {text!r}: {ids}", fix="give the id")
    return same[0]


async def describe(desk: Desk, args: argparse.Namespace, chosen: RecordFilter) -> str:
    """Return the filter in words, for a confirmation."""
    where = "every integration"
    if chosen.integration_id:
        named = (
            [args.integration] if args.integration else await desk.integration_names([chosen.integration_id])
        )
        where = f"integration {named[0]}"
    environment = chosen.environment.shown if chosen.environment else "both environments"
    return ", ".join([where, environment, *parts(desk, chosen)])


def parts(desk: Desk, chosen: RecordFilter) -> list[str]:
    """Return what a filter says beside integration and environment, in words."""
    said = [
        f"source {chosen.source}" if chosen.source else "",
        _either("state", chosen.states),
        _either("level", chosen.levels),
        _either("status", [str(status) for status in chosen.statuses]),
        _either("error", chosen.error_kinds),
        _either("held for", chosen.hold_reasons),
        f"problem {chosen.problem_id}" if chosen.problem_id else "",
        f"job {chosen.job_id}" if chosen.job_id else "",
        "" if chosen.sample is None else "samples" if chosen.sample else "no samples",
        f"text {chosen.text!r}" if chosen.text else "",
        *(f"{field} as given" for field in chosen.lookup),
    ]
    for date, name in (("arrived", "arrived"), *((date, f"{name} at") for date, (name, _) in _DATES.items())):
        for end, word in (("from", "from"), ("to", "before")):
            at = getattr(chosen, f"{date}_{end}")
            said.append(
                f"{name.replace('completed at', 'completed')} {word} {desk.out.time(at)}" if at else ""
            )
    return [part for part in said if part]


def _either(name: str, values: Sequence[str]) -> str:
    return f"{name} {' or '.join(values)}" if values else ""
