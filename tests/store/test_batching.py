from __future__ import annotations

import asyncio

import pytest

from healthdesk.store.batching import MAX_BATCH, Batcher


class Started(list):
    """Batches as they were started; they finish when the test says so."""


@pytest.fixture
async def batches():
    started = Started()
    started.batcher = Batcher(asyncio.get_running_loop(), started.append)
    return started


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_comes_within_successive_turns_is_one_batch(batches):
    for turn in range(4):
        batches.batcher.add(turn)
        await asyncio.sleep(0)
    await turns()
    assert batches == [[0, 1, 2, 3]]


async def test_a_turn_that_adds_nothing_closes_the_batch(batches):
    batches.batcher.add(1)
    await turns(3)
    assert batches == [[1]]


async def test_the_next_batch_grows_while_one_is_under_way(batches):
    batches.batcher.add(1)
    await turns()
    batches.batcher.add(2)
    await turns()
    batches.batcher.add(3)
    await turns()
    assert batches == [[1]]
    batches.batcher.finished()
    await turns()
    assert batches == [[1], [2, 3]]


async def test_a_batch_is_never_larger_than_the_limit_and_nothing_is_left_behind(batches):
    for n in range(2 * MAX_BATCH + 5):
        batches.batcher.add(n)
    await turns()
    while sum(map(len, batches)) < 2 * MAX_BATCH + 5:
        batches.batcher.finished()
        await turns()
    assert [len(batch) for batch in batches] == [MAX_BATCH, MAX_BATCH, 5]
    assert [n for batch in batches for n in batch] == list(range(2 * MAX_BATCH + 5))


async def test_it_is_drained_once_all_is_finished(batches):
    batches.batcher.add(1)
    waiting = asyncio.ensure_future(batches.batcher.drained())
    await turns()
    assert not waiting.done()
    batches.batcher.finished()
    await waiting
