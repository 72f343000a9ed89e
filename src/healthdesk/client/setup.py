"""Calls about the whole desk: its set-up as a file, and backups."""

from __future__ import annotations

from collections.abc import AsyncIterator

from pydantic import TypeAdapter

from healthdesk.api.setup import SetupApplied, SetupGiven, SetupPlan
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport

_PLAN = TypeAdapter(SetupPlan)
_APPLIED = TypeAdapter(SetupApplied)


class SetupCalls:
    """The desk as a whole."""

    _http: Transport

    async def setup_export(self) -> str:
        """What operators configured, as TOML without secrets."""
        return (await self._http.raw("GET", "/v1/setup")).decode()

    async def setup_plan(self, given: SetupGiven) -> SetupPlan:
        """What importing a set-up will do; nothing is changed."""
        body = given.model_copy(update={"version": ""})
        return await self._http.call(_PLAN, "POST", "/v1/setup", body=body, timeout_s=LONG_TIMEOUT_S)

    async def setup_import(self, given: SetupGiven, version: str) -> SetupApplied:
        """Import a set-up as it was planned; the signing secrets that it made are shown this once."""
        body = SetupGiven(text=given.text, secrets=given.secrets, version=version)
        return await self._http.call(_APPLIED, "POST", "/v1/setup", body=body, timeout_s=LONG_TIMEOUT_S)

    async def backup(self) -> AsyncIterator[bytes]:
        """Yield the parts of a backup file as they are made."""
        async with self._http.stream("/v1/backup", {"Accept": "application/gzip"}) as stream:
            async for part in stream.iter_any():
                yield part
