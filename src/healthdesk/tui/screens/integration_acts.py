"""What can be done in the window of a delivery integration: with one of its environments, and with the row."""

from __future__ import annotations

from healthdesk.api.integrations import EnvironmentView, Integration
from healthdesk.api.problems import ProblemRow
from healthdesk.api.sources import Source
from healthdesk.domain.states import Environment
from healthdesk.tui.flows import environments, secrets, sources
from healthdesk.tui.flows.channels import add_notifications
from healthdesk.tui.flows.circuits import change_circuit
from healthdesk.tui.flows.connections import choose_connection, pause_or_resume
from healthdesk.tui.flows.delivery import edit_delivery
from healthdesk.tui.flows.probing import test_configuration
from healthdesk.tui.flows.promoting import promote
from healthdesk.tui.flows.samples import send_samples
from healthdesk.tui.integration_detail import IntegrationDetail
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.screens.ledger import LedgerScreen
from healthdesk.tui.screens.problem import ProblemScreen
from healthdesk.tui.screens.source import SourceScreen
from healthdesk.tui.screens.tabbed import TabbedWindow
from healthdesk.tui.view.environment import TITLES

PROBLEMS, SOURCES, DELIVERY, DETAILS = TABS = ("Problems", "Sources", "Delivery", "Details")
OF_AN_ENVIRONMENT = frozenset({"probe", "pause", "circuit", "method", "keys", "connection"})
OF_A_SOURCE = frozenset({"enable", "silence"})


class IntegrationActs(TabbedWindow):
    """The actions of the window; which environment they are for is said by `chosen`, which row by `row`."""

    detail: IntegrationDetail | None
    chosen: Environment | None = None

    def row(self) -> ProblemRow | Source | None:
        """Return what is under the cursor in a tab that is a list."""
        raise NotImplementedError

    @property
    def source(self) -> Source | None:
        """The source under the cursor."""
        row = self.row()
        return row if isinstance(row, Source) else None

    @property
    def integration(self) -> Integration | None:
        """The integration, once it is read."""
        return self.detail.integration if self.detail is not None else None

    @property
    def environment(self) -> EnvironmentView | None:
        """The environment that keys are about, where it is set up."""
        if self.detail is None or self.chosen is None:
            return None
        return self.detail.environment(self.chosen)

    def item_name(self) -> str:
        """The integration, with the environment that keys are about."""
        found = self.integration
        return found.name if found is not None else ""

    def refuses(self, action_id: str) -> str:
        """What does not apply says why."""
        detail = self.detail
        if detail is None:
            return ""
        if action_id == "open" and self.row() is None:
            return "there is nothing under the cursor; the tabs Problems and Sources have rows"
        if action_id in OF_AN_ENVIRONMENT and self.environment is None and self.chosen is not None:
            helps = "E sets it up" if self.chosen is Environment.TESTING else "e or U sets it up"
            return f"{TITLES[self.chosen]} is not set up; {helps}"
        if action_id == "promote" and detail.environment(Environment.TESTING) is None:
            return "there is no testing environment; E sets it up"
        if action_id in OF_A_SOURCE and self.source is None:
            return "there is no source under the cursor; the Sources tab has them"
        if action_id == "silence" and self.source is not None and self.key not in self.source.integrations:
            return f"{self.source.name} is not enabled for it; O enables it"
        return ""

    def off_footer(self) -> frozenset[str]:
        """What the tab has nothing for makes room."""
        return frozenset({"log"} if self.tab == SOURCES else {"enable"})

    # With a row

    def do_open(self) -> None:
        """Open the problem or the source under the cursor."""
        row = self.row()
        if isinstance(row, ProblemRow):
            self.app.push_screen(ProblemScreen(row.id))
        elif row is not None:
            self.app.push_screen(SourceScreen(row.id))

    def do_enable(self) -> None:
        """Enable or disable the source."""
        if self.source is not None and self.integration is not None:
            self.flow(sources.enable(self, self.source, self.integration), asks=True)

    def do_silence(self) -> None:
        """Say when the silence of the source is a problem."""
        if self.source is not None and self.integration is not None:
            name = self.integration.name
            which = self.chosen or Environment.PRODUCTION
            self.flow(sources.set_silence(self, self.source, self.key, name, which), asks=True)

    def do_new(self) -> None:
        """Add a source."""
        self.flow(sources.add_source(self, "integration-sources-region"), asks=True)

    # With an environment

    def do_testing(self) -> None:
        """Set up or change the testing environment, then test it."""
        if self.integration is not None:
            self.flow(environments.configure_testing(self, self.integration), asks=True)

    def do_edit(self) -> None:
        """Change the name, and where and how the environment delivers."""
        if self.integration is not None and self.chosen is not None:
            self.flow(environments.edit_environment(self, self.integration, self.chosen), asks=True)

    def do_probe(self) -> None:
        """Send one signed probe, and show the exchange."""
        if self.integration is not None and self.chosen is not None:
            asks = self.chosen is Environment.PRODUCTION
            self.flow(test_configuration(self, self.integration, self.chosen), asks=asks)

    def do_sample(self) -> None:
        """Send sample data."""
        if self.integration is not None:
            self.flow(send_samples(self, self.integration.id, self.source), asks=True)

    def do_promote(self) -> None:
        """Show how testing differs from production, and copy it."""
        if self.integration is not None:
            self.flow(promote(self, self.integration), asks=True)

    def do_pause(self) -> None:
        """Pause or resume."""
        self.flow(pause_or_resume(self, self.key, self.chosen), asks=True)

    def do_circuit(self) -> None:
        """Close, probe or open the circuit."""
        if self.integration is not None and self.environment is not None:
            self.flow(change_circuit(self, self.integration, self.environment), asks=True)

    def do_method(self) -> None:
        """Change how it delivers."""
        if self.integration is not None and self.environment is not None:
            self.flow(edit_delivery(self, self.integration, self.environment), asks=True)

    def do_keys(self) -> None:
        """Make a bearer key or a signing secret."""
        if self.integration is not None and self.environment is not None:
            self.flow(secrets.make_secret(self, self.integration, self.environment.environment), asks=True)

    def do_connection(self) -> None:
        """Open the connection that the environment delivers on."""
        self.flow(self._open_connection(), asks=True)

    async def _open_connection(self) -> str:
        item = self.environment
        connection_id = item.connection_id if item is not None else await choose_connection(self, self.key)
        if connection_id:
            await self.app.push_screen(ConnectionScreen(connection_id))
        return ""

    # With the integration

    def do_notify(self) -> None:
        """Alert channels of its failures."""
        self.flow(add_notifications(self, self.key, self.item_name() or self.key), asks=True)

    def do_ledger(self) -> None:
        """Show the ledger of it."""
        self.app.push_screen(LedgerScreen(self.key, self.item_name() or self.key))

    def do_log(self) -> None:
        """Show its records."""
        self.desk.show_log({"integration": self.key}, {"integration": self.item_name() or self.key})
