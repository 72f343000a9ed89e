"""Users of the host, and the role that config.toml gives them."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable, Iterable
from typing import Protocol

from healthdesk.domain.states import Role


class RoleLists(Protocol):
    """The `[roles]` of config.toml: users, and groups with an @ before them."""

    @property
    def administrators(self) -> tuple[str, ...]:
        """Users and groups that may do everything."""
        ...

    @property
    def managers(self) -> tuple[str, ...]:
        """Users and groups that may change, resend and reveal."""
        ...

    @property
    def members(self) -> tuple[str, ...]:
        """Users and groups that may read."""
        ...


class Names:
    """The host's user database. Blocking: a lookup may go over the network."""

    def user(self, uid: int) -> str:
        """Return a user's name, or the number where there is none."""
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)

    def ids_of(self, user: str) -> tuple[int, int] | None:
        """Return the numbers of a user and of their first group; None where the host knows no such user."""
        try:
            found = pwd.getpwnam(user)
        except (KeyError, OSError):
            return None
        return found.pw_uid, found.pw_gid

    def group_id(self, name: str) -> int | None:
        """Return a group's number."""
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            return None

    def groups_of(self, user: str, gid: int) -> frozenset[int]:
        """Return the numbers of a user's groups."""
        return frozenset(os.getgrouplist(user, gid))


def role_of(
    user: str,
    uid: int,
    groups: Iterable[int],
    roles: RoleLists,
    group_id: Callable[[str], int | None],
) -> Role | None:
    """Return the strongest role that names the user, their number, or one of their groups."""
    theirs = frozenset(groups)
    for role, principals in (
        (Role.ADMINISTRATOR, roles.administrators),
        (Role.MANAGER, roles.managers),
        (Role.MEMBER, roles.members),
    ):
        for principal in principals:
            if principal.startswith("@"):
                number = group_id(principal[1:])
                if number is not None and number in theirs:
                    return role
            elif principal in (user, str(uid)):
                return role
    return None


def hint_about(user: str, roles: RoleLists, names: Names) -> str:
    """Return why a name can do nothing on the desk as it is, for whoever gives them something; empty where it can.

    Blocking, as `names` is.
    """
    ids = names.ids_of(user)
    if ids is None:
        return f"this host knows no user {user}"
    uid, gid = ids
    if uid == 0 or role_of(user, uid, names.groups_of(user, gid) | {gid}, roles, names.group_id):
        return ""
    return f"{user} has no role on this desk: an administrator names them in [roles] of config.toml"
