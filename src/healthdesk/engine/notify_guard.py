"""What the sending child may not do, whatever a plugin tries: an audit hook sees every attempt.

Plugins are other people's code, given URLs that operators typed. They reach public addresses and the networks
the host's administrator lists; they start no program, speak on no local socket and read nothing of the desk.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any

from healthdesk.connectors.policy import FIX, AddressPolicy

_PROGRAMS = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "pty.spawn",
        "subprocess.Popen",
    }
)
_ADDRESSES = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class Blocked(PermissionError):
    """Refused by the guard. An OSError, because that is what plugins expect of a connection that fails."""


class Guard:
    """Judges audit events; `on_refusal` is told each refusal in words."""

    def __init__(
        self, policy: AddressPolicy, on_refusal: Callable[[str], None], protected: Sequence[str] = ()
    ) -> None:
        self._policy = policy
        self._on_refusal = on_refusal
        self._protected = tuple(os.path.realpath(path) for path in protected)

    def install(self) -> None:
        """Watch this process until it ends; a hook cannot be removed."""
        sys.addaudithook(self.hear)

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        """Raise Blocked if the event must not happen."""
        if event in _ADDRESSES:
            self._address(args[0], args[1])
        elif event == "socket.getaddrinfo":
            self._name(args[0])
        elif event in _PROGRAMS:
            self._refuse("a channel may not start a program")
        elif event == "open" and self._protected:
            self._file(args[0])

    def _address(self, sock: socket.socket, address: Any) -> None:
        if address is None:  # a connected socket's sendmsg names none
            return
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            self._refuse("a channel may not use local sockets")
        reason = self._policy.refusal(_text(address[0]))
        if reason:
            self._refuse(f"{reason}; {FIX}")

    def _name(self, host: Any) -> None:
        """Refuse a literal before it is tried; a name is judged by the addresses it leads to."""
        text = _text(host)
        try:
            ip_address(text)
        except ValueError:
            return
        reason = self._policy.refusal(text)
        if reason:
            self._refuse(f"{reason}; {FIX}")

    def _file(self, path: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        real = os.path.realpath(os.fsdecode(path))
        if any(real == kept or real.startswith(kept + os.sep) for kept in self._protected):
            self._refuse("a channel may not read files of the desk")

    def _refuse(self, reason: str) -> None:
        self._on_refusal(reason)
        raise Blocked(reason)


def _text(host: Any) -> str:
    """Return a host as text; None is this host."""
    if host is None:
        return "localhost"
    return host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)
