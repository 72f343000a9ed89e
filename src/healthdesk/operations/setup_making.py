"""An import under way: what there is by name, what it was given, and what it made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from healthdesk.operations.desk import Desk
from healthdesk.operations.setup_found import Current


@dataclass(slots=True)
class Making:
    """What is there by kind and key, the secrets that were given by place, and those that it made."""

    desk: Desk
    found: Current
    secrets: Mapping[str, str]
    made: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What to see to in what was made or changed."""
    taken: set[str] = field(default_factory=set)
    """Places of the secrets of receipts that were given and are kept."""

    def id(self, kind: str, name: str) -> str:
        """Return the id of a thing that is there, or was made before."""
        return self.found.ids[kind][name]

    def id_or_none(self, kind: str, name: str) -> str | None:
        """Return it, None where nothing is named."""
        return self.id(kind, name) if name else None

    def secrets_of(self, place: str) -> dict[str, str]:
        """Return the secrets below a place, such as `connections.CRM.`."""
        return {
            key.removeprefix(place): value for key, value in self.secrets.items() if key.startswith(place)
        }


def given(item: BaseModel, *names: str) -> dict[str, Any]:
    """Return those of these fields that the file gives."""
    return {name: getattr(item, name) for name in names if name in item.model_fields_set}
