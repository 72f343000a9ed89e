"""What an integration allows is divided among the daemons, and no more is allowed in all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.states import Environment
from healthdesk.engine.engine import Engine
from healthdesk.engine.janitor import SHARED_AFTER_S
from healthdesk.engine.lanes import Lanes
from healthdesk.engine.lease import Lease
from healthdesk.engine.share import Share, share_of
from healthdesk.engine.slots import AHEAD_S, Pace
from healthdesk.testing import FakeClock

PRODUCTION = Environment.PRODUCTION


@given(concurrency=st.integers(0, 200), of=st.integers(1, 12), name=st.text(max_size=8))
def test_the_shares_add_up_to_the_whole_and_differ_by_one_at_most(
    concurrency: int, of: int, name: str
) -> None:
    slots = [Share(rank, of).slots(concurrency, name, PRODUCTION) for rank in range(of)]
    assert sum(slots) == concurrency
    assert max(slots) - min(slots) <= 1
    rates = [Share(rank, of).rate(5.0, max(1, concurrency), name, PRODUCTION) for rank in range(of)]
    assert sum(rates) == pytest.approx(5.0)
    assert min(rates) > 0, "each may ask"


def test_a_rate_goes_where_the_slots_are() -> None:
    rates = [Share(rank, 2).rate(10.0, 1, "int_1", PRODUCTION) for rank in range(2)]
    assert sorted(rates) == pytest.approx([0.5, 9.5])
    assert [Share(rank, 2).rate(10.0, 4, "int_1", PRODUCTION) for rank in range(2)] == [5.0, 5.0]


class Shared:
    """What lanes know of targets."""

    share, joined_at, shared_at = Share(0, 2), 0.0, 0.0


def test_a_daemon_that_joins_waits_for_the_others_and_takes_more_of_a_rate_only_once_they_left_it() -> None:
    clock, targets = FakeClock(), Shared()
    circuits: Any = SimpleNamespace(
        lets_probe=lambda _: False, limit=lambda target: target.concurrency, holds=lambda _: False
    )
    target: Any = SimpleNamespace(concurrency=4, rate_per_s=10.0, probing=False, per_request=1)
    lanes = Lanes(clock, cast("Any", targets), circuits, Lease(clock), lambda: None)

    def pace() -> Pace:
        found = lanes.lane(("int_1", PRODUCTION), target).pace
        assert found is not None
        return found

    targets.joined_at = targets.shared_at = clock.monotonic() + 10
    assert (pace().rate_per_s, pace().wait_s()) == (5.0, pytest.approx(10 - AHEAD_S))
    targets.share = Share(0, 4)
    assert pace().rate_per_s == 2.5, "less at once"
    targets.share = Share(0, 2)
    clock.advance(9.9)
    assert pace().rate_per_s == 2.5
    clock.advance(0.1)
    assert (pace().rate_per_s, pace().wait_s()) == (5.0, 0.0)
    targets.joined_at = clock.monotonic() + 10
    assert pace().question_in_s() >= 10, "it joins again"


def test_the_others_are_waited_for_where_there_are_any_and_they_did_not_count_on_this_one() -> None:
    targets: Any = SimpleNamespace(share=Share(), joined_at=0.0, shared_at=0.0)
    deliverer = SimpleNamespace(wake_all=lambda: None)
    ctx = SimpleNamespace(clock=FakeClock(), daemon_id="b")
    engine: Any = SimpleNamespace(ctx=ctx, targets=targets, deliverer=deliverer, delivers=lambda: True)
    soon = ctx.clock.monotonic() + SHARED_AFTER_S
    Engine._divide(engine, ["b"], joins=True)
    assert (targets.joined_at, targets.shared_at) == (0.0, 0.0), "it is alone"
    Engine._divide(engine, ["a", "b"], joins=False)
    assert (targets.joined_at, targets.shared_at) == (0.0, soon), "another joined"
    Engine._divide(engine, ["a", "b"], joins=True)
    assert (targets.joined_at, targets.shared_at) == (soon, soon), "its lease had run out"


def test_single_slots_of_many_integrations_do_not_all_fall_to_one_daemon() -> None:
    mine = [Share(0, 3).slots(1, f"int_{n}", PRODUCTION) for n in range(60)]
    assert 10 < sum(mine) < 30


def test_daemons_agree_on_their_ranks_whatever_order_they_see() -> None:
    assert [share_of(each, ["c", "a", "b"]) for each in "abc"] == [Share(0, 3), Share(1, 3), Share(2, 3)]


def test_a_daemon_alone_or_not_yet_seen_counts_itself() -> None:
    assert share_of("b", []) == Share(0, 1)
    assert share_of("b", ["a"]) == Share(1, 2)


def test_a_daemon_that_cannot_deliver_leaves_all_to_those_that_can() -> None:
    out = share_of("b", ["a"], delivers=False)
    assert [out.slots(8, f"int_{n}", PRODUCTION) for n in range(20)] == [0] * 20
    assert share_of("a", ["a"]) == Share(0, 1)
    assert share_of("b", ["a", "b"], delivers=False) == Share(1, 2), "where nobody can, all do what they can"
