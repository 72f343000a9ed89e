"""Calls about proof syncs and what they collect."""

from __future__ import annotations

from typing import Literal

from pydantic import TypeAdapter

from healthdesk.api.instances import (
    ChangeConnection,
    Contents,
    Difference,
    InstanceView,
    ProofSync,
    ProofSyncCreate,
    ProofSyncSettings,
)
from healthdesk.client.params import paging, seg
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport

_SYNC = TypeAdapter(ProofSync)
_VIEW = TypeAdapter(InstanceView)
_CONTENTS = TypeAdapter(Contents)
_DIFFERENCE = TypeAdapter(Difference)


class ProofCalls:
    """Proof syncs: their settings, and what each run collected, for members of their label or control."""

    _http: Transport

    async def proof_sync(self, proof_id: str) -> ProofSync:
        """One proof sync whole."""
        return await self._http.call(_SYNC, "GET", f"/v1/proof-syncs/{seg(proof_id)}")

    async def proof_sync_create(self, new: ProofSyncCreate) -> ProofSync:
        """Add a proof sync, once the app was asked."""
        return await self._http.call(_SYNC, "POST", "/v1/instances", body=new, timeout_s=LONG_TIMEOUT_S)

    async def instance_settings(self, proof_id: str, changes: ProofSyncSettings) -> ProofSync:
        """Change what a proof sync collects, once the app was asked."""
        path = f"/v1/instances/{seg(proof_id)}"
        return await self._http.call(_SYNC, "PATCH", path, body=changes, timeout_s=LONG_TIMEOUT_S)

    async def instance_change_connection(self, proof_id: str, choice: ChangeConnection) -> ProofSync:
        """Let a proof sync collect with another connection."""
        path = f"/v1/instances/{seg(proof_id)}/change-connection"
        return await self._http.call(_SYNC, "POST", path, body=choice, timeout_s=LONG_TIMEOUT_S)

    async def instance_delete(self, proof_id: str) -> None:
        """Delete a proof sync with all it collected."""
        await self._http.raw("DELETE", f"/v1/instances/{seg(proof_id)}")

    async def instance_view(self, proof_id: str) -> InstanceView:
        """What View leads to: the proof sync for members, labels and controls for others."""
        return await self._http.call(_VIEW, "GET", f"/v1/instances/{seg(proof_id)}/view")

    async def proof_contents(
        self, proof_id: str, run_id: str, *, after: str | None = None, limit: int = 50
    ) -> Contents:
        """A page of what a run collected."""
        path = f"/v1/instances/{seg(proof_id)}/runs/{seg(run_id)}/contents"
        return await self._http.call(_CONTENTS, "GET", path, query=paging(after, limit))

    async def proof_difference(self, proof_id: str, run_id: str) -> Difference:
        """What a run collected that the one before did not, and the other way round."""
        path = f"/v1/instances/{seg(proof_id)}/runs/{seg(run_id)}/difference"
        return await self._http.call(_DIFFERENCE, "GET", path, timeout_s=LONG_TIMEOUT_S)

    async def proof_export(self, proof_id: str, run_id: str, format: Literal["csv", "json"]) -> bytes:
        """What a run collected, as a file."""
        path = f"/v1/instances/{seg(proof_id)}/runs/{seg(run_id)}/export"
        return await self._http.raw("GET", path, query=[("format", format)], timeout_s=LONG_TIMEOUT_S)
