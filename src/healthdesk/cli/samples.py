"""`healthdesk sample send`: sample data, one submission for each level of each source."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import options
from healthdesk.cli.command import FAILED, Command
from healthdesk.cli.desk import Desk
from healthdesk.cli.jobs import failed, others, wait_for
from healthdesk.cli.tables import Column
from healthdesk.domain.job_states import JobItemState
from healthdesk.domain.states import Environment
from healthdesk.domain.units import counted

if TYPE_CHECKING:
    from healthdesk.api.jobs import Job
    from healthdesk.api.samples import SamplePlan

SAMPLE = "sample"


def _arguments(parser: argparse.ArgumentParser) -> None:
    options.integration(parser)
    parser.add_argument(
        "--source", action="append", default=[], metavar="SOURCE", help="its key, repeatable (all sources)"
    )
    options.environment(parser)
    parser.add_argument("--dry-run", action="store_true", help="print what would be sent, and send nothing")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for what becomes of them")
    options.yes(parser)


async def send(desk: Desk, args: argparse.Namespace) -> int | None:
    """Send samples after the plan was confirmed, and follow them; one that is not delivered is exit code 1."""
    from healthdesk.api.samples import SampleSend

    environment = Environment(args.environment or Environment.TESTING)
    if not args.dry_run:
        desk.ask.require_yes(args.yes or environment is Environment.TESTING)
    integration = await desk.client.integration(await desk.integration_id(args.integration))
    choice = SampleSend(integration_id=integration.id, environment=environment, sources=args.source)
    plan = await desk.client.sample_plan(choice)
    if args.dry_run and desk.out.as_json:
        desk.out.model(plan)
        return None
    if not desk.out.as_json:
        _print(desk, plan)
        desk.out.flush()
    if args.dry_run:
        return None
    if not plan.total:
        desk.out.error("there is nothing to send", _nothing(plan))
        return FAILED
    if environment is Environment.PRODUCTION and not args.yes:
        question = f"Send {counted(plan.total, SAMPLE)} to PRODUCTION of {integration.name}, {plan.endpoint}?"
        if not desk.ask.confirm(desk.out.safe(question)):
            desk.out.note("Nothing was sent.")
            return FAILED
    confirmed = choice.model_copy(update={"confirm": integration.name})
    job = await desk.client.sample_send(confirmed)
    if args.no_wait:
        began = f"Began {job.id}: {counted(job.total, SAMPLE)}. `healthdesk jobs show {job.id}` says how far it is."
        desk.out.done(job, began)
        return None
    job = await wait_for(desk, job)
    desk.out.done(job, _ended(job))
    return FAILED if failed(job) else None


def _ended(job: Job) -> str:
    """Return how many samples were delivered, and where to look for those that were not."""
    delivered = job.counts.get(JobItemState.DELIVERED, 0)
    said = f"{delivered:,} of {counted(job.total, SAMPLE)} delivered"
    if not failed(job):
        return f"{said}. {job.id}"
    return f"{said}, {others(job)}. `healthdesk jobs show {job.id} --records` says what became of each."


def _nothing(plan: SamplePlan) -> str:
    """Return what to do where every source is skipped."""
    if not plan.sources:
        return "`healthdesk sources add` adds a source"
    why = "; ".join(f"{each.source}: {each.skipped}" for each in plan.sources)
    return f"{why}. `healthdesk sources enable` and `healthdesk integrations resume` change that"


def _print(desk: Desk, plan: SamplePlan) -> None:
    columns = (
        Column("Source"),
        Column("Name", flex=True, spare=1),
        Column("Levels", flex=True),
        Column("Samples", right=True),
        Column("Skipped", flex=True, below=True),
    )
    rows = [
        [each.source, each.name, ", ".join(each.levels) or "–", f"{each.records:,}", each.skipped]
        for each in plan.sources
    ]
    out = desk.out
    out.paragraph(
        f"{counted(plan.total, SAMPLE)} to {plan.integration_name} · {plan.environment.shown}, {plan.endpoint}",
        hang="  ",
    )
    out.table(columns, list(rows), empty="No sources yet. `healthdesk sources add` adds one.")
    out.paragraph(plan.warning)


COMMANDS = (Command("send", "send sample data to an environment", run=send, arguments=_arguments),)
