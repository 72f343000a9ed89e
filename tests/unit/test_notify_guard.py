"""What the guard of the sending process lets pass. The real thing, in a process, is in the integration tests."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from pathlib import Path

import pytest

from healthdesk.connectors.policy import AddressPolicy
from healthdesk.engine.notify_guard import Blocked, Guard


@pytest.fixture
def refusals() -> list[str]:
    return []


@pytest.fixture
def guard(refusals: list[str], tmp_path: Path) -> Guard:
    policy = AddressPolicy([ip_network("127.0.0.0/8")])
    return Guard(policy, refusals.append, [str(tmp_path / "desk")])


@pytest.mark.parametrize(
    "address",
    [("10.0.0.1", 25), ("169.254.169.254", 80), ("metadata.internal", 80), (b"192.168.1.1", 25)],
)
@pytest.mark.parametrize("event", ["socket.connect", "socket.sendto"])
def test_address_off_the_list_is_refused(
    guard: Guard, refusals: list[str], address: tuple[str, int], event: str
) -> None:
    with socket.socket() as sock, pytest.raises(Blocked):
        guard.hear(event, (sock, address))
    [told] = refusals
    assert "list its network under security.allow_private_networks" in told


@pytest.mark.parametrize("carrier", ["::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"])
def test_wrapped_private_address_is_refused(guard: Guard, carrier: str) -> None:
    with socket.socket(socket.AF_INET6) as sock, pytest.raises(Blocked, match=r"10\.0\.0\.1"):
        guard.hear("socket.connect", (sock, (carrier, 25, 0, 0)))


def test_listed_and_public_addresses_pass(guard: Guard, refusals: list[str]) -> None:
    with socket.socket() as sock:
        guard.hear("socket.connect", (sock, ("127.0.0.1", 25)))
        guard.hear("socket.connect", (sock, ("1.1.1.1", 443)))
        guard.hear("socket.sendmsg", (sock, None))
    guard.hear("socket.getaddrinfo", ("mail.example", 25, 0, 0, 0))
    assert refusals == []


def test_private_literal_is_refused_before_it_is_tried(guard: Guard) -> None:
    with pytest.raises(Blocked, match="private network"):
        guard.hear("socket.getaddrinfo", ("10.0.0.1", 25, 0, 0, 0))


def test_local_sockets_and_programs_are_refused(guard: Guard) -> None:
    with socket.socket(socket.AF_UNIX) as sock, pytest.raises(Blocked, match="local sockets"):
        guard.hear("socket.connect", (sock, "/dev/log"))
    for event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
        with pytest.raises(Blocked, match="start a program"):
            guard.hear(event, ("sh",))


def test_files_of_the_desk_are_refused_by_any_path(guard: Guard, tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    desk.mkdir()
    detour = tmp_path / "detour"
    detour.symlink_to(desk)
    for path in (desk / "key", detour / "key", tmp_path / "x" / ".." / "desk" / "key"):
        with pytest.raises(Blocked, match="files of the desk"):
            guard.hear("open", (str(path), "r", 0))
    guard.hear("open", (str(tmp_path / "desks"), "r", 0))
    guard.hear("open", (3, "r", 0))
