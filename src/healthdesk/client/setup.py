"""Calls about the whole desk: its set-up as a file, and backups."""

from __future__ import annotations

from collections.abc import AsyncIterator

from healthdesk.client.transport import Transport


class SetupCalls:
    """The desk as a whole."""

    _http: Transport

    async def backup(self) -> AsyncIterator[bytes]:
        """Yield the parts of a backup file as they are made."""
        async with self._http.stream("/v1/backup", {"Accept": "application/gzip"}) as stream:
            async for part in stream.iter_any():
                yield part
