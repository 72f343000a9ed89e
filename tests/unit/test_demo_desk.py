"""The demo's daemon listens where nothing else does, nor will before it is up."""

from __future__ import annotations

import random
import socket

import pytest

from healthdesk.demo.children import DemoFailed
from healthdesk.demo.desk import free_port

OUTGOING_FROM = 32_768
"""Where the ports begin that Linux gives to outgoing connections."""


class Draws(random.Random):
    """Draws these ports, and the last one for ever."""

    def __init__(self, *ports: int) -> None:
        super().__init__()
        self.ports = list(ports)

    def randrange(self, *_range: int) -> int:
        return self.ports.pop(0) if len(self.ports) > 1 else self.ports[0]


def test_no_port_is_one_that_outgoing_connections_are_given():
    assert all(1024 < free_port() < OUTGOING_FROM for _ in range(20))


def test_port_that_is_taken_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        other = free_port()
        assert free_port(Draws(taken.getsockname()[1], other)) == other


def test_machine_without_a_free_port_is_told_so():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        with pytest.raises(DemoFailed, match="no free port"):
            free_port(Draws(taken.getsockname()[1]))
