"""What the result of an attempt means: while the desk itself is offline, and of a record that went in a batch."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest

from healthdesk.domain.delivery import PLAIN, Batch, Receipt
from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.states import Blame, Environment, ErrorKind, OnUnknown, RecordState
from healthdesk.engine import attempt, batches
from healthdesk.engine.attempt import settle
from healthdesk.engine.batch_answers import Result
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


@pytest.mark.parametrize("tries", [1, 3])
def test_what_was_refused_with_others_is_sent_alone_at_once_and_at_no_cost(tries):
    refusal = replace(failure(ErrorKind.REFUSED, Sent.YES), status=400)
    result = settle(CTX, TARGET, claimed(tries), None, refusal, alone_next=True)
    assert (result.state, result.next_at) == (RecordState.RETRYING, CTX.clock.now())
    assert result.tries == tries - 1


@pytest.mark.parametrize(
    ("status", "state"), [(202, RecordState.AWAITING_RECEIPT), (None, RecordState.DELIVERED)]
)
def test_what_the_answer_says_of_one_record_tells_whether_it_is_confirmed_later(status, state):
    receipt = Receipt(id="id", statuses=(202,))
    target = SimpleNamespace(**vars(TARGET) | {"delivery": replace(PLAIN, receipt=receipt)})
    whole = SimpleNamespace(status=207)
    assert settle(CTX, target, claimed(1), whole, None, status=status).state is state


async def test_a_fault_before_the_request_leaves_no_doubt_that_nothing_was_sent(monkeypatch):
    def broken(*_of):
        raise RuntimeError("ours")

    monkeypatch.setattr(attempt, "make", broken)
    record = SimpleNamespace(id="rec_1", attempt_id="att_1", fix_id=None, fix=None, facts=None)
    exchange, failure = await attempt.send(CTX, TARGET, record)
    assert exchange is None
    assert (failure.kind, failure.sent, failure.permanent) == (ErrorKind.INTERNAL, Sent.NO, False)


async def test_a_fault_in_one_record_of_a_batch_fails_no_other(monkeypatch):
    def item(_target, record):
        if record.id == "rec_2":
            raise RuntimeError("ours")
        return {"id": record.id}

    async def sent(_ctx, _target, _batch, made):
        return made

    async def judged(_batch, records, items, _whole, _document, *, refused):
        return [Result(record, None, None) for record in records]

    monkeypatch.setattr(batches, "_item", item)
    monkeypatch.setattr(batches, "_sent", sent)
    monkeypatch.setattr(batches, "judged", judged)
    monkeypatch.setattr(batches, "document_of", lambda _whole: None)
    monkeypatch.setattr(batches, "own_headers", lambda *_of, alone: {})
    made = []

    def request_of(_target, items, _headers):
        made.append(items)
        return SimpleNamespace(body=b"", request_body=None)

    monkeypatch.setattr(batches, "request_of", request_of)
    target = SimpleNamespace(**vars(TARGET), proof=SimpleNamespace(app=None))
    records = [SimpleNamespace(id=f"rec_{number}", fix=None) for number in (1, 2, 3)]
    results = {
        each.record.id: each.failure for each in await batches.send(CTX, target, Batch(size=3), records)
    }
    assert made == [[{"id": "rec_1"}, {"id": "rec_3"}]]
    assert (results["rec_1"], results["rec_3"]) == (None, None)
    assert (results["rec_2"].kind, results["rec_2"].sent) == (ErrorKind.INTERNAL, Sent.NO)
