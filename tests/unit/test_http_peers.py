"""Who is on the socket: kernel facts and config.toml decide, the strongest role wins, the unnamed have none."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest

from healthdesk.domain.states import Role
from healthdesk.errors import NotPermitted
from healthdesk.host.users import Names, role_of
from healthdesk.http.peers import Peer, Peers, peer_of
from healthdesk.testing import FakeClock


@dataclass
class Roles:
    administrators: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


class FakeNames(Names):
    users = {1000: "alice", 1001: "bob", 1002: "carol"}
    groups = {"ops": 500, "desk": 501}

    def __init__(self) -> None:
        self.asked = 0

    def user(self, uid: int) -> str:
        self.asked += 1
        return self.users.get(uid, str(uid))

    def group_id(self, name: str) -> int | None:
        return self.groups.get(name)

    def groups_of(self, user: str, gid: int) -> frozenset[int]:
        return frozenset({gid, 500} if user == "carol" else {gid})


ROLES = Roles(administrators=("alice",), managers=("@ops", "1003"), members=("@desk", "bob", "alice"))


@pytest.mark.parametrize(
    ("user", "uid", "groups", "role"),
    [
        ("alice", 1000, {100}, Role.ADMINISTRATOR),
        ("bob", 1001, {100}, Role.MEMBER),
        ("bob", 1001, {100, 500}, Role.MANAGER),
        ("dave", 1009, {501}, Role.MEMBER),
        ("1003", 1003, set(), Role.MANAGER),
        ("mallory", 1666, {100}, None),
    ],
)
def test_the_strongest_role_that_names_them_wins(
    user: str, uid: int, groups: set[int], role: Role | None
) -> None:
    assert role_of(user, uid, groups, ROLES, FakeNames().group_id) is role


def test_a_group_that_does_not_exist_names_nobody() -> None:
    assert role_of("x", 7, {0}, Roles(administrators=("@nosuch",)), FakeNames().group_id) is None


async def test_root_is_an_administrator_whatever_the_config_says() -> None:
    peers = Peers(Roles(), FakeClock(), FakeNames())
    assert (await peers.identify(Peer(0, 0, frozenset()))).role is Role.ADMINISTRATOR


async def test_the_unnamed_are_refused_and_told_whom_to_ask() -> None:
    with pytest.raises(NotPermitted) as caught:
        await Peers(ROLES, FakeClock(), FakeNames()).identify(Peer(1666, 1666, frozenset()))
    assert "alice" in caught.value.fix


async def test_the_primary_group_counts_and_so_does_the_database_when_the_kernel_lists_none() -> None:
    peers = Peers(ROLES, FakeClock(), FakeNames())
    assert (await peers.identify(Peer(1005, 501, frozenset()))).role is Role.MEMBER
    assert (await peers.identify(Peer(1002, 100, None))).role is Role.MANAGER


async def test_lookups_are_kept_for_a_while_and_then_made_again() -> None:
    names, clock = FakeNames(), FakeClock()
    peers = Peers(ROLES, clock, names)
    for _ in range(5):
        await peers.identify(Peer(1000, 100, frozenset()))
    assert names.asked == 1
    clock.advance(31)
    await peers.identify(Peer(1000, 100, frozenset()))
    assert names.asked == 2


async def test_the_kernel_names_the_peer_of_a_unix_socket(tmp_path: Path) -> None:
    found: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()

    async def served(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.set_result(peer_of(writer.transport))
        writer.close()

    server = await asyncio.start_unix_server(served, tmp_path / "s")
    async with server:
        _, writer = await asyncio.open_unix_connection(tmp_path / "s")
        peer = await found
        writer.close()
    assert (peer.uid, peer.gid) == (os.getuid(), os.getgid())
    assert peer.groups == frozenset(os.getgroups())


async def test_tcp_has_no_peer() -> None:
    async def served(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            peer_of(writer.transport)
        except NotPermitted:
            writer.write(b"refused")
        writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0, family=socket.AF_INET)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b"refused"
        writer.close()
    with pytest.raises(NotPermitted), contextlib.nullcontext():
        peer_of(None)
