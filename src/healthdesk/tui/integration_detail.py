"""What the window of a delivery integration shows, read in one go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from healthdesk.api.integrations import EnvironmentView, Integration
from healthdesk.api.sources import Source
from healthdesk.domain.states import Environment
from healthdesk.tui.view.sources import silent_in
from healthdesk.tui.whole import whole

if TYPE_CHECKING:
    from healthdesk.client.client import Client


@dataclass(frozen=True, slots=True)
class IntegrationDetail:
    """An integration with every source of the desk."""

    integration: Integration
    sources: list[Source] = field(default_factory=list)

    def environment(self, which: Environment) -> EnvironmentView | None:
        """Return one of its environments, or None where that is not set up."""
        return next((each for each in self.integration.environments if each.environment is which), None)

    @property
    def first(self) -> Environment:
        """The environment that is shown first: production, where it is set up."""
        found = [each.environment for each in self.integration.environments]
        return Environment.TESTING if found == [Environment.TESTING] else Environment.PRODUCTION

    @property
    def silent(self) -> list[Source]:
        """The sources that have sent nothing to it for too long."""
        return silent_in(self.sources, self.integration.id)

    @property
    def enabled(self) -> int:
        """How many sources are enabled for it."""
        return len(self.integration.sources)


async def read_integration(client: Client, integration_id: str) -> IntegrationDetail:
    """Read an integration and the sources."""
    found = await client.integration(integration_id)
    return IntegrationDetail(found, await read_sources(client))


async def read_sources(client: Client) -> list[Source]:
    """Read every source, by name."""
    sources: list[Source] = await whole(client.sources_list)
    return sorted(sources, key=lambda each: each.name.lower())
