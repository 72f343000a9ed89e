"""What was claimed leaves only while it is surely this daemon's."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from unittest.mock import AsyncMock, Mock

import pytest

from healthdesk.domain.delivery import PLAIN, Batch
from healthdesk.domain.states import Environment
from healthdesk.engine import sending as module
from healthdesk.engine.sending import TAKEN_UP, Sending
from healthdesk.testing import FakeClock

KEY = ("int_1", Environment.PRODUCTION)


@pytest.mark.parametrize("batch", [None, Batch(2, wait_s=0)])
@pytest.mark.parametrize(
    ("passed_s", "renewed", "checked"),
    [(14, None, False), (16, None, True), (60, True, False), (60, False, True)],
)
async def test_a_claim_is_looked_at_again_where_the_lease_it_was_made_under_may_be_over(
    monkeypatch, batch, passed_s, renewed, checked
):
    clock = FakeClock()
    left = AsyncMock(side_effect=asyncio.CancelledError)
    monkeypatch.setattr(module.attempt, "send", left)
    monkeypatch.setattr(module.batches, "send", left)
    store = SimpleNamespace(write=AsyncMock(return_value=set()))  # another daemon has taken it up
    target = SimpleNamespace(delivery=SimpleNamespace(batch=batch) if batch else PLAIN)
    circuits = Mock(**{"is_probe.return_value": False, "holds.return_value": False})
    lanes = {KEY: SimpleNamespace(concurrency=4, pace=None, per_request=2)}
    sending = Sending(
        SimpleNamespace(clock=clock, store=store),
        Mock(**{"get.return_value": target}),
        Mock(),
        circuits,
        Mock(__getitem__=lambda _, key: lanes[key]),
        Mock(),
    )
    sending.leased_until = clock.monotonic() + 15
    record = SimpleNamespace(
        id="rec_1", attempt_id="att_1", integration_id=KEY[0], environment=KEY[1], data=b"{}", begun=True, tries=1,
        sample=False, fix=None,
    )  # fmt: skip
    sending.take(record)
    clock.advance(passed_s)
    if renewed is not None:
        if not renewed:
            sending.lost_lease()
        sending.leased_until = clock.monotonic() + 15
    sending.start(KEY)
    await asyncio.gather(*sending._tasks, return_exceptions=True)
    assert store.write.called == checked
    assert left.called != checked
    assert [each.failure.sentence for each in sending.results] == [TAKEN_UP] * checked
