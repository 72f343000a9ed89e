"""`healthdesk problems`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import marks, options
from healthdesk.cli.command import Command
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column
from healthdesk.cli.times import format_duration_ms
from healthdesk.domain.states import ProblemState
from healthdesk.domain.units import RECORD, counted, listed, noun, repaired

if TYPE_CHECKING:
    from healthdesk.api.connections import Heartbeat
    from healthdesk.api.instances import Run
    from healthdesk.api.problems import ProblemDetail, ProblemRow
    from healthdesk.api.records import Attempt

_DAY_S = 86400
MOST_INSTANCES = 20


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    states = options.words(ProblemState)
    parser.add_argument(
        "--state",
        action="append",
        choices=states,
        metavar="STATE",
        help=f"repeatable: {', '.join(states)} (open, acknowledged); forming: not told to anybody yet",
    )
    parser.add_argument("--integration", metavar="INTEGRATION", help="id or name")
    parser.add_argument("--connection", metavar="CONNECTION", help="id or name")
    options.paging(parser)


def _muted(desk: Desk, item: ProblemRow) -> bool:
    return item.muted_until is not None and item.muted_until > desk.clock.now()


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print problems; resolved ones only when asked for."""
    integration_id = await desk.integration_id(args.integration) if args.integration else None
    connection_id = await desk.connection_id(args.connection) if args.connection else None
    states = [ProblemState(word) for word in args.state or ("open", "acknowledged")]
    page = await desk.collect(
        lambda after, limit: desk.client.problems_list(
            states=states,
            integration_id=integration_id,
            connection_id=connection_id,
            after=after,
            limit=limit,
        ),
        limit=args.limit,
        after=args.after,
    )
    columns = (
        Column("Status"),
        Column("Since", right=True),
        Column("Id"),
        Column("Count", right=True),
        Column("Where", flex=True),
        Column("Cause", below=True),
        Column("Whose fault", below=True),
        Column("Taken by", below=True),
        Column("Next", below=True),
    )

    def row(item: ProblemRow) -> list[Cell | str]:
        return [
            marks.problem(item.state, muted=_muted(desk, item)),
            desk.out.ago(item.since),
            item.id,
            f"{item.count + item.held + sum(item.blocked.values()):,}",
            item.place,
            item.cause,
            item.blame,
            item.acknowledged_by,
            item.next_action,
        ]

    desk.out.page(page, columns, row, empty="No problems.")


def _holds_up(item: ProblemDetail) -> str:
    if item.unit != RECORD:
        return f"{counted(item.count, item.unit)} now, {item.total:,} in all"
    held = f", {item.held:,} held behind it" if item.held else ""
    records = (
        f"{item.count + item.held:,} now{held}, {item.retrying:,} of them retrying, {item.total:,} in all"
    )
    if not item.blocked:
        return records
    blocked = f"{listed(item.blocked)} blocked until it works again"
    return f"{records}; {blocked}" if item.total else blocked


def _show(desk: Desk, item: ProblemDetail) -> None:
    out = desk.out
    if out.as_json:
        out.model(item)
        return
    muted = f"until {out.time(item.muted_until)} by {item.muted_by}" if _muted(desk, item) else ""
    taken = f"{item.acknowledged_by}, {out.time(item.acknowledged_at)}" if item.acknowledged_by else ""
    resolved = f"{out.time(item.resolved_at)} {item.resolved_by}".strip() if item.resolved_at else ""
    out.facts(
        [
            ("Status", marks.problem(item.state, muted=_muted(desk, item))),
            ("Cause", item.cause),
            ("Where", item.where),
            ("Environment", item.environment.shown if item.environment else ""),
            ("Whose fault", item.blame),
            ("Next", item.next_action),
            ("Holds up", _holds_up(item)),
            ("Since", out.time(item.since)),
            ("Last", out.time(item.last_at)),
            ("Owner", item.owner),
            ("Taken by", taken),
            ("Muted", muted),
            ("Resolved", resolved),
            ("Id", item.id),
            ("Repaired", repaired(item.repaired)),
            ("A record of it", item.sample_record_id or ""),
            (f"A {noun(item.unit, 1)} of it", item.sample_instance_id or ""),
        ]
    )
    evidence = [
        *_attempt_row(desk, "Last good", item.last_good),
        *_check_row(desk, "Last good check", item.last_good_check),
        *_attempt_row(desk, "First bad", item.first_bad),
        *_check_row(desk, "First bad check", item.first_bad_check),
        *_run_row(desk, "Last good run", item.last_good_run),
        *_run_row(desk, "First bad run", item.first_bad_run),
    ]
    if evidence:
        out.heading("Evidence")
        columns = (Column(""), Column(out.titled("When")), Column("Status", right=True), Column("Took"))
        out.table((*columns, Column("Error", flex=True), Column("Id", spare=1)), evidence, empty="")
    if item.alerts:
        out.heading("Alerts")
        rows: list[list[Cell | str]] = [
            [
                marks.alert(sent.state),
                sent.event.value,
                sent.channel_name,
                out.time(sent.created_at),
                sent.error,
            ]
            for sent in item.alerts
        ]
        titles = (Column("Status"), Column("News"), Column("Channel", flex=True), Column("When"))
        out.table((*titles, Column("Error", flex=True)), rows, empty="")


def _attempt_row(desk: Desk, title: str, item: Attempt | None) -> list[list[Cell | str]]:
    if item is None:
        return []
    when, took = desk.out.short_time(item.started_at), format_duration_ms(item.duration_ms)
    return [[title, when, str(item.status or "–"), took, item.error, item.record_id]]


def _check_row(desk: Desk, title: str, item: Heartbeat | None) -> list[list[Cell | str]]:
    if item is None:
        return []
    when, took = desk.out.short_time(item.at), format_duration_ms(item.duration_ms)
    return [[title, when, str(item.status or "–"), took, item.sentence, item.connection_id]]


def _run_row(desk: Desk, title: str, item: Run | None) -> list[list[Cell | str]]:
    if item is None:
        return []
    when, took = desk.out.short_time(item.started_at), format_duration_ms(item.duration_ms)
    said = item.error or item.outcome_word
    return [[title, when, str(item.status or "–"), took, said, item.id]]


async def _print_instances(desk: Desk, item: ProblemDetail) -> None:
    """Print the tasks and proof syncs it holds up, as many as are looked at."""
    from healthdesk.api.instances import InstanceFilter

    if desk.out.as_json or not item.instances:
        return
    page = await desk.client.instances_list(InstanceFilter(problem_id=item.id), limit=MOST_INSTANCES)
    desk.out.heading("Holds up")
    rows: list[list[Cell | str]] = [
        [
            marks.instance(each.state, each.state_word, blocked=each.blocked),
            each.id,
            each.name,
            each.external_key or each.label_name,
            each.owner,
        ]
        for each in page.items
    ]
    columns = (Column("Status"), Column("Id"), Column("Name", flex=True), Column("Issue, label", flex=True))
    desk.out.table((*columns, Column("Owner", spare=1)), rows, empty="")
    if page.next is not None:
        desk.out.note(
            f"The first {len(page.items)}; `healthdesk instances list --problem {item.id}` has all."
        )


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problem", metavar="PROBLEM", help="id")


def _note(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--note", default="", help="why, for the activity log")


def _mute_arguments(parser: argparse.ArgumentParser) -> None:
    _note(parser)
    parser.add_argument(
        "--for",
        dest="for_s",
        type=options.duration,
        default=_DAY_S,
        metavar="DURATION",
        help="such as 4h or 7d, at most 30d (1d); 0 unmutes",
    )


async def show(desk: Desk, args: argparse.Namespace) -> None:
    """Print one problem with its evidence and who was told."""
    item = await desk.client.problem(args.problem)
    _show(desk, item)
    await _print_instances(desk, item)


async def ack(desk: Desk, args: argparse.Namespace) -> None:
    """Take a problem."""
    item = await desk.client.problem_ack(args.problem, note=args.note)
    desk.out.done(item, f"You took {item.id}: no more alerts but its recovery.")


async def mute(desk: Desk, args: argparse.Namespace) -> None:
    """Silence a problem for a while."""
    item = await desk.client.problem_mute(args.problem, for_s=args.for_s, note=args.note)
    said = (
        f"Muted {item.id} until {desk.out.time(item.muted_until)}." if args.for_s else f"Unmuted {item.id}."
    )
    desk.out.done(item, said)


async def resolve(desk: Desk, args: argparse.Namespace) -> None:
    """Close a problem by hand."""
    item = await desk.client.problem_resolve(args.problem, note=args.note)
    desk.out.done(item, f"Resolved {item.id}. A new failure with the same cause reopens it.")


COMMANDS = (
    Command("list", "list problems that are not resolved", run=list_, arguments=_list_arguments),
    Command("show", "show a problem, its evidence and who was told", run=show, arguments=_one),
    Command("ack", "take a problem: no more alerts but its recovery", run=ack, arguments=_note),
    Command("mute", "silence a problem for a while", run=mute, arguments=_mute_arguments),
    Command("resolve", "close a problem by hand", run=resolve, arguments=_note),
)
