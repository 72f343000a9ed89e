"""Who may do what: one table of actions and the least role each needs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from healthdesk.domain.states import Grant, Role

_STRENGTH: Mapping[Role, int] = {Role.MEMBER: 1, Role.MANAGER: 2, Role.ADMINISTRATOR: 3}

_MEMBER = """
    status.show events.watch openapi.show apps.list accounts.list ledger.show
    connections.list connections.show connections.heartbeats connections.heartbeat
    connections.evidence connections.transitions connections.expiring
    pings.list pings.show
    integrations.list integrations.show sources.list sources.show
    records.list records.show records.count records.attempts
    callbacks.list callbacks.show
    channels.list channels.show rules.list rules.show alerts.list
    problems.list problems.show activity.list
    preferences.show preferences.edit
    tasks.list tasks.show templates.list templates.show labels.list labels.show instances.list instances.show
    jobs.list jobs.show
"""
_MANAGER = """
    connections.add connections.edit connections.check connections.update_credentials connections.put_back
    connections.disconnect connections.accept_drift
    connections.members
    authorizations.begin authorizations.show
    pings.set pings.remove
    integrations.add integrations.edit integrations.pause integrations.resume integrations.test
    integrations.keys integrations.add_key integrations.signing_secrets
    integrations.add_signing_secret
    sources.add sources.edit sources.enable
    records.add records.reveal records.resend records.resend_all records.fix records.export
    callbacks.reveal callbacks.reprocess samples.send
    channels.add channels.remove channels.test
    rules.add rules.edit rules.remove
    problems.ack problems.mute problems.resolve
    tasks.add tasks.edit templates.add templates.edit labels.add labels.edit
    instances.add instances.sync instances.unlink instances.attach instances.change_connection instances.settings
    instances.delete
    jobs.pause jobs.resume jobs.cancel
    setup.export
"""
_ADMINISTRATOR = """
    connections.make_me_owner setup.import desk.backup vault.rotate
"""

PERMISSIONS: Mapping[str, Role] = MappingProxyType(
    {
        action: role
        for role, actions in (
            (Role.MEMBER, _MEMBER),
            (Role.MANAGER, _MANAGER),
            (Role.ADMINISTRATOR, _ADMINISTRATOR),
        )
        for action in actions.split()
    }
)
"""The least role for each action, named `noun.verb`. Members read; only what identifies nobody."""

MANAGER_GRANT_ACTIONS = frozenset(
    {
        "connections.check",
        "connections.update_credentials",
        "connections.put_back",
        "authorizations.begin",
        "authorizations.show",
        "pings.set",
        "pings.remove",
    }
)
"""What a manager's grant on a connection permits there whatever the desk role: to manage its health."""


def allowed(role: Role | None, action: str, grant: Grant | None = None) -> bool:
    """Tell whether the role permits the action (`noun.verb`). An unknown action is a LookupError.

    No role is no access. `grant` is what the operator holds on the connection at hand.
    """
    needed = PERMISSIONS[action]
    if role is None:
        return False
    if grant is Grant.MANAGER and action in MANAGER_GRANT_ACTIONS:
        return True
    return _STRENGTH[role] >= _STRENGTH[needed]
