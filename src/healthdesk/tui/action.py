"""What an action of the registry is."""

from __future__ import annotations

from dataclasses import dataclass

from healthdesk.domain.states import Role

M = Role.MANAGER


@dataclass(frozen=True, slots=True)
class Action:
    """One verb on a screen. `short` is its word in the footer; `rank` orders it there, 0 leaves it out.

    `item` says that it acts on the thing under the cursor, so that it is in the Actions menu. `ruled` is what the
    `refused` of that thing calls it: the daemon says for each thing who may do it, and no role decides here.
    """

    id: str
    key: str
    label: str
    short: str
    screens: frozenset[str]
    help: str = ""
    role: Role = Role.MEMBER
    rank: int = 0
    item: bool = True
    ruled: str = ""

    @property
    def changes(self) -> bool:
        """Whether it asks the daemon for more than to be read."""
        return bool(self.ruled) or self.role is not Role.MEMBER


def on(names: str) -> frozenset[str]:
    """Return the names of screens that are written in one text."""
    return frozenset(names.split())
