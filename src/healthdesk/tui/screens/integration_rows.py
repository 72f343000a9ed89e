"""What can be done with a delivery integration in Connections: the documented actions, without opening its window."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from healthdesk.api.integrations import Integration
from healthdesk.domain.states import Environment
from healthdesk.errors import HealthdeskError
from healthdesk.tui.flows.channels import add_notifications
from healthdesk.tui.flows.connections import pause_or_resume
from healthdesk.tui.flows.environments import configure_testing
from healthdesk.tui.flows.probing import test_configuration
from healthdesk.tui.flows.promoting import promote
from healthdesk.tui.flows.samples import send_samples
from healthdesk.tui.format import dim, line
from healthdesk.tui.screens.base import DeskScreen
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.view.environment import TITLES


class IntegrationRows(DeskScreen):
    """Mixed into the list that has delivery integrations beside the apps; `item()` is the row."""

    def do_testing(self) -> None:
        """Set up or change the testing environment, then test it."""
        self.flow(self._with_integration(configure_testing), asks=True)

    def do_sample(self) -> None:
        """Send sample data."""
        self.flow(send_samples(self, self.item().id), asks=True)

    def do_probe(self) -> None:
        """Send one signed probe, and show the exchange."""
        self.flow(self._with_integration(_probe), asks=True)

    def do_promote(self) -> None:
        """Show how testing differs from production, and copy it."""
        self.flow(self._with_integration(promote), asks=True)

    def do_pause(self) -> None:
        """Pause or resume."""
        self.flow(pause_or_resume(self, self.item().id), asks=True)

    def do_notify(self) -> None:
        """Alert channels of its failures."""
        row = self.item()
        self.flow(add_notifications(self, row.id, row.app), asks=True)

    def do_log(self) -> None:
        """Show its records."""
        row = self.item()
        self.desk.show_log({"integration": row.id}, {"integration": row.app})

    async def _with_integration(self, does: Callable[[DeskScreen, Integration], Awaitable[str]]) -> str:
        return await does(self, await self.client.integration(self.item().id))


async def _probe(screen: DeskScreen, integration: Integration) -> str:
    """Test the one environment there is; of two ask which, testing first."""
    there = sorted(
        (item.environment for item in integration.environments),
        key=lambda each: each is Environment.PRODUCTION,
    )
    if not there:
        raise HealthdeskError(
            f"{integration.name} delivers nowhere yet.", fix="`E` sets up its testing environment."
        )
    which = there[0]
    if len(there) > 1:
        lines = [
            line("One signed probe is sent, and the exchange shown."),
            line(dim("No record is made, and the log stays as it was.")),
        ]
        choices = [(each.value, TITLES[each]) for each in there]
        question = Question(
            f"Test configuration · {integration.name}", lines, choices, ascii_only=screen.ascii_only
        )
        answer = await screen.ask(question)
        if answer is None:
            return ""
        which = Environment(answer)
    return await test_configuration(screen, integration, which)
