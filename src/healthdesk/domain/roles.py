"""Who may do what: one table of actions and the least role each needs."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.domain.states import Grant, Role

PERMISSIONS: Mapping[str, Role] = {}


def allowed(role: Role | None, action: str, grant: Grant | None = None) -> bool:
    """Tell whether the role permits the action (`noun.verb`). An unknown action is a LookupError.

    `grant` is what the operator holds on the connection at hand: a manager's grant manages its health.
    """
    raise NotImplementedError
