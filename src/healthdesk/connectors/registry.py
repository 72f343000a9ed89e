"""Finds connector folders. Adding one edits no central file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from healthdesk.connectors.spec import Manifest


class Registry:
    """The apps the desk can connect to, by id."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self._apps = {
            manifest.id: manifest for manifest in sorted(manifests, key=lambda each: each.name.lower())
        }

    @classmethod
    def builtin(cls) -> Self:
        """Read the folders that come with healthdesk."""
        raise NotImplementedError

    def list(self) -> list[Manifest]:
        """Return every app, by name."""
        return list(self._apps.values())

    def get(self, app_id: str) -> Manifest:
        """Return one app; a ConnectorError suggests the nearest id."""
        raise NotImplementedError
