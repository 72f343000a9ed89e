"""`healthdesk records resend` and `resend-all`."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.command import FAILED, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.jobs import ended_words, failed, wait_for
from healthdesk.cli.tables import Column
from healthdesk.cli.where import describe, filter_arguments, record_filter
from healthdesk.domain.durations import format_span
from healthdesk.domain.job_states import JobState
from healthdesk.errors import ApiRefused

if TYPE_CHECKING:
    from healthdesk.api.jobs import JobPlan
    from healthdesk.api.records import RecordFilter

CONFLICT = 409
MOST_PLANS = 5


def resend_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `resend`."""
    parser.add_argument("records", metavar="RECORD", nargs="+", help="ids")
    again_arguments(parser)


def again_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is said of records that an endpoint took, or may have taken, before."""
    parser.add_argument(
        "--new-webhook-id",
        action="store_true",
        help="send with a new webhook-id, so that the endpoint does not drop a delivered one as seen",
    )
    parser.add_argument(
        "--delivered-too", action="store_true", help="send again what was delivered already, too"
    )
    parser.add_argument(
        "--asked-too",
        action="store_true",
        help="send again, too, what the endpoint is still being asked for, whether it has it",
    )


async def resend(desk: Desk, args: argparse.Namespace) -> int | None:
    """Resend records by id; one that was not resent is exit code 1."""
    ids: list[str] = list(dict.fromkeys(args.records))
    how = await how_again(desk, args, ids, ask=True)
    if how is None:
        desk.out.note("Nothing was changed.")
        return FAILED
    if len(ids) == 1:
        answer = await desk.client.record_resend(ids[0], **how)
    else:
        answer = await desk.client.records_resend(ids, **how)
    desk.out.done(answer, f"Resent {_count(answer.resent)}.")
    for record_id, reason in answer.skipped.items():
        desk.out.note(f"skipped {record_id}: {reason}")
    return FAILED if answer.skipped or answer.resent < len(ids) else None


async def how_again(
    desk: Desk, args: argparse.Namespace, ids: list[str], *, ask: bool
) -> dict[str, Any] | None:
    """Return how records are sent again, None for not at all.

    A person is asked about those that their endpoint took or is being asked for; else the daemon leaves out what the
    arguments do not name.
    """
    how: dict[str, Any] = {
        "new_webhook_id": args.new_webhook_id,
        "delivered_too": args.delivered_too,
        "asked_too": args.asked_too,
    }
    if not (ask and desk.ask.interactive):
        return how
    plan = await desk.client.records_resend(ids, delivered_too=True, asked_too=True, dry_run=True)
    one = len(ids) == 1
    if plan.delivered and not how["delivered_too"]:
        what = "It was delivered" if one else f"{_count(plan.delivered)} of them were delivered"
        how["delivered_too"] = desk.ask.confirm(f"{what} already. Send {'it' if one else 'them'} again?")
        if one and not how["delivered_too"]:
            return None
    if plan.delivered and how["delivered_too"] and not how["new_webhook_id"]:
        how["new_webhook_id"] = desk.ask.confirm(
            "The endpoint may drop a webhook-id that it has seen. Send with a new one?"
        )
    if plan.asked and not how["asked_too"]:
        what = "whether it has it" if one else f"whether it has {plan.asked:,} of them"
        how["asked_too"] = desk.ask.confirm(
            f"The endpoint is still being asked {what}. Send {'it' if one else 'them'} before it has answered?"
        )
        if one and not how["asked_too"]:
            return None
    return how


def resend_all_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `resend-all`."""
    filter_arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the plan and change nothing")
    parser.add_argument("--rate", type=rate, metavar="N", help="at most N records a second")
    parser.add_argument(
        "--not-careful",
        action="store_true",
        help="all at once: neither one and five first, nor a stop where the same failure comes back",
    )
    parser.add_argument(
        "--wait", action="store_true", help="wait until the job has ended, saying how far it is"
    )
    options.yes(parser)


def rate(text: str) -> float:
    """Return a number of records a second, as an argument says it."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of records a second above 0")
    return value


async def resend_all(desk: Desk, args: argparse.Namespace) -> int | None:
    """Begin a job over what the filter matches, after its plan was confirmed.

    What arrives after the question is not in it. When what is in it changes, the new plan is asked for again, unless it is
    but a few more of what was confirmed.
    """
    if args.dry_run and args.yes:
        raise UsageError("--dry-run contradicts --yes")
    if not args.dry_run:
        desk.ask.require_yes(args.yes)
    chosen = await record_filter(desk, args)
    words = await describe(desk, args, chosen)
    if args.dry_run:
        plan = await _plan(desk, args, chosen)
        if desk.out.as_json:
            desk.out.model(plan)
        else:
            print_plan(desk, plan, words, careful=not args.not_careful)
        return None
    if chosen.arrived_to is None:
        chosen = chosen.model_copy(update={"arrived_to": desk.clock.now()})
    confirmed: JobPlan | None = None
    for tries_left in reversed(range(MOST_PLANS)):
        plan = await _plan(desk, args, chosen)
        if confirmed is None or plan.goes_beyond(confirmed):
            if confirmed is not None:
                desk.out.note("What the filter matches has changed meanwhile. This is the new plan.")
            if not _agreed(desk, args, plan, words):
                desk.out.note("Nothing was changed.")
                return FAILED
            confirmed = plan
        try:
            return await _resend_planned(desk, args, chosen, plan)
        except ApiRefused as error:
            if error.status != CONFLICT or not tries_left:
                raise
    raise AssertionError("the last try answers or raises")


def _agreed(desk: Desk, args: argparse.Namespace, plan: JobPlan, words: str) -> bool:
    """Print the plan; return whether it is agreed to."""
    if not desk.out.as_json:
        print_plan(desk, plan, words, careful=not args.not_careful)
        desk.out.flush()
    if not plan.total or args.yes:
        return True
    return desk.ask.confirm(desk.out.safe(f"Resend {_count(plan.total)} ({words})?"))


async def _resend_planned(
    desk: Desk, args: argparse.Namespace, chosen: RecordFilter, plan: JobPlan
) -> int | None:
    # Zero is asked for too, so that programs get the same answer whatever the count.
    job = await desk.client.job_create(
        chosen, expect=plan.total, rate_per_s=args.rate, careful=not args.not_careful
    )
    if args.wait:
        job = await wait_for(desk, job)
        desk.out.done(job, ended_words(job))
        return FAILED if job.state is not JobState.DONE or failed(job) else None
    began = f"Began {job.id}: {_count(plan.total)}. `healthdesk jobs show {job.id}` says how far it is."
    desk.out.done(job, began if plan.total else "There is nothing to resend.")
    return None


async def _plan(desk: Desk, args: argparse.Namespace, chosen: RecordFilter) -> JobPlan:
    return await desk.client.job_plan(chosen, rate_per_s=args.rate, careful=not args.not_careful)


def _count(number: int) -> str:
    return f"{number:,} record{'' if number == 1 else 's'}"


def print_plan(desk: Desk, plan: JobPlan, words: str, *, careful: bool) -> None:
    """Print what a job will do, before it is confirmed."""
    out = desk.out
    out.line(f"Resend {_count(plan.total)}: {words}")
    out.line(f"Arrived {out.time(plan.oldest)} – {out.time(plan.newest)}" if plan.oldest else "")
    columns = (
        Column("Records", right=True),
        Column("Status", right=True),
        Column("Error", flex=True),
        Column("Problem", spare=1),
    )
    rows = [
        [
            f"{group.count:,}",
            str(group.status or "–"),
            group.error or group.error_kind or "–",
            f"{group.problem_id} {group.problem_state}" if group.problem_id else "",
        ]
        for group in plan.groups
    ]
    out.table(columns, rows, empty="Nothing that it matches can be resent.")
    out.line(
        f"Skipped: {plan.skipped_delivered:,} already delivered, {plan.skipped_other:,} in other states."
    )
    if plan.sources:
        out.line("Sources: " + ", ".join(f"{number:,} {key}" for key, number in plan.sources.items()))
    if plan.seconds is not None and plan.rate_per_s is not None:
        out.line(f"At {plan.rate_per_s:g} a second: about {_span(plan.seconds)}.")
    if careful and plan.total > 1:
        out.line("First 1, then 5, then the rest. It stops by itself if the same failure comes back.")


def _span(seconds: float) -> str:
    """Return how long it takes at least, in whole minutes from two on."""
    unit = 1 if seconds < 120 else 60
    return format_span(math.ceil(seconds / unit) * unit)
