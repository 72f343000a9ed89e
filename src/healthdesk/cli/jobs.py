"""`healthdesk jobs`: what is done to many records."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import options
from healthdesk.cli.command import FAILED, Command
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column
from healthdesk.domain.job_states import JobItemState, JobKind, JobState
from healthdesk.errors import DaemonUnreachable

if TYPE_CHECKING:
    from healthdesk.api.jobs import Job, JobItem

LOOK_S = 1.0
"""How often a job that is waited for is looked at."""

MOST_MISSED = 60
"""Looks in a row that no daemon answers before the wait is given up."""

AT_WORK = (JobState.PREPARING, JobState.RUNNING)
NOT_THROUGH = (JobItemState.FAILED, JobItemState.UNKNOWN, JobItemState.RETRYING)
_COLUMNS = (
    Column("Job"),
    Column("State"),
    Column("Stage"),
    Column("Done", right=True),
    Column("Failed", right=True),
    Column("What", flex=True),
    Column("By", spare=1),
    Column("Begun", spare=2),
)


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="JOB", help="id")


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state",
        action="append",
        choices=options.words(JobState),
        metavar="STATE",
        help=f"repeatable: {', '.join(options.words(JobState))}",
    )
    options.paging(parser)


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print jobs, the newest first."""
    states = [JobState(each) for each in args.state or ()]
    page = await desk.collect(
        lambda after, limit: desk.client.jobs_list(states=states, after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )

    def row(job: Job) -> list[Cell | str]:
        return [
            job.id,
            job.state.value,
            job.stage.value,
            f"{job.finished:,}/{job.total:,}",
            f"{failed(job):,}",
            job.title,
            job.created_by,
            desk.out.short_time(job.created_at),
        ]

    desk.out.page(page, _COLUMNS, row, empty="No jobs yet. `healthdesk records resend-all` begins one.")


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--records", action="store_true", help="list what became of each record")
    parser.add_argument(
        "--state",
        action="append",
        choices=options.words(JobItemState),
        metavar="STATE",
        help=f"with --records, repeatable: {', '.join(options.words(JobItemState))}",
    )
    options.paging(parser)


async def show(desk: Desk, args: argparse.Namespace) -> None:
    """Print a job, or what became of its records."""
    if args.records or args.state:
        await _records(desk, args)
        return
    print_job(desk, await desk.client.job(args.job))


async def _records(desk: Desk, args: argparse.Namespace) -> None:
    states = [JobItemState(each) for each in args.state or ()]
    page = await desk.collect(
        lambda after, limit: desk.client.job_records(args.job, states=states, after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    columns = (
        Column("Record"),
        Column("Source", spare=2),
        Column("Level", spare=1),
        Column("State"),
        Column("Status", right=True),
        Column("Detail", flex=True),
        Column("When", spare=1),
    )

    def row(item: JobItem) -> list[Cell | str]:
        return [
            item.record_id,
            item.source or "–",
            item.level or "–",
            item.state.value,
            str(item.status or "–"),
            item.detail,
            desk.out.short_time(item.finished_at),
        ]

    desk.out.page(page, columns, row, empty="No records of this job are in these states.")


def print_job(desk: Desk, job: Job) -> None:
    """Print one job."""
    out = desk.out
    if out.as_json:
        out.model(job)
        return
    out.line(out.titled(f"{job.title}  {job.id}"))
    counts = ", ".join(f"{number:,} {state.value}" for state, number in job.counts.items() if number)
    facts = {
        "state": f"{job.state.value}{f': {job.reason}' if job.reason else ''}",
        "waits": job.waiting,
        "stage": job.stage.value,
        "records": f"{job.finished:,} of {job.total:,} done",
        "of them": counts,
        "rate": f"{job.rate_per_s:g}/s" if job.rate_per_s else "",
        "begun": f"{out.time(job.created_at)} by {job.created_by}",
        "changed by": job.changed_by,
        "ended": out.time(job.finished_at) if job.finished_at else "",
    }
    out.facts([(name, value) for name, value in facts.items() if value])


async def pause(desk: Desk, args: argparse.Namespace) -> None:
    """Send no further records of a job until it is resumed."""
    job = await desk.client.job_pause(args.job)
    desk.out.done(job, f"Paused {job.id}. Records under way go on and are counted.")


async def resume(desk: Desk, args: argparse.Namespace) -> None:
    """Go on with a job that was paused or stopped."""
    job = await desk.client.job_resume(args.job)
    desk.out.done(job, f"Resumed {job.id}.")


def _cancel_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    options.yes(parser)


async def cancel(desk: Desk, args: argparse.Namespace) -> int | None:
    """End a job after a confirmation; what was not sent stays as it is."""
    desk.ask.require_yes(args.yes)
    if not args.yes:
        job = await desk.client.job(args.job)
        left = job.counts.get(JobItemState.PENDING, 0)
        if not desk.ask.confirm(desk.out.safe(f"Cancel {job.title}? {left:,} are not sent yet.")):
            desk.out.note("Nothing was changed.")
            return FAILED
    job = await desk.client.job_cancel(args.job)
    desk.out.done(job, f"Cancelled {job.id}. What was not sent stays as it is.")
    return None


def failed(job: Job) -> int:
    """Return how many records of a job did not get through."""
    return sum(job.counts.get(state, 0) for state in NOT_THROUGH)


def others(job: Job) -> str:
    """Return `2 failed, 1 retrying`; nothing where all got through."""
    counts = {state: job.counts.get(state, 0) for state in NOT_THROUGH}
    return ", ".join(f"{count:,} {state.value}" for state, count in counts.items() if count)


def ended_words(job: Job) -> str:
    """Return what became of a job that was waited for, and why it stopped."""
    reason = f" {job.reason.rstrip('.')}." if job.reason else ""
    return f"{job.id} {job.state.value}: {_so_far(job)}.{reason}"


def _so_far(job: Job) -> str:
    """Return `87 of 131, 2 failed, 1 retrying`."""
    return f"{job.finished:,} of {job.total:,}, {others(job) or '0 failed'}"


async def wait_for(desk: Desk, job: Job) -> Job:
    """Return a job once nothing of it is under way any more, saying how far it is.

    A daemon that goes away meanwhile is waited for: the job goes on when it is back.
    """
    said, missed = "", 0
    while job.state in AT_WORK or job.counts.get(JobItemState.SENT, 0):
        stage = "" if job.kind is JobKind.SAMPLE else f" {job.stage.value}"
        waits = f"; waits: {job.waiting}" if job.waits else ""
        now = f"{job.id}{stage}: {_so_far(job)}{waits}"
        if now != said:
            desk.out.note(now)
        said = now
        await desk.clock.sleep(LOOK_S)
        try:
            job, missed = await desk.client.job(job.id), 0
        except DaemonUnreachable as error:
            missed += 1
            if missed == 1:
                desk.out.note(f"{error.what}; {job.id} goes on once it is back")
            if missed == MOST_MISSED:
                fix = f"{job.id} goes on once it is back: `healthdesk jobs show {job.id}`"
                raise DaemonUnreachable(error.what, tried=error.tried, fix=fix) from error
    return job


COMMANDS = (
    Command("list", "list jobs, newest first", list_, arguments=_list_arguments),
    Command("show", "show one, or what became of its records", show, arguments=_show_arguments),
    Command("pause", "send no further records of one", pause, arguments=_one),
    Command("resume", "go on with one that was paused or stopped", resume, arguments=_one),
    Command("cancel", "end one; what was not sent stays as it is", cancel, arguments=_cancel_arguments),
)
