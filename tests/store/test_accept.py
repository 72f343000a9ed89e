from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from healthdesk.domain.states import HoldReason, RecordState
from healthdesk.errors import IdempotencyConflict, StoreError
from healthdesk.store import records
from tests.store.world import DATA, TESTING


async def test_what_was_posted_is_kept_byte_for_byte(world):
    body = b'{"data": ' + b'{"score": 71}' + b', "source": "caf\xc3\xa9", "x": "\\u00e9"} \r\n'
    record = world.record(body=body, data_start=9, data_end=22)
    await world.store.accept(record)
    kept = await world.store.read(records.body, record.id)
    assert kept.body == body
    assert kept.data == DATA
    row = await world.store.read(records.get, record.id)
    assert (row.state, row.source, row.source_name, row.level) == (
        RecordState.QUEUED,
        "heart",
        "Heart",
        "high",
    )
    assert row.webhook_id == record.id
    assert row.next_attempt_at == world.clock.now()


async def test_records_that_arrive_together_are_all_stored(world):
    ids = await world.accept(300)
    assert len(set(ids)) == 300
    assert await world.check_ledger() == {"queued": 300}


async def test_the_same_key_with_the_same_body_answers_the_first_id(world):
    first = await world.store.accept(world.record(idempotency_key="k"))
    again = await world.store.accept(world.record(idempotency_key="k"))
    assert (again.id, again.duplicate) == (first.id, True)
    assert not first.duplicate
    assert await world.check_ledger() == {"queued": 1}


async def test_the_same_key_with_another_body_is_a_conflict(world):
    await world.store.accept(world.record(idempotency_key="k"))
    with pytest.raises(IdempotencyConflict):
        await world.store.accept(world.record(idempotency_key="k", body=b"other", data_start=0, data_end=5))
    assert await world.check_ledger() == {"queued": 1}


async def test_a_key_is_of_one_environment(world):
    first = await world.store.accept(world.record(idempotency_key="k"))
    other = await world.store.accept(world.record(idempotency_key="k", environment=TESTING))
    assert first.id != other.id


async def test_repeats_in_one_batch_are_stored_once(world):
    answers = await asyncio.gather(
        *(world.store.accept(world.record(idempotency_key=f"k{n % 5}")) for n in range(50)),
        *(world.store.accept(world.record(idempotency_key="k0", body=b"x")) for _ in range(3)),
        return_exceptions=True,
    )
    good = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(good) == 50
    assert len({answer.id for answer in good}) == 5
    assert sum(not answer.duplicate for answer in good) == 5
    assert all(isinstance(answer, IdempotencyConflict) for answer in answers[50:])
    assert await world.check_ledger() == {"queued": 5}


async def test_a_bad_record_does_not_fail_its_neighbours(world):
    taken = (await world.accept())[0]
    bad = [world.record(id=taken), world.record(body_hash=None)]
    good = [world.record() for _ in range(6)]
    mixed = [good[0], bad[0], *good[1:4], bad[1], *good[4:]]
    answers = await asyncio.gather(*(world.store.accept(each) for each in mixed), return_exceptions=True)
    for record, answer in zip(mixed, answers, strict=True):
        assert isinstance(answer, BaseException) == (record in bad), answer
    assert await world.check_ledger() == {"queued": 7}


async def test_a_failing_write_in_the_batch_is_undone_alone(world):
    def fails(conn):
        from healthdesk.store import desk

        desk.set_setting(conn, "half", "done")
        raise ZeroDivisionError

    accepted, failed = await asyncio.gather(world.accept(3), world.store.write(fails), return_exceptions=True)
    assert len(accepted) == 3
    assert isinstance(failed, ZeroDivisionError)
    from healthdesk.store import desk

    assert await world.store.read(desk.setting, "half") is None


async def test_a_held_record_waits_without_a_time(world):
    record = replace(world.record(), state=RecordState.HELD, hold_reason=HoldReason.PAUSED)
    await world.store.accept(record)
    row = await world.store.read(records.get, record.id)
    assert (row.state, row.hold_reason, row.next_attempt_at) == (
        RecordState.HELD,
        HoldReason.PAUSED,
        None,
    )
    assert await world.claim() == []
    assert await world.check_ledger() == {"held": 1}


async def test_two_daemons_that_accept_the_same_key_at_once_store_it_once(
    postgres_world, opened, postgres_url
):
    other = await opened(postgres_url, "dmn_two")
    world = postgres_world
    answers = await asyncio.gather(
        *(
            store.accept(world.record(idempotency_key=f"k{n}"))
            for n in range(40)
            for store in (world.store, other)
        )
    )
    assert len({answer.id for answer in answers}) == 40
    assert sum(not answer.duplicate for answer in answers) == 40
    assert await world.check_ledger() == {"queued": 40}


async def test_a_write_that_ruins_the_transaction_does_not_take_its_neighbours_along(sqlite_world):
    """Each is committed again alone when the shared transaction is lost."""
    world = sqlite_world

    def ruins(conn):
        conn.connection.dbapi_connection.execute("ROLLBACK")

    accepted, ruined = await asyncio.gather(world.accept(3), world.store.write(ruins), return_exceptions=True)
    assert len(accepted) == 3
    assert isinstance(ruined, StoreError)
    assert await world.check_ledger() == {"queued": 3}
