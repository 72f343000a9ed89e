"""What an integration allows is divided among the daemons, and no more is allowed in all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.states import Environment
from healthdesk.engine.share import Share, share_of

PRODUCTION = Environment.PRODUCTION


@given(concurrency=st.integers(0, 200), of=st.integers(1, 12), name=st.text(max_size=8))
def test_the_shares_add_up_to_the_whole_and_differ_by_one_at_most(
    concurrency: int, of: int, name: str
) -> None:
    slots = [Share(rank, of).slots(concurrency, name, PRODUCTION) for rank in range(of)]
    assert sum(slots) == concurrency
    assert max(slots) - min(slots) <= 1
    assert sum(Share(rank, of).rate(5.0) for rank in range(of)) == pytest.approx(5.0)


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
