"""Test configuration: one signed probe, and the whole exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthdesk.api.integrations import Integration
from healthdesk.api.samples import Probe
from healthdesk.domain.states import Environment
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.reading import ReadingPage
from healthdesk.tui.view.environment import TITLES
from healthdesk.tui.view.trying import probe_question, probed_lines

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen


async def test_configuration(screen: DeskScreen, integration: Integration, which: Environment) -> str:
    """Send a probe to an environment's endpoint and show what came back; production is asked for first."""
    production = which is Environment.PRODUCTION
    if production and not await _confirmed(screen, integration):
        return ""
    probe = Probe(environment=which, confirm=integration.name if production else "")
    screen.desk.tell(f"Sending a signed probe to {TITLES[which]}…")
    probed = await screen.client.integration_test(integration.id, probe)
    title = f"Test configuration · {integration.name} · {TITLES[which]}"
    screen.desk.hush()
    await screen.ask(ReadingPage(title, probed_lines(probed, screen.view()), ascii_only=screen.ascii_only))
    return f"{TITLES[which]} of {integration.name}: {'it works' if probed.ok else 'the test failed'}."


async def _confirmed(screen: DeskScreen, integration: Integration) -> bool:
    where = next(
        (
            f"{each.method} {each.endpoint}"
            for each in integration.environments
            if each.environment is Environment.PRODUCTION
        ),
        "",
    )
    question = Question(
        f"Test PRODUCTION of {integration.name}",
        probe_question(where),
        (("test", "Send the probe"),),
        ascii_only=screen.ascii_only,
    )
    return await screen.ask(question) is not None
