"""`healthdesk sample send`: sample data, one submission for each level of each source."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import options
from healthdesk.cli.command import FAILED, Command
from healthdesk.cli.desk import Desk
from healthdesk.cli.jobs import failed, wait_for
from healthdesk.cli.marks import DIM
from healthdesk.cli.tables import Column
from healthdesk.domain.job_states import JobItemState
from healthdesk.domain.states import Environment

if TYPE_CHECKING:
    from healthdesk.api.samples import SamplePlan


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
    if environment is Environment.PRODUCTION and not args.yes:
        question = f"Send {plan.total:,} samples to PRODUCTION of {integration.name}, {plan.endpoint}?"
        if not desk.ask.confirm(desk.out.safe(question)):
            desk.out.note("Nothing was sent.")
            return FAILED
    confirmed = choice.model_copy(update={"confirm": integration.name})
    job = await desk.client.sample_send(confirmed)
    if not args.no_wait:
        job = await wait_for(desk, job)
    delivered = job.counts.get(JobItemState.DELIVERED, 0)
    desk.out.done(job, f"{delivered:,} of {job.total:,} samples delivered. {job.id}")
    return FAILED if failed(job) else None


def _print(desk: Desk, plan: SamplePlan) -> None:
    columns = (
        Column("Source"),
        Column("Name", flex=True, spare=1),
        Column("Levels", flex=True),
        Column("Samples", right=True),
        Column("Skipped", flex=True),
    )
    rows = [
        [each.source, each.name, ", ".join(each.levels) or "–", f"{each.records:,}", each.skipped]
        for each in plan.sources
    ]
    out = desk.out
    out.line(f"{plan.total:,} samples to {plan.integration_name} · {plan.environment.shown}, {plan.endpoint}")
    out.table(columns, list(rows), empty="No sources yet. `healthdesk sources add` adds one.")
    out.line(plan.warning, DIM)


COMMANDS = (Command("send", "send sample data to an environment", run=send, arguments=_arguments),)
