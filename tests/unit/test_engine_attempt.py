"""What the result of an attempt means while the desk itself is offline."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest

from healthdesk.domain.delivery import PLAIN
from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.states import Blame, Environment, ErrorKind, OnUnknown, RecordState
from healthdesk.engine.attempt import settle
from healthdesk.engine.targets import Target
from healthdesk.testing import FakeClock

CTX = SimpleNamespace(
    clock=FakeClock(),
    jitter_unit=lambda: 0.5,
    config=SimpleNamespace(delivery=SimpleNamespace(schedule=(0.0, 5.0, 300.0), jitter=0.2)),
)
TARGET = SimpleNamespace(
    integration_id="int_1",
    environment=Environment.PRODUCTION,
    connection_id="con_1",
    connection_name="CRM",
    owner="bob",
    on_unknown=OnUnknown.RESEND,
    delivery=PLAIN,
)
TARGET.problem_of = partial(Target.problem_of, TARGET)


def claimed(tries: int) -> SimpleNamespace:
    return SimpleNamespace(
        attempt_id="att_1",
        id="rec_1",
        integration_id="int_1",
        environment=Environment.PRODUCTION,
        tries=tries,
    )


def failure(kind: ErrorKind, sent: Sent = Sent.NO) -> Failure:
    return Failure(kind, Blame.THEM, False, "It failed.", "It failed.", "Wait.", sent)


@pytest.mark.parametrize(
    ("kind", "tries", "offline", "told"),
    [
        (ErrorKind.CONNECTION_REFUSED, 1, False, True),
        (ErrorKind.CONNECTION_REFUSED, 1, True, False),
        (ErrorKind.DNS, 2, True, False),
        # The record is given up: that has to be told, whosever fault it is.
        (ErrorKind.DNS, 3, True, True),
        (ErrorKind.SERVER_ERROR, 1, True, True),
    ],
)
def test_what_cannot_be_reached_is_nobodys_problem_while_the_desk_is_offline(kind, tries, offline, told):
    result = settle(CTX, TARGET, claimed(tries), None, failure(kind), offline=offline)
    assert (result.problem is not None) is told
    assert result.state is (RecordState.FAILED if tries == 3 else RecordState.RETRYING)
