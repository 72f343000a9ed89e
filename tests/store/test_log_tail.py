"""The live tail of the log shows each record that comes to match once, however the filter sorts."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from healthdesk.api.records import Record, RecordFilter, RecordPage
from healthdesk.cli.follow import WATCHED, Looks
from healthdesk.operations.records import query_of
from healthdesk.store import records
from tests.store.world import REFUSED

DAY = timedelta(days=1)


class Client:
    """The client's list of records, straight from the store."""

    def __init__(self, store):
        self.store = store

    async def records_list(self, chosen, *, after=None, limit, order=None):
        found = await self.store.read(records.page, query_of(chosen), after=after, limit=limit, order=order)
        items = [Record.model_validate(row, from_attributes=True) for row in found.items]
        return RecordPage(items=items, next=found.next, order=found.order, searched_to=found.searched_to)


async def seen(world, looks):
    """What a look shows, a minute after the last; a second one shows nothing more."""
    rows = [row.id for row in await looks.fresh()]
    looks.since = world.clock.now()
    assert await looks.fresh() == []
    world.clock.advance(60)
    return rows


@pytest.mark.parametrize("date", ["arrived", "completed", "last_attempt"])
async def test_what_arrives_and_what_is_tried_is_shown_once_wherever_the_filter_sorts_it(world, date):
    start = world.clock.now()
    old = await world.accept(WATCHED + 1, completed_at=start + DAY)
    await world.step([world.delivered(each) for each in await world.claim(WATCHED + 1)])
    world.clock.advance(60)
    chosen = RecordFilter(integration_id=world.integration_id, **{f"{date}_from": start - DAY})
    looks = Looks(SimpleNamespace(client=Client(world.store)), chosen, world.clock.now())
    await looks.fresh()
    new = await world.accept(2, completed_at=start - DAY / 2)
    assert await seen(world, looks) == ([] if date == "last_attempt" else sorted(new))
    claimed = await world.claim()
    await world.step([world.failed(each, REFUSED) for each in claimed])
    assert await seen(world, looks) == sorted(new)
    await world.store.write(records.resend, [min(old)], by="ann", now=world.clock.now(), delivered_too=True)
    [again] = await world.claim()
    await world.step([world.delivered(again)])
    assert await seen(world, looks) == [min(old)]
