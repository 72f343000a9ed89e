"""`healthdesk records resend` and `resend-all`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import options
from healthdesk.cli.command import FAILED, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.tables import Column
from healthdesk.cli.where import describe, filter_arguments, record_filter
from healthdesk.domain.states import RecordState
from healthdesk.errors import ApiRefused

if TYPE_CHECKING:
    from healthdesk.api.records import RecordFilter, ResendPlan

CONFLICT = 409
MOST_PLANS = 5


def resend_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `resend`."""
    parser.add_argument("records", metavar="RECORD", nargs="+", help="ids")
    parser.add_argument(
        "--new-webhook-id",
        action="store_true",
        help="send with a new webhook-id, so that the endpoint does not drop a delivered one as seen",
    )


async def resend(desk: Desk, args: argparse.Namespace) -> int | None:
    """Resend records by id; one that was not resent is exit code 1."""
    ids: list[str] = list(dict.fromkeys(args.records))
    if len(ids) == 1:
        new_id = args.new_webhook_id or await _wants_new_id(desk, ids[0])
        answer = await desk.client.record_resend(ids[0], new_webhook_id=new_id)
    else:
        answer = await desk.client.records_resend(ids, new_webhook_id=args.new_webhook_id)
    desk.out.done(answer, f"Resent {_count(answer.resent)}.")
    for record_id, reason in answer.skipped.items():
        desk.out.note(f"skipped {record_id}: {reason}")
    return FAILED if answer.skipped or answer.resent < len(ids) else None


async def _wants_new_id(desk: Desk, record_id: str) -> bool:
    """Ask whether a delivered record goes out under a new id; without a person it keeps the one it has."""
    if not desk.ask.interactive:
        return False
    if (await desk.client.record(record_id)).state is not RecordState.DELIVERED:
        return False
    return desk.ask.confirm(
        "It was delivered, and the endpoint may drop its webhook-id as seen. Send it with a new one?"
    )


def resend_all_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `resend-all`."""
    filter_arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the plan and change nothing")
    options.yes(parser)


async def resend_all(desk: Desk, args: argparse.Namespace) -> int | None:
    """Resend what the filter matches, in one transaction, after the plan was confirmed.

    What arrives after the question is not in it. When what is in it changes, the new plan is asked for again.
    """
    if args.dry_run and args.yes:
        raise UsageError("--dry-run contradicts --yes")
    if not args.dry_run:
        desk.ask.require_yes(args.yes)
    chosen = await record_filter(desk, args)
    words = describe(desk, args, chosen)
    if args.dry_run:
        plan = await desk.client.records_resend_plan(chosen)
        if desk.out.as_json:
            desk.out.model(plan)
        else:
            _print_plan(desk, plan, words)
        return None
    if chosen.arrived_to is None:
        chosen = chosen.model_copy(update={"arrived_to": desk.clock.now()})
    for _ in range(MOST_PLANS - 1):
        try:
            return await _resend_planned(desk, args, chosen, words)
        except ApiRefused as error:
            if error.status != CONFLICT:
                raise
            desk.out.note("What the filter matches has changed meanwhile. This is the new plan.")
    return await _resend_planned(desk, args, chosen, words)


async def _resend_planned(
    desk: Desk, args: argparse.Namespace, chosen: RecordFilter, words: str
) -> int | None:
    plan = await desk.client.records_resend_plan(chosen)
    if not desk.out.as_json:
        _print_plan(desk, plan, words)
        desk.out.flush()
    if plan.total and not args.yes:
        question = f"Resend {_count(plan.total)} ({words})?"
        if not desk.ask.confirm(desk.out.safe(question)):
            desk.out.note("Nothing was changed.")
            return FAILED
    # Zero is asked for too, so that programs get the same answer whatever the count.
    answer = await desk.client.records_resend_all(chosen, expect=plan.total)
    desk.out.done(answer, f"Resent {_count(answer.resent)}." if plan.total else "There is nothing to resend.")
    return None


def _count(number: int) -> str:
    return f"{number:,} record{'' if number == 1 else 's'}"


def _print_plan(desk: Desk, plan: ResendPlan, words: str) -> None:
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
