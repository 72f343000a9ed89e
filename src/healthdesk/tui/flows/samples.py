"""Sending sample data: the plan, for production a question, then the job that tells how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthdesk.api.samples import SamplePlan, SampleSend
from healthdesk.api.sources import Source
from healthdesk.domain.states import Environment
from healthdesk.errors import HealthdeskError
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.job import JobScreen
from healthdesk.tui.screens.samples import Chosen, SampleDialog
from healthdesk.tui.view.trying import production_question
from healthdesk.tui.view.words import plural

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen


async def send_samples(screen: DeskScreen, integration_id: str, source: Source | None = None) -> str:
    """Ask which sources and which environment get samples, send them, and show their progress to the end."""
    integration = await screen.client.integration(integration_id)
    there = {each.environment for each in integration.environments}
    environments = [each for each in (Environment.TESTING, Environment.PRODUCTION) if each in there]
    if not environments:
        raise HealthdeskError(
            f"{integration.name} delivers nowhere yet.", fix="`E` sets up its testing environment."
        )

    async def plan(which: Environment) -> SamplePlan:
        return await screen.client.sample_plan(SampleSend(integration_id=integration_id, environment=which))

    dialog = SampleDialog(
        await plan(environments[0]),
        plan,
        environments,
        picked=[source.key] if source is not None else (),
        ascii_only=screen.ascii_only,
    )
    chosen: Chosen | None = await screen.ask(dialog)
    if chosen is None or not await _confirmed(screen, chosen):
        return ""
    production = chosen.plan.environment is Environment.PRODUCTION
    wanted = SampleSend(
        integration_id=integration_id,
        environment=chosen.plan.environment,
        sources=list(chosen.sources),
        confirm=integration.name if production else "",
    )
    job = await screen.client.sample_send(wanted)
    await screen.app.push_screen(JobScreen(job.id))
    return ""


async def _confirmed(screen: DeskScreen, chosen: Chosen) -> bool:
    if chosen.plan.environment is not Environment.PRODUCTION:
        return True
    question = Question(
        f"Send sample data to PRODUCTION of {chosen.plan.integration_name}",
        production_question(chosen.plan, chosen.total),
        (("send", f"Send {plural(chosen.total, 'sample')}"),),
        ascii_only=screen.ascii_only,
    )
    return await screen.ask(question) is not None
