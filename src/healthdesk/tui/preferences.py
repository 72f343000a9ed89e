"""What the TUI remembers for an operator, such as filters: kept by the daemon, read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthdesk.errors import HealthdeskError

if TYPE_CHECKING:
    from healthdesk.client.client import Client


class Preferences:
    """Values by key. A daemon that does not answer costs only the memory, never the work."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, Any] = {}

    async def get(self, key: str) -> Any:
        """Return a value, or None."""
        if key not in self._known:
            try:
                self._known[key] = await self._client.preference(key)
            except HealthdeskError:
                return None
        return self._known[key]

    async def put(self, key: str, value: Any) -> None:
        """Keep a value."""
        self._known[key] = value
        try:
            await self._client.preference_set(key, value)
        except HealthdeskError:
            return
