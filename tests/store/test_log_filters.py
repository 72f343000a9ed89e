"""Every filter of the log, together and apart, gives what a plain reading of all records gives."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from healthdesk.domain.ids import id_time
from healthdesk.domain.states import Environment, HoldReason, RecordEventKind, RecordState
from healthdesk.store import ledger, log_plan, record_events, records, schema, schema_jobs
from healthdesk.store.log_plan import order_of
from healthdesk.store.log_query import search
from healthdesk.store.period_ledger import of_period
from healthdesk.store.rows import CountRow, RecordQuery

COUNT = 400
KINDS = ("timeout", "missing_field", "server_error")
LEVELS = ("low", "moderate", "high", None)
DATES = ("completed", "first_attempt", "last_attempt")
JOB = "job_00000000000000000000000000"
HASHES = tuple(hashlib.sha256(str(n).encode()).digest() for n in range(3))


def rows_of(world, chance, count):
    """Records that came a second apart, most of them delivered at once, as a desk's are."""
    sources = world.sources
    for number in range(count):
        world.clock.advance(1)
        now = world.clock.now()
        record_id = world.new("rec")
        state = chance.choice([*[RecordState.DELIVERED] * 6, *RecordState])
        failing = state in (RecordState.FAILED, RecordState.RETRYING, RecordState.UNKNOWN)
        tried = state not in (RecordState.QUEUED, RecordState.HELD)
        first = now + timedelta(seconds=chance.choice([0, 0, 1, 300])) if tried else None
        again = failing or chance.random() < 0.1
        yield {
            "id": record_id,
            "webhook_id": world.new("rec") if number % 97 == 0 else record_id,
            "integration_id": chance.choice([world.integration_id, world.other_id]),
            "environment": chance.choice(list(Environment)),
            "source_id": chance.choice(sources),
            "level": chance.choice(LEVELS),
            "completed_at": now - timedelta(seconds=chance.choice([0, 1, 1, 400, 5000])),
            "state": state,
            "hold_reason": chance.choice(list(HoldReason)) if state is RecordState.HELD else None,
            "sample": chance.random() < 0.05,
            "tries": 1,
            "attempts": 2 if again else 1,
            "first_attempt_at": first,
            "last_attempt_at": first + timedelta(seconds=chance.choice([5, 900]) if again else 0)
            if first
            else None,
            "last_status": (chance.choice([422, 500, 503, None]) if failing else 200) if tried else None,
            "error_kind": chance.choice(KINDS) if failing else "",
            "error": chance.choice(["Risk_level is required", "100% down", "Wert in Übergröße"])
            if failing
            else "",
            "problem_id": chance.choice(["prb_a", "prb_b", None]) if failing else None,
            "body_hash": b"",
        }


@pytest.fixture
async def log(world):
    """A log of 400 records, lookup values of some, and a job of some."""
    world.other_id = await world.add_integration("Other", world.connection_id)
    chance = random.Random(3)
    world.rows = list(rows_of(world, chance, COUNT))
    world.hashes = {row["id"]: HASHES[n % 3] for n, row in enumerate(world.rows) if n % 5 == 0}
    world.in_job = {row["id"] for n, row in enumerate(world.rows) if n % 11 == 0}

    def fill(conn):
        conn.execute(schema.records.insert(), world.rows)
        deltas = ledger.Deltas()
        for row in world.rows:
            deltas.accepted(row["integration_id"], row["environment"], row["state"])
        ledger.apply(conn, deltas)
        conn.execute(
            schema.record_lookups.insert(),
            [{"record_id": one, "value_hash": value} for one, value in world.hashes.items()],
        )
        conn.execute(
            schema_jobs.job_records.insert(),
            [{"job_id": JOB, "record_id": one, "state": "pending"} for one in world.in_job],
        )

    await world.store.write(fill)
    world.keys = dict(zip(world.sources, ("heart", "sleep"), strict=True))
    return world


def fits(log, row, query):
    """The filter as docs/api.md tells it, read record by record."""
    text = query.text.lower()
    in_text = (
        any(row[name].startswith(query.text) for name in ("id", "webhook_id"))
        if query.text.startswith("rec_")
        else text in row["error"].lower()
    )
    return (
        query.integration_id in {None, row["integration_id"]}
        and query.environment in {None, row["environment"]}
        and query.source in {None, log.keys[row["source_id"]]}
        and (not query.states or row["state"] in query.states)
        and query.problem_id in {None, row["problem_id"]}
        and (not query.levels or row["level"] in query.levels)
        and (not query.statuses or row["last_status"] in query.statuses)
        and (not query.error_kinds or row["error_kind"] in query.error_kinds)
        and (not query.hold_reasons or row["hold_reason"] in query.hold_reasons)
        and query.sample in {None, row["sample"]}
        and (not query.text or in_text)
        and all(log.hashes.get(row["id"]) in wanted for wanted in query.lookups)
        and (query.job_id is None or row["id"] in log.in_job)
        and all(within(row[f"{date}_at"], query, date) for date in DATES)
    )


def within(at, query, date):
    start, end = getattr(query, f"{date}_from"), getattr(query, f"{date}_to")
    if start is None and end is None:
        return True
    return at is not None and (start is None or at >= start) and (end is None or at < end)


def some(log, chance, count):
    """Filters of one to four parts."""
    times = sorted(row["completed_at"] for row in log.rows)
    for _ in range(count):
        low, high = sorted(chance.sample(times, 2))
        parts = {
            "integration_id": log.integration_id,
            "environment": chance.choice(list(Environment)),
            "source": chance.choice(["heart", "sleep"]),
            "states": tuple(chance.sample(list(RecordState), chance.choice([1, 2]))),
            "problem_id": chance.choice(["prb_a", "prb_b"]),
            "levels": tuple(chance.sample(LEVELS[:3], 2)),
            "statuses": chance.choice([(422,), (500, 503), (200,), (200, 422)]),
            "error_kinds": tuple(chance.sample(KINDS, 2)),
            "hold_reasons": (HoldReason.PAUSED, HoldReason.CIRCUIT),
            "sample": chance.choice([True, False]),
            "text": chance.choice(
                ["risk_level", "100%", "REQUIRED", "ÜBERGRÖßE", "nothing", log.rows[97]["webhook_id"], "rec_"]
            ),
            "lookups": chance.choice([(HASHES[:1],), (HASHES[:2],), (HASHES[:2], HASHES[1:2])]),
            "job_id": JOB,
            "completed_from": low,
            "completed_to": high,
            "first_attempt_from": low,
            "first_attempt_to": high,
            "last_attempt_from": low,
            "last_attempt_to": high,
        }
        names = chance.sample(sorted(parts), chance.choice([1, 1, 2, 3, 4]))
        yield RecordQuery(**{name: parts[name] for name in names})


def sorted_by(query):
    order = order_of(query)
    return (lambda row: row["id"]) if order == "arrived" else (lambda row: (row[f"{order}_at"], row["id"]))


def paged(conn, query, **how):
    """Return the ids of all pages, and how far those came that ended early."""
    got, after, searched = [], None, []
    for _ in range(COUNT):
        found = search(conn, query, after=after, **how)
        assert len(found.ids) <= how["limit"]
        assert found.next is not None or found.searched_to is None
        assert found.next is None or found.searched_to or len(found.ids) == how["limit"]
        searched.append(found.searched_to)
        got += found.ids
        after = found.next
        if after is None:
            return got, [each for each in searched if each is not None]
    raise AssertionError("a search that never ends")


async def test_pages_of_any_filter_give_every_match_once_in_the_order_of_its_date(log, monkeypatch):
    def check(conn):
        ended_early, chance = Counter(), random.Random(5)
        told = (
            RecordQuery(source="heart", levels=("high",)),
            RecordQuery(states=(RecordState.DELIVERED, RecordState.FAILED), levels=("low", "high")),
            RecordQuery(statuses=(422, 500, 503), source="heart"),
        )
        for query in (*told, *some(log, chance, 80)):
            matching = [row for row in log.rows if fits(log, row, query)]
            expected = [row["id"] for row in sorted(matching, key=sorted_by(query))]
            for most, newest_first in ((60, chance.random() < 0.5), (2000, chance.random() < 0.5)):
                monkeypatch.setattr(log_plan, "RANGES_A_STATEMENT", chance.choice([7, 64]))
                got, searched = paged(conn, query, most=most, limit=40, newest_first=newest_first)
                assert got == (expected[::-1] if newest_first else expected), query
                assert searched == sorted(searched, reverse=newest_first)
                ended_early[most] += len(searched)
        assert ended_early[60]
        assert not ended_early[2000]

    await log.store.read(check)


async def test_counts_and_ranges_of_any_filter_are_those_of_its_pages(log):
    def check(conn):
        ended_early = 0
        for query in some(log, random.Random(6), 50):
            expected = sorted(row["id"] for row in log.rows if fits(log, row, query))
            assert records.count(conn, query).total == len(expected), query
            bounded = records.count(conn, query, 20)
            assert bounded.total == len(expected) if bounded.exact else bounded.total == 20 < len(expected), (
                query
            )
            few = records.count(conn, query, 20, most=30)
            assert few.total == len(expected) if few.exact else few.total <= min(20, len(expected)), query
            ended_early += few.total < min(20, len(expected))
            assert paged(conn, query, limit=64, newest_first=False, order="arrived") == (expected, []), query
        assert ended_early
        query = RecordQuery(last_attempt_from=log.clock.now() - timedelta(seconds=80))
        expected = sum(fits(log, row, query) for row in log.rows)
        assert records.count(conn, query, COUNT, most=COUNT - 50) == CountRow(expected), (
            "nothing counts twice"
        )

    await log.store.read(check)


async def test_a_search_says_how_far_it_came_and_reads_no_further(log):
    rare = replace(RecordQuery(), levels=("none has it",))
    found = await log.store.read(search, rare, limit=10, most=100)
    assert found.ids == []
    assert found.next == log.rows[-100]["id"]
    assert found.searched_to is not None
    assert abs(found.searched_to - (log.clock.now() - timedelta(seconds=99))) < timedelta(milliseconds=2)
    for query in (rare, replace(rare, completed_to=log.clock.now()), replace(rare, statuses=(422, 500, 503))):
        for most, exact in ((20, False), (COUNT, True)):
            assert await log.store.read(records.count, query, 10, most=most) == CountRow(0, exact), query


async def test_the_ledger_of_a_period_has_every_record_of_it_in_one_state_with_its_reason(log):
    start, end = log.rows[50]["completed_at"], log.clock.now() - timedelta(seconds=100)
    confirmed = [row for row in log.rows if row["state"] is RecordState.DELIVERED][50:53]

    def confirm(conn):
        for row in confirmed:
            record_events.add(conn, row["id"], RecordEventKind.RECEIPT, log.clock.now(), "confirmed")

    await log.store.write(confirm)
    query = RecordQuery(environment=Environment.TESTING, arrived_from=start, arrived_to=end)
    found = await log.store.read(of_period, query)
    theirs = [
        row
        for row in log.rows
        if row["environment"] is Environment.TESTING and start <= id_time(row["id"]) < end
    ]
    expected = Counter()
    for row in theirs:
        reason = {
            RecordState.HELD: row["hold_reason"],
            RecordState.AWAITING_RECEIPT: "receipt",
            RecordState.DELIVERED: "receipt" if row in confirmed else "",
        }.get(row["state"], row["error_kind"])
        expected[row["integration_id"], row["state"], str(reason), row["sample"]] += 1
    assert {
        (line.integration_id, line.state, line.reason, line.sample): line.count for line in found.lines
    } == dict(expected)
    assert all(row.balanced and row.environment is Environment.TESTING for row in found.rows)
    assert sum(row.accepted for row in found.rows) == len(theirs)
    assert sum(found.samples.values()) == sum(row["sample"] for row in theirs)
