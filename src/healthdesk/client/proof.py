"""Calls about proof syncs and what their runs collected."""

from __future__ import annotations

from typing import Literal

from pydantic import TypeAdapter

from healthdesk.api.proof import (
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

_ONE = TypeAdapter(ProofSync)
_VIEW = TypeAdapter(InstanceView)
_CONTENTS = TypeAdapter(Contents)
_DIFFERENCE = TypeAdapter(Difference)


class ProofCalls:
    """Proof syncs: what they collect, and for members of what they are filed under what was collected."""

    _http: Transport

    async def proof_sync(self, proof_id: str) -> ProofSync:
        """A proof sync whole."""
        return await self._http.call(_ONE, "GET", f"/v1/proof-syncs/{seg(proof_id)}")

    async def proof_sync_create(self, new: ProofSyncCreate) -> ProofSync:
        """Add a proof sync; the app is asked first."""
        return await self._http.call(_ONE, "POST", "/v1/instances", body=new, timeout_s=LONG_TIMEOUT_S)

    async def instance_settings(self, proof_id: str, changes: ProofSyncSettings) -> ProofSync:
        """Change what it collects, its name or where it is filed; what it collects is put to the app first."""
        return await self._http.call(_ONE, "PATCH", _path(proof_id), body=changes, timeout_s=LONG_TIMEOUT_S)

    async def instance_change_connection(self, proof_id: str, choice: ChangeConnection) -> ProofSync:
        """Let it collect with another connection of the same app."""
        path = f"{_path(proof_id)}/change-connection"
        return await self._http.call(_ONE, "POST", path, body=choice, timeout_s=LONG_TIMEOUT_S)

    async def instance_delete(self, proof_id: str) -> None:
        """Delete it and everything it collected."""
        await self._http.raw("DELETE", _path(proof_id))

    async def instance_view(self, proof_id: str) -> InstanceView:
        """Where View leads: the proof sync for members, else all labels and controls."""
        return await self._http.call(_VIEW, "GET", f"{_path(proof_id)}/view")

    async def proof_contents(
        self, proof_id: str, run_id: str, *, after: str | None = None, limit: int = 50
    ) -> Contents:
        """What a run collected, a page of rows."""
        path = f"{_run(proof_id, run_id)}/contents"
        return await self._http.call(_CONTENTS, "GET", path, query=paging(after, limit))

    async def proof_difference(self, proof_id: str, run_id: str) -> Difference:
        """What is new, gone and changed since the run before."""
        path = f"{_run(proof_id, run_id)}/difference"
        return await self._http.call(_DIFFERENCE, "GET", path, timeout_s=LONG_TIMEOUT_S)

    async def proof_export(self, proof_id: str, run_id: str, format: Literal["csv", "json"]) -> bytes:
        """What a run collected as a file."""
        query = [("format", str(format))]
        path = f"{_run(proof_id, run_id)}/export"
        return await self._http.raw("GET", path, query=query, timeout_s=LONG_TIMEOUT_S)


def _path(proof_id: str) -> str:
    return f"/v1/instances/{seg(proof_id)}"


def _run(proof_id: str, run_id: str) -> str:
    return f"{_path(proof_id)}/runs/{seg(run_id)}"
