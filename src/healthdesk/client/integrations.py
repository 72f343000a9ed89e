"""Calls about integrations and sources."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import TypeAdapter

from healthdesk.api.common import Page
from healthdesk.api.integrations import (
    ChangedIntegration,
    Choices,
    ChoicesAsked,
    EnvironmentChoice,
    Integration,
    IntegrationCreate,
    IntegrationEdit,
)
from healthdesk.api.keys import Key, KeyCreate, NewSecret, SigningSecret
from healthdesk.api.sources import Source, SourceCreate, SourceEdit, SourceEnable
from healthdesk.client.params import paging, seg
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport
from healthdesk.domain.states import Environment

_ONE = TypeAdapter(Integration)
_CHANGED = TypeAdapter(ChangedIntegration)
_PAGE = TypeAdapter(Page[Integration])
_CHOICES = TypeAdapter(Choices)
_KEYS = TypeAdapter(list[Key])
_SECRET = TypeAdapter(NewSecret)
_SIGNING = TypeAdapter(list[SigningSecret])
_SOURCE = TypeAdapter(Source)
_SOURCES = TypeAdapter(Page[Source])


class IntegrationCalls:
    """Integrations, their keys and secrets, and the sources they deliver."""

    _http: Transport

    async def integrations_list(self, *, after: str | None = None, limit: int = 50) -> Page[Integration]:
        """Every integration."""
        return await self._http.call(_PAGE, "GET", "/v1/integrations", query=paging(after, limit))

    async def integration(self, integration_id: str) -> Integration:
        """One integration with its environments."""
        return await self._http.call(_ONE, "GET", f"/v1/integrations/{seg(integration_id)}")

    async def integration_create(self, new: IntegrationCreate) -> ChangedIntegration:
        """Add an integration; the secrets that sign what a delivery sends are shown this once."""
        path = "/v1/integrations"
        return await self._http.call(_CHANGED, "POST", path, body=new, timeout_s=LONG_TIMEOUT_S)

    async def integration_edit(self, integration_id: str, changes: IntegrationEdit) -> ChangedIntegration:
        """Change an integration or one of its environments."""
        path = f"/v1/integrations/{seg(integration_id)}"
        return await self._http.call(_CHANGED, "PATCH", path, body=changes, timeout_s=LONG_TIMEOUT_S)

    async def integration_remove(self, integration_id: str, *, unlink: bool = False) -> None:
        """Remove an integration of tasks or proof; `unlink` parts its linked tasks from it."""
        query = [("instances", "unlink")] if unlink else []
        await self._http.raw("DELETE", f"/v1/integrations/{seg(integration_id)}", query=query)

    async def integration_choices(
        self, connection_id: str, container: Mapping[str, str] | None = None
    ) -> Choices:
        """What the app offers for tasks in a container, and a mapping to begin with."""
        asked = ChoicesAsked(connection_id=connection_id, container=dict(container or {}))
        path = "/v1/integrations/choices"
        return await self._http.call(_CHOICES, "POST", path, body=asked, timeout_s=LONG_TIMEOUT_S)

    async def integration_pause(
        self, integration_id: str, environment: Environment | None = None
    ) -> Integration:
        """Stop delivering, syncing or collecting; records are held."""
        path = f"/v1/integrations/{seg(integration_id)}/pause"
        body = EnvironmentChoice(environment=environment)
        return await self._http.call(_ONE, "POST", path, body=body)

    async def integration_resume(
        self, integration_id: str, environment: Environment | None = None
    ) -> Integration:
        """Deliver, sync or collect again; held records first."""
        path = f"/v1/integrations/{seg(integration_id)}/resume"
        body = EnvironmentChoice(environment=environment)
        return await self._http.call(_ONE, "POST", path, body=body)

    async def integration_keys(self, integration_id: str) -> list[Key]:
        """Bearer keys that are valid, never their text."""
        return await self._http.call(_KEYS, "GET", f"/v1/integrations/{seg(integration_id)}/keys")

    async def integration_key_create(self, integration_id: str, new: KeyCreate) -> NewSecret:
        """Make a new bearer key, shown this once."""
        path = f"/v1/integrations/{seg(integration_id)}/keys"
        return await self._http.call(_SECRET, "POST", path, body=new)

    async def integration_signing_secrets(self, integration_id: str) -> list[SigningSecret]:
        """Secrets that sign what it sends, those in their overlap too, never their text."""
        path = f"/v1/integrations/{seg(integration_id)}/signing-secrets"
        return await self._http.call(_SIGNING, "GET", path)

    async def integration_signing_secret_create(self, integration_id: str, new: KeyCreate) -> NewSecret:
        """Make a new secret of our signature, shown this once."""
        path = f"/v1/integrations/{seg(integration_id)}/signing-secrets"
        return await self._http.call(_SECRET, "POST", path, body=new)

    async def sources_list(self, *, after: str | None = None, limit: int = 50) -> Page[Source]:
        """Every source."""
        return await self._http.call(_SOURCES, "GET", "/v1/sources", query=paging(after, limit))

    async def source(self, source: str) -> Source:
        """One source, by id or key."""
        return await self._http.call(_SOURCE, "GET", f"/v1/sources/{seg(source)}")

    async def source_create(self, new: SourceCreate) -> Source:
        """Add a source."""
        return await self._http.call(_SOURCE, "POST", "/v1/sources", body=new)

    async def source_edit(self, source: str, changes: SourceEdit) -> Source:
        """Change a source, by id or key."""
        return await self._http.call(_SOURCE, "PATCH", f"/v1/sources/{seg(source)}", body=changes)

    async def source_enable(self, source: str, choice: SourceEnable) -> Source:
        """Enable or disable a source for an integration."""
        return await self._http.call(_SOURCE, "POST", f"/v1/sources/{seg(source)}/enable", body=choice)
