"""Who is on the other end of the Unix socket: the kernel says, and config.toml maps users and groups to roles."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from dataclasses import dataclass

from aiohttp import web

from healthdesk.clock import Clock
from healthdesk.domain.states import Role
from healthdesk.errors import NotPermitted
from healthdesk.host.users import Names, RoleLists, role_of
from healthdesk.operations.desk import Operator

SO_PEERGROUPS = 59
"""From Linux's asm-generic/socket.h; Python's socket module does not name it."""

_MOST_GROUPS_BYTES = 1024
_CACHED_FOR_S = 30.0


@dataclass(frozen=True, slots=True)
class Peer:
    """A process that connected. `groups` is None when the kernel could not list them."""

    uid: int
    gid: int
    groups: frozenset[int] | None


def peer_of(transport: asyncio.BaseTransport | None) -> Peer:
    """Ask the kernel who connected. NotPermitted when it does not say (no Unix socket)."""
    connection = transport.get_extra_info("socket") if transport is not None else None
    if connection is None or connection.family != socket.AF_UNIX:
        raise NotPermitted("the operator API is spoken over its Unix socket only")
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, uid, gid = struct.unpack("3i", raw)
    groups: frozenset[int] | None
    try:
        listed = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, _MOST_GROUPS_BYTES)
        groups = frozenset(struct.unpack(f"{len(listed) // 4}I", listed))
    except OSError as error:
        # In more groups than fit, or on a kernel that does not list them: the user database says.
        if error.errno not in (errno.ERANGE, errno.ENOPROTOOPT, errno.EINVAL):
            raise
        groups = None
    return Peer(uid, gid, groups)


class Peers:
    """Maps peers to operators. Lookups run off the loop and are kept for half a minute."""

    def __init__(self, roles: RoleLists, clock: Clock, names: Names | None = None) -> None:
        self._roles = roles
        self._clock = clock
        self._names = names or Names()
        self._known: dict[Peer, tuple[Operator | None, str, float]] = {}

    async def operator(self, request: web.BaseRequest) -> Operator:
        """Return who asks, or raise NotPermitted naming whom to ask."""
        if "Origin" in request.headers:
            raise NotPermitted("requests of browsers are refused", fix="use the healthdesk command or curl")
        return await self.identify(peer_of(request.transport))

    async def identify(self, peer: Peer) -> Operator:
        """Return the operator a peer is."""
        now = self._clock.monotonic()
        known = self._known.get(peer)
        if known is None or now - known[2] >= _CACHED_FOR_S:
            operator, user = await asyncio.to_thread(self._find, peer)
            self._known = {
                each: entry for each, entry in self._known.items() if now - entry[2] < _CACHED_FOR_S
            }
            known = self._known[peer] = (operator, user, now)
        operator, user, _ = known
        if operator is None:
            raise NotPermitted(
                f"{user} has no role on this desk",
                fix="Ask an administrator ("
                + ", ".join(self._roles.administrators or ("root",))
                + ") to name you in [roles] of config.toml.",
            )
        return operator

    def _find(self, peer: Peer) -> tuple[Operator | None, str]:
        user = self._names.user(peer.uid)
        if peer.uid == 0:
            return Operator(user, Role.ADMINISTRATOR), user
        groups = peer.groups if peer.groups is not None else self._names.groups_of(user, peer.gid)
        role = role_of(user, peer.uid, groups | {peer.gid}, self._roles, self._names.group_id)
        return (Operator(user, role) if role else None), user
