"""What the operator may not do with a thing, each with the reason and whom to ask, so that screens grey with it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from healthdesk.domain.roles import Standing
from healthdesk.operations.desk import Desk, Held
from healthdesk.operations.explain import sentence
from healthdesk.store.rows import ConnectionRow
from healthdesk.store.rows_instances import TaskRow

_CONNECTION: Mapping[str, str] = MappingProxyType(
    {
        "check": "connections.check",
        "update_credentials": "connections.update_credentials",
        "put_back": "connections.put_back",
        "edit": "connections.edit",
        "disconnect": "connections.disconnect",
        "members": "connections.members",
        "make_me_owner": "connections.make_me_owner",
        "use": "connections.use",
        "pings": "pings.set",
    }
)

_INSTANCE: Mapping[str, str] = MappingProxyType(
    {
        verb: f"instances.{verb}"
        for verb in (
            "sync",
            "unlink",
            "attach",
            "create_issue",
            "reconnect",
            "view",
            "change_connection",
            "settings",
            "delete",
        )
    }
)

_ASKING: Mapping[str, str] = MappingProxyType(dict.fromkeys(("attach", "create_issue"), "connections.use"))
"""Actions on a task that ask its app for another issue."""


_TASK: Mapping[str, str] = MappingProxyType(
    {"edit": "tasks.edit", "remove": "tasks.remove", "integrate": "tasks.edit"}
)


def refused_on(desk: Desk, row: ConnectionRow) -> dict[str, str]:
    """Return what the operator may not do with a connection: by the words of `Connection.refused`, why and whom to ask."""
    return _refused(desk, desk.standing_on(row), _CONNECTION)


def refused_of(desk: Desk, held: Held, connection: ConnectionRow | None = None) -> dict[str, str]:
    """Return what the operator may not do with a task or proof sync they hold this on, by the words of `Instance.refused`.

    What asks its app for something else needs that they may use its connection, too: they may have been taken off it.
    What does not apply to it as it is now is for whoever shows it to say.
    """
    refused = _refused(desk, held, _INSTANCE)
    if connection is not None:
        refused = _refused(desk, desk.standing_on(connection), _ASKING) | refused
    return refused


def refused_in(desk: Desk, row: TaskRow) -> dict[str, str]:
    """Return what the operator may not do with a task of the desk, by the words of `Task.refused`."""
    return _refused(desk, desk.standing_in(row), _TASK)


def my_grant(desk: Desk, row: ConnectionRow) -> str:
    """Return what the operator holds on a connection: owner, manager, user, or an empty string."""
    held = desk.standing_on(row).standing
    return "" if held is Standing.NOTHING else held.value


def _refused(desk: Desk, held: Held, actions: Mapping[str, str]) -> dict[str, str]:
    refused = {}
    for word, action in actions.items():
        why = desk.refusal(action, held)
        if why is not None:
            refused[word] = " ".join(map(sentence, (why.what, why.fix) if why.fix else (why.what,)))
    return refused
