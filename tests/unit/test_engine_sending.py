"""What was claimed leaves only while it is surely this daemon's."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from healthdesk.connectors.wire import leaving
from healthdesk.domain.delivery import PLAIN, Batch
from healthdesk.domain.states import Environment
from healthdesk.engine import deliver
from healthdesk.engine import sending as module
from healthdesk.engine.deliver import Deliverer
from healthdesk.engine.sending import LEASE_OVER
from healthdesk.errors import StoreUnavailable
from healthdesk.testing import FakeClock

KEY = ("int_1", Environment.PRODUCTION)


class Scene:
    """A deliverer whose lease holds for 10 s and that has claimed one record; what leaves is counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, batch: Batch | None = None) -> None:
        self.clock = FakeClock()
        self.left = 0
        self.at_the_wire_s = 0.0
        """How long a request waits for its connection and its turn."""
        monkeypatch.setattr(module.attempt, "send", self.send)
        monkeypatch.setattr(module.batches, "send", self.send)
        target = SimpleNamespace(
            integration_id=KEY[0], environment=KEY[1], connection_id="con_1", concurrency=4, per_request=2,
            delivery=SimpleNamespace(batch=batch) if batch else PLAIN, rate_per_s=None, probing=False, probe=None,
        )  # fmt: skip
        share = SimpleNamespace(slots=lambda number, *_: number)
        targets: Any = Mock(**{"get.return_value": target, "all.return_value": []}, share=share)
        circuits: Any = Mock(**{"is_probe.return_value": False, "holds.return_value": False})
        ctx: Any = SimpleNamespace(clock=self.clock, store=SimpleNamespace(write=AsyncMock(return_value=0)))
        self.deliverer = Deliverer(ctx, targets, Mock(), circuits)
        self.deliverer._lanes.lane(KEY, target)
        self.sending = self.deliverer._sending
        self.leased()
        record: Any = SimpleNamespace(
            id="rec_1", attempt_id="att_1", integration_id=KEY[0], environment=KEY[1], data=b"{}", begun=True,
            tries=1, sample=False, fix=None,
        )  # fmt: skip
        self.sending.take(record)

    def leased(self, *, held: bool = True) -> None:
        self.deliverer.leased(self.clock.monotonic() + 10, held=held)

    async def send(self, *_: object) -> None:
        self.clock.advance(self.at_the_wire_s)
        if (check := leaving.get()) is not None:
            check()
        self.left += 1
        raise asyncio.CancelledError

    async def start(self) -> list[str]:
        """Start what may be, and return why records were given back."""
        self.sending.start(KEY)
        await asyncio.gather(*self.sending._tasks, return_exceptions=True)
        return [each.failure.sentence for each in self.sending.results if each.failure]


@pytest.mark.parametrize("batch", [None, Batch(2, wait_s=0)])
@pytest.mark.parametrize(("at_the_wire_s", "leaves"), [(9, True), (11, False)])
async def test_the_lease_is_looked_at_once_a_request_could_leave(monkeypatch, batch, at_the_wire_s, leaves):
    scene = Scene(monkeypatch, batch)
    scene.at_the_wire_s = at_the_wire_s
    assert await scene.start() == ([] if leaves else [LEASE_OVER])
    assert scene.left == leaves


async def test_a_lease_that_was_lost_and_taken_again_while_a_request_waited_is_another_one(monkeypatch):
    scene = Scene(monkeypatch)
    take_again = scene.clock.advance
    monkeypatch.setattr(scene.clock, "advance", lambda s: (take_again(s), scene.leased(held=False)))
    scene.at_the_wire_s = 60
    assert await scene.start() == [LEASE_OVER]
    assert scene.left == 0


@pytest.mark.parametrize("held", [True, False])
async def test_nothing_leaves_under_a_lease_that_is_over_until_it_is_renewed(monkeypatch, held):
    scene = Scene(monkeypatch)
    scene.clock.advance(11)
    assert await scene.start() == []
    assert scene.left == 0
    scene.leased(held=held)
    assert await scene.start() == ([] if held else [LEASE_OVER])
    assert scene.left == held


async def test_a_turn_begins_with_the_renewal_of_a_lease_that_is_over(monkeypatch):
    scene = Scene(monkeypatch)
    settled = AsyncMock()
    monkeypatch.setattr(deliver, "settle_and_claim", settled)
    scene.deliverer.renew_lease = AsyncMock(side_effect=StoreUnavailable("away"))
    scene.sending.in_doubt = True
    scene.clock.advance(11)
    turn = asyncio.create_task(scene.deliverer._turn())
    await scene.clock.wait_for_sleepers()
    scene.clock.advance(1)
    await turn
    assert not settled.called, "neither does it claim"
    scene.deliverer.renew_lease, scene.sending.in_doubt = AsyncMock(side_effect=scene.leased), False
    await scene.deliverer._turn()
    assert await scene.start() == []
    assert scene.left == 1
