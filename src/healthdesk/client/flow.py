"""Calls about what keeps deliveries in check: circuits and silence."""

from __future__ import annotations

from pydantic import TypeAdapter

from healthdesk.api.flow import CircuitChange, Silence
from healthdesk.api.integrations import Integration
from healthdesk.api.sources import Source
from healthdesk.client.params import seg
from healthdesk.client.transport import Transport

_INTEGRATION = TypeAdapter(Integration)
_SOURCE = TypeAdapter(Source)


class FlowCalls:
    """What operators do about a circuit, and about a source that sends nothing."""

    _http: Transport

    async def integration_circuit(self, integration_id: str, change: CircuitChange) -> Integration:
        """Close, probe or open the circuit of an environment."""
        path = f"/v1/integrations/{seg(integration_id)}/circuit"
        return await self._http.call(_INTEGRATION, "POST", path, body=change)

    async def source_silence(self, source: str, silence: Silence) -> Source:
        """Say when a source's silence is a problem, by id or key."""
        return await self._http.call(_SOURCE, "POST", f"/v1/sources/{seg(source)}/silence", body=silence)
