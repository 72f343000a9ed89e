from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import timedelta
from itertools import product
from types import SimpleNamespace

import pytest
from sqlalchemy import text, update

from healthdesk.api.filters import ExportChoice
from healthdesk.domain.ids import id_time
from healthdesk.domain.states import Environment, RecordState
from healthdesk.errors import NotFound
from healthdesk.operations import exporting
from healthdesk.store import records, schema
from healthdesk.store.counting import count_statement
from healthdesk.store.log_plan import plan_of, ranges
from healthdesk.store.log_sql import Key, page_statement
from healthdesk.store.rows import RecordQuery
from tests.store.world import PRODUCTION, REFUSED, failure

STATES = list(RecordState)


@pytest.fixture
async def full(world):
    """A log of 240 records of two integrations, both sources, both environments, in every state."""
    chance = random.Random(7)
    other = await world.add_integration("Other", world.connection_id)
    mine, world.other_id = world.integration_id, other
    for _ in range(240):
        world.clock.advance(chance.choice([0, 0, 0.5, 3]))
        await world.accept(
            source_id=chance.choice(world.sources),
            integration_id=chance.choice([mine, mine, other]),
            environment=chance.choice(list(Environment)),
        )
    for integration_id in (mine, other):
        world.integration_id = integration_id
        for environment in Environment:
            claimed = await world.claim(500, environment)
            settled = []
            for each in claimed:
                turn = chance.randrange(5)
                if turn == 0:
                    settled.append(world.delivered(each))
                elif turn == 1:
                    settled.append(world.failed(each, REFUSED))
                elif turn == 2:
                    settled.append(world.failed(each, failure(), state=chance.choice(STATES)))
            await world.step(settled)
    world.integration_id = mine
    await world.check_ledger()
    return world


async def everything(world):
    rows = (await world.store.read(records.page, RecordQuery(), limit=500)).items
    assert len(rows) == 240
    return rows


def matches(row, query):
    return (
        query.integration_id in {None, row.integration_id}
        and query.environment in {None, row.environment}
        and query.source in {None, row.source}
        and (not query.states or row.state in query.states)
        and query.problem_id in {None, row.problem_id}
        and (query.arrived_from is None or row.arrived_at >= query.arrived_from)
        and (query.arrived_to is None or row.arrived_at < query.arrived_to)
    )


def some_queries(world, rows, count):
    chance = random.Random(11)
    problem_ids = sorted({row.problem_id for row in rows if row.problem_id})
    times = sorted(row.arrived_at for row in rows)
    for _ in range(count):
        bounds = sorted(chance.sample(times, 2))
        yield RecordQuery(
            integration_id=chance.choice([None, world.integration_id, world.other_id]),
            environment=chance.choice([None, None, *Environment]),
            source=chance.choice([None, "heart", "sleep", "unknown"]),
            states=tuple(chance.sample(STATES, chance.choice([0, 0, 1, 2, 5]))),
            problem_id=chance.choice([None, None, None, *problem_ids]),
            arrived_from=chance.choice([None, bounds[0]]),
            arrived_to=chance.choice([None, bounds[1]]),
        )


async def test_pages_and_counts_give_every_match_once_for_any_filter(full):
    rows = await everything(full)
    assert [row.id for row in rows] == sorted((row.id for row in rows), reverse=True)

    def check(conn):
        for number, query in enumerate(some_queries(full, rows, 80)):
            expected = [row.id for row in rows if matches(row, query)]
            newest_first = number % 2 == 0
            got, after = [], None
            while True:
                page = records.page(conn, query, after=after, limit=17, newest_first=newest_first)
                assert len(page.items) <= 17
                got += [row.id for row in page.items]
                after = page.next
                if after is None:
                    break
            assert got == (expected if newest_first else expected[::-1]), query
            assert records.count(conn, query).total == len(expected), query
            few = records.count(conn, query, 20)
            assert few.total == len(expected) if few.exact else few.total == 20 < len(expected), query
        total = records.count(conn, RecordQuery(), 10)
        assert (total.total, total.exact) == (240, True), "the ledger knows, beyond the limit"

    await full.store.read(check)


async def test_a_source_of_many_integrations_is_paged_and_counted_whole(world):
    mine = world.integration_id
    for n in range(40):
        world.integration_id = await world.add_integration(f"Integration {n}", world.connection_id)
        await world.accept(2)
    world.integration_id = mine
    query = RecordQuery(source="heart")
    first = await world.store.read(records.page, query, limit=50)
    rest = await world.store.read(records.page, query, limit=50, after=first.next)
    ids = [row.id for row in first.items + rest.items]
    assert ids == sorted(set(ids), reverse=True)
    assert (len(ids), rest.next) == (80, None)
    assert (await world.store.read(records.count, query, 100)).total == 80
    assert (await world.store.read(records.count, query, 60)).exact is False
    assert (await world.store.read(records.resend_plan, query)).skipped_other == 80
    dated = await world.store.read(records.page, query, limit=500, order="completed")
    assert sorted(row.id for row in dated.items) == sorted(ids)


async def test_an_unknown_record_is_not_found(world):
    with pytest.raises(NotFound):
        await world.store.read(records.get, "rec_unknown")
    with pytest.raises(NotFound):
        await world.store.read(records.attempt, "rec_unknown", "att_unknown")
    assert await world.store.read(records.body, "rec_unknown") is None


async def test_arrival_is_the_ids_time(world):
    (record_id,) = await world.accept()
    row = await world.store.read(records.get, record_id)
    assert row.arrived_at == id_time(record_id)
    assert abs(row.arrived_at - world.clock.now()) < timedelta(milliseconds=2)


FILTERS = {
    "nothing": RecordQuery(),
    "state": RecordQuery(states=(RecordState.FAILED,)),
    "states": RecordQuery(states=(RecordState.FAILED, RecordState.RETRYING)),
    "environment": RecordQuery(environment=PRODUCTION),
    "source": RecordQuery(source="heart"),
    "source and state": RecordQuery(source="heart", states=(RecordState.FAILED,)),
    "integration": RecordQuery(integration_id="mine"),
    "integration and environment": RecordQuery(integration_id="mine", environment=PRODUCTION),
    "integration and state": RecordQuery(integration_id="mine", states=(RecordState.HELD,)),
    "integration, source and state": RecordQuery(
        integration_id="mine", source="heart", states=(RecordState.DELIVERED,)
    ),
    "problem": RecordQuery(problem_id="prb_x"),
    "problem and state": RecordQuery(problem_id="prb_x", states=(RecordState.FAILED,)),
}


def plan(conn, statement, params):
    return [row[3] for row in conn.execute(text("EXPLAIN QUERY PLAN " + statement), params)]


async def test_every_page_seeks_in_an_index_and_sorts_no_table(sqlite_world):
    """Whatever the filter and depth: each part is a search by equality down to the id, none is a scan."""
    now = sqlite_world.clock.now()

    def read(conn):
        for (named, query), deep, dated in product(FILTERS.items(), (False, True), (False, True)):
            chosen = query
            if query.integration_id:
                chosen = replace(chosen, integration_id=sqlite_world.integration_id)
            if dated:
                chosen = replace(chosen, arrived_from=now - timedelta(days=7), arrived_to=now)
            found = plan_of(conn, chosen)
            after = Key(0, sqlite_world.new("rec")) if deep else None
            paging = plan(
                conn, *page_statement(found, found.base.ranges, after=after, limit=50, newest_first=True)
            )
            counting = plan(conn, *count_statement(ranges(conn, chosen), 100))
            check_steps(named, paging, bounded=deep or dated)
            check_steps(named, counting, bounded=dated)

    await sqlite_world.store.read(read)


def check_steps(named, steps, *, bounded):
    touching = [step for step in steps if re.search(r"\brecords\b", step)]
    assert touching, named
    for step in touching:
        if named == "nothing" and not bounded:
            assert step == "SCAN records" or step.startswith("SCAN records USING COVERING INDEX"), step
            continue
        assert step.startswith("SEARCH records USING"), (named, step)
        if named.startswith("problem"):
            assert "ix_records_problem (problem_id=?" in step, (named, step)
        elif named != "nothing":
            assert "environment=? AND state=?" in step, (named, step)
        if bounded and "problem" not in named:
            assert "id<?" in step or "id>?" in step, (named, step)


async def test_the_newest_page_of_everything_reads_backwards_without_sorting(sqlite_world):
    def read(conn):
        found = plan_of(conn, RecordQuery())
        return plan(conn, *page_statement(found, found.base.ranges, after=None, limit=50, newest_first=True))

    assert await sqlite_world.store.read(read) == ["SCAN records"]


async def test_what_is_tried_while_a_file_is_made_is_in_it_once(world, monkeypatch):
    monkeypatch.setattr(exporting, "MAX_PAGE", 1)
    ids = await world.accept(3)
    for each in await world.claim():
        world.clock.advance(1)
        await world.step([world.failed(each, REFUSED)])
    query = RecordQuery(last_attempt_from=world.clock.now() - timedelta(hours=1))
    found = []
    reads = SimpleNamespace(read=world.store.read)
    async for lines in exporting._lines(reads, query, ExportChoice(), newest_first=True):
        found += [line["id"] for line in lines]
        world.clock.advance(60)
        tried = update(schema.records).where(schema.records.c.id == ids[0])
        change = tried.values(last_attempt_at=world.clock.now())
        await world.store.write(lambda conn, change=change: conn.execute(change))
    assert found == sorted(ids, reverse=True)
