"""Fakes that tests inject: a clock moved by hand, and a real HTTP endpoint on loopback with switchable faults."""

from healthdesk.testing.clock import START, FakeClock, FakeTimer
from healthdesk.testing.endpoint import FakeEndpoint
from healthdesk.testing.faults import (
    Behaviour,
    SeenRequest,
    close_after_request,
    close_before_request,
    drip,
    garbage,
    gzip_bomb,
    hold,
    huge,
    reply,
    reset_after_request,
    reset_before_request,
    reset_in_answer,
)

__all__ = [
    "START",
    "Behaviour",
    "FakeClock",
    "FakeEndpoint",
    "FakeTimer",
    "SeenRequest",
    "close_after_request",
    "close_before_request",
    "drip",
    "garbage",
    "gzip_bomb",
    "hold",
    "huge",
    "reply",
    "reset_after_request",
    "reset_before_request",
    "reset_in_answer",
]
