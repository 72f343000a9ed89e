"""Numbers of instances for screens: exact while they are few, at most a second old when they are many."""

from __future__ import annotations

import pytest
from tests.integration.instance_desk import instance_desk

from healthdesk.engine.instance_counts import InstanceCounts


@pytest.fixture
async def desk(tmp_path):
    async with instance_desk(tmp_path) as made:
        await made.add()
        yield made


async def _total(counts: InstanceCounts) -> int:
    return sum(each.total for each in (await counts.by_place()).values())


async def test_few_are_counted_each_time(desk):
    counts = InstanceCounts(desk.engine.ctx, exact_to=2)
    assert await _total(counts) == 1
    await desk.add()
    assert await _total(counts) == 2


async def test_many_are_counted_once_a_second(desk):
    counts = InstanceCounts(desk.engine.ctx, exact_to=0)
    assert await _total(counts) == 1
    await desk.add()
    assert await _total(counts) == 1
    desk.clock.advance(1)
    assert await _total(counts) == 2
