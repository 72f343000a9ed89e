"""Who may do what: one table, of every action by desk role and by what the operator holds on the thing at hand.

docs/security.md shows the same table to people, and a test holds both equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from healthdesk.domain.states import Role


class Standing(StrEnum):
    """What an operator holds on the thing at hand, weakest first.

    On a connection: nothing, one of the grants, or it is theirs. On a task or proof sync: `owner` for whose it is,
    else what they hold on its connection, where its owner counts as `manager`. On a task of the desk: `owner` for who
    made it, `manager` for whom it is assigned to. On an authorization: `owner` for who began it.
    """

    NOTHING = "nothing"
    USER = "user"
    MANAGER = "manager"
    OWNER = "owner"


STANDINGS = tuple(Standing)
"""Weakest first."""

Cell = frozenset[Standing]
"""With which standings an action is allowed; all of them means always, none never."""

ALWAYS: Cell = frozenset(Standing)
NEVER: Cell = frozenset()


def at_least(standing: Standing) -> Cell:
    """Return the standings as strong as this one."""
    return frozenset(STANDINGS[STANDINGS.index(standing) :])


_USER, _MANAGER, _OWNER = (at_least(each) for each in (Standing.USER, Standing.MANAGER, Standing.OWNER))

_ROWS: tuple[tuple[Cell, Cell, Cell, str], ...] = (
    # administrator, manager, member: everybody reads
    (
        ALWAYS,
        ALWAYS,
        ALWAYS,
        """
        status.show events.watch openapi.show apps.list accounts.list accounts.show ledger.show
        connections.list connections.show connections.heartbeats connections.heartbeat
        connections.evidence connections.transitions connections.expiring connections.uses
        people.connections pings.list pings.show
        integrations.list integrations.show sources.list sources.show
        records.list records.show records.count records.attempts
        callbacks.list callbacks.show
        channels.list channels.show rules.list rules.show alerts.list
        problems.list problems.show activity.list
        preferences.show preferences.edit
        tasks.list tasks.show templates.list templates.show labels.list labels.show
        instances.list instances.show instances.runs instances.view
        jobs.list jobs.show jobs.records
        filters.list filters.add filters.remove
        """,
    ),
    # the desk's setup and its records
    (
        ALWAYS,
        ALWAYS,
        NEVER,
        """
        connections.add
        integrations.add integrations.edit integrations.remove integrations.choices
        integrations.pause integrations.resume integrations.test
        integrations.keys integrations.add_key integrations.signing_secrets integrations.add_signing_secret
        sources.add sources.edit sources.enable
        integrations.circuit integrations.receipt_secret integrations.promote integrations.mapping
        sources.silence
        records.look_up
        records.add records.reveal records.resend records.resend_all records.fix records.export
        callbacks.reveal callbacks.reprocess samples.send
        channels.add channels.remove channels.test
        rules.add rules.edit rules.remove
        problems.ack problems.mute problems.resolve
        templates.add templates.edit templates.remove templates.create
        labels.add labels.edit labels.remove
        jobs.pause jobs.resume jobs.cancel
        setup.export
        """,
    ),
    # the health of a connection: whoever holds the manager grant on it, whatever the desk role
    (
        ALWAYS,
        _MANAGER,
        _MANAGER,
        """
        connections.check connections.update_credentials connections.put_back connections.accept_drift
        connections.disconnect connections.members
        pings.set pings.remove
        """,
    ),
    # where a connection's credentials are sent: a member who only renews them does not say
    (ALWAYS, _MANAGER, _OWNER, "connections.edit"),
    # work with a connection
    (ALWAYS, _USER, _USER, "connections.use instances.add"),
    (ALWAYS, ALWAYS, _MANAGER, "authorizations.begin"),
    (ALWAYS, ALWAYS, _OWNER, "authorizations.show"),
    # tasks of the desk: members make them for a connection they may use, and edit their own
    (ALWAYS, ALWAYS, _USER, "tasks.add"),
    (ALWAYS, ALWAYS, _MANAGER, "tasks.edit"),
    (ALWAYS, ALWAYS, _OWNER, "tasks.remove"),
    # tasks and proof syncs of integrations
    (
        ALWAYS,
        _MANAGER,
        _MANAGER,
        "instances.sync instances.settings instances.change_connection instances.delete",
    ),
    (
        ALWAYS,
        _MANAGER,
        _OWNER,
        "instances.unlink instances.attach instances.create_issue instances.reconnect",
    ),
    # administrators
    (ALWAYS - _OWNER, NEVER, NEVER, "connections.make_me_owner"),
    (ALWAYS, NEVER, NEVER, "people.hand_over setup.import desk.backup vault.rotate"),
)

PERMISSIONS: Mapping[str, Mapping[Role, Cell]] = MappingProxyType(
    {
        action: MappingProxyType(
            {Role.ADMINISTRATOR: administrator, Role.MANAGER: manager, Role.MEMBER: member}
        )
        for administrator, manager, member, actions in _ROWS
        for action in actions.split()
    }
)
"""For each action, named `noun.verb`, and each desk role: with which standings it is allowed."""

_WITH: Mapping[Standing, str] = {
    Standing.USER: "with a grant",
    Standing.MANAGER: "with the manager grant",
    Standing.OWNER: "who own it",
}

_LACKS: Mapping[Standing, str] = {
    Standing.USER: "you hold no grant on this connection",
    Standing.MANAGER: "this needs the manager grant on the connection",
    Standing.OWNER: "it is not yours",
}


def allowed(role: Role | None, action: str, standing: Standing = Standing.NOTHING) -> bool:
    """Tell whether the role permits the action with what the operator holds. An unknown action is a LookupError.

    No role is no access.
    """
    cells = PERMISSIONS[action]
    return role is not None and standing in cells[role]


def ever_allowed(role: Role | None, action: str) -> bool:
    """Tell whether there is anything on which the role permits the action; an unknown action is a LookupError."""
    cells = PERMISSIONS[action]
    return role is not None and bool(cells[role])


def why_not(role: Role, action: str, standing: Standing = Standing.NOTHING) -> str:
    """Return what a role lacks for an action, for people; an empty string where it is allowed."""
    cell = PERMISSIONS[action][role]
    if standing in cell:
        return ""
    if not cell:
        least = next(each for each in reversed(Role) if PERMISSIONS[action][each])
        what = "members may read" if role is Role.MEMBER else "managers may not change this"
        return f"{what}; {action} needs the role {least.value}"
    needed = min(cell, key=STANDINGS.index)
    if STANDINGS.index(standing) > STANDINGS.index(needed):
        return "it is yours already"
    return _LACKS[needed]


def who_may(action: str) -> str:
    """Return who may do it, for people: `administrators; managers with the manager grant`."""
    if action == "connections.make_me_owner":
        return "administrators who are not the owner"
    told = []
    for role, cell in PERMISSIONS[action].items():
        if cell == ALWAYS:
            told.append(f"{role.value}s")
        elif cell:
            told.append(f"{role.value}s {_WITH[min(cell, key=STANDINGS.index)]}")
    return "; ".join(told)
