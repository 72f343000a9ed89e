"""What can be done with a delivery integration in Connections: the actions of its window, without opening it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from healthdesk.api.integrations import EnvironmentView, Integration
from healthdesk.domain.states import Environment
from healthdesk.tui.flows.channels import add_notifications
from healthdesk.tui.flows.circuits import change_circuit
from healthdesk.tui.flows.connections import choose_connection, pause_or_resume
from healthdesk.tui.flows.delivery import edit_delivery
from healthdesk.tui.flows.environments import (
    choose_environment,
    configure_testing,
    edit_environment,
    environment_of,
)
from healthdesk.tui.flows.probing import test_configuration
from healthdesk.tui.flows.promoting import promote
from healthdesk.tui.flows.samples import send_samples
from healthdesk.tui.flows.secrets import make_secret
from healthdesk.tui.format import dim, line
from healthdesk.tui.screens.base import DeskScreen
from healthdesk.tui.screens.connection import ConnectionScreen

NO_RECORD = (
    line("One signed probe is sent, and the exchange shown."),
    line(dim("No record is made, and the log stays as it was.")),
)


class IntegrationRows(DeskScreen):
    """Mixed into the list that has delivery integrations beside the apps; `item()` is the row.

    What is of one environment asks of which, where there are two.
    """

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

    def do_circuit(self) -> None:
        """Close, probe or open the circuit of an environment."""
        self._of_environment("Circuit", change_circuit)

    def edit_integration(self) -> None:
        """Change its name, and where and how an environment delivers."""
        self._of_environment(
            "Edit integration", lambda screen, found, item: edit_environment(screen, found, item.environment)
        )

    def do_method(self) -> None:
        """Change how an environment delivers."""
        self._of_environment("Delivery method", edit_delivery)

    def do_keys(self) -> None:
        """Make a bearer key or a signing secret of an environment."""
        self._of_environment(
            "Keys and secrets", lambda screen, found, item: make_secret(screen, found, item.environment)
        )

    def do_connection(self) -> None:
        """Open the connection that the integration delivers on."""
        self.flow(self._open_connection(self.item().id), asks=True)

    async def _open_connection(self, integration_id: str) -> str:
        connection_id = await choose_connection(self, integration_id)
        if connection_id:
            await self.app.push_screen(ConnectionScreen(connection_id))
        return ""

    def do_notify(self) -> None:
        """Alert channels of its failures."""
        row = self.item()
        self.flow(add_notifications(self, row.id, row.app), asks=True)

    def do_log(self) -> None:
        """Show its records."""
        row = self.item()
        self.desk.show_log({"integration": row.id}, {"integration": row.app})

    def _of_environment(
        self, title: str, does: Callable[[DeskScreen, Integration, EnvironmentView], Awaitable[str]]
    ) -> None:
        async def with_environment(screen: DeskScreen, found: Integration) -> str:
            which = await choose_environment(screen, found, title)
            item = environment_of(found, which) if which is not None else None
            return await does(screen, found, item) if item is not None else ""

        self.flow(self._with_integration(with_environment), asks=True)

    async def _with_integration(self, does: Callable[[DeskScreen, Integration], Awaitable[str]]) -> str:
        return await does(self, await self.client.integration(self.item().id))


async def _probe(screen: DeskScreen, integration: Integration) -> str:
    """Test the one environment there is; of two ask which, testing first."""
    which = await choose_environment(
        screen, integration, "Test configuration", lines=NO_RECORD, first=Environment.TESTING
    )
    return await test_configuration(screen, integration, which) if which is not None else ""
