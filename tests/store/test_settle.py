from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from healthdesk.domain.states import AttemptOutcome, HoldReason, RecordState, Trigger
from healthdesk.store import desk, records
from healthdesk.store.rows import EnvWant
from tests.store.job_world import resend_everything
from tests.store.world import DATA, PRODUCTION, TESTING, failure


async def test_a_claim_commits_the_intent_before_it_answers(world):
    (record_id,) = await world.accept(1, source_id=world.sources[1])
    (claimed,) = await world.claim()
    assert (claimed.id, claimed.webhook_id, claimed.data) == (record_id, record_id, DATA)
    assert (claimed.number, claimed.tries) == (1, 1)
    assert (claimed.trigger, claimed.triggered_by) == (Trigger.FIRST, "")
    (attempt,) = await world.store.read(records.attempts, record_id)
    assert (attempt.id, attempt.outcome) == (claimed.attempt_id, AttemptOutcome.SENDING)
    row = await world.store.read(records.get, record_id)
    assert (row.state, row.tries, row.first_attempt_at) == (RecordState.SENDING, 1, world.clock.now())
    assert await world.check_ledger() == {"sending": 1}


async def test_what_is_due_first_is_claimed_first_and_no_more_than_is_free(world):
    first = await world.accept(3)
    world.clock.advance(10)
    second = await world.accept(3)
    assert [claimed.id for claimed in await world.claim(free=4)] == [*first, second[0]]
    assert [claimed.id for claimed in await world.claim(free=4)] == second[1:]
    assert await world.claim(free=4) == []


async def test_only_the_wanted_environment_is_claimed(world):
    await world.accept(2)
    (testing,) = await world.accept(1, environment=TESTING)
    assert [claimed.id for claimed in await world.claim(environment=TESTING)] == [testing]


async def test_a_delivery_is_kept_with_what_was_sent_and_what_came_back(world):
    (record_id,) = await world.accept()
    (claimed,) = await world.claim()
    result = await world.step([world.delivered(claimed)])
    assert (result.late, result.claimed) == ([], [])
    row = await world.store.read(records.get, record_id)
    assert (row.state, row.last_status, row.last_duration_ms, row.error) == (
        RecordState.DELIVERED,
        200,
        38.0,
        "",
    )
    attempt = await world.store.read(records.attempt, record_id, claimed.attempt_id)
    assert (attempt.outcome, attempt.status, attempt.url) == (
        AttemptOutcome.DELIVERED,
        200,
        "https://crm.example/hra",
    )
    assert attempt.request_headers == {"webhook-id": "x", "Authorization": "••••"}
    assert attempt.response_body == b"answer"
    assert await world.check_ledger() == {"delivered": 1}


async def test_the_times_of_an_attempt_and_what_was_sent_instead_are_kept(world):
    (record_id,) = await world.accept()
    (claimed,) = await world.claim()
    sent = replace(
        world.exchange(), connect_ms=3.5, tls_ms=7.25, first_byte_ms=30.0, request_body=b'{"fixed": 1}'
    )
    await world.step([replace(world.delivered(claimed), exchange=sent)])
    attempt = await world.store.read(records.attempt, record_id, claimed.attempt_id)
    assert (attempt.connect_ms, attempt.tls_ms, attempt.first_byte_ms) == (3.5, 7.25, 30.0)
    assert attempt.request_body == b'{"fixed": 1}'
    (listed,) = await world.store.read(records.attempts, record_id)
    assert (listed.connect_ms, listed.request_body) == (3.5, None)


async def test_a_retry_is_claimed_when_it_is_due_and_not_before(world):
    (record_id,) = await world.accept()
    (claimed,) = await world.claim()
    later = world.clock.now() + timedelta(seconds=5)
    await world.step([world.failed(claimed, failure(), next_at=later)])
    assert await world.claim() == []
    row = await world.store.read(records.get, record_id)
    assert (row.state, row.next_attempt_at, row.error) == (
        RecordState.RETRYING,
        later,
        "the endpoint said 500",
    )
    world.clock.advance(5)
    (again,) = await world.claim()
    assert (again.id, again.number, again.tries, again.trigger) == (record_id, 2, 2, Trigger.RETRY)
    assert again.webhook_id == claimed.webhook_id
    assert await world.check_ledger() == {"sending": 1}


async def test_results_and_the_next_claims_share_a_transaction(world):
    await world.accept(5)
    first = await world.claim(free=2)
    result = await world.step([world.delivered(each) for each in first], free=2)
    assert len(result.claimed) == 2
    assert await world.check_ledger() == {"delivered": 2, "sending": 2, "queued": 1}


async def test_a_result_counts_once(world):
    await world.accept()
    (claimed,) = await world.claim()
    await world.step([world.delivered(claimed)])
    result = await world.step([world.failed(claimed)])
    assert result.late == [claimed.attempt_id]
    row = await world.store.read(records.get, claimed.id)
    assert (row.state, row.problem_id) == (RecordState.DELIVERED, None)
    assert await world.check_ledger() == {"delivered": 1}


async def test_the_result_of_an_earlier_attempt_is_left_out(world):
    await world.accept()
    (first,) = await world.claim()
    await world.step([world.failed(first, failure())])
    (second,) = await world.claim()
    result = await world.step([world.delivered(first)])
    assert result.late == [first.attempt_id]
    assert (await world.store.read(records.get, first.id)).state is RecordState.SENDING
    await world.step([world.delivered(second)])
    assert await world.check_ledger() == {"delivered": 1}


async def test_a_claim_that_was_given_back_is_as_it_was(world):
    (record_id,) = await world.accept()
    (claimed,) = await world.claim()
    back = replace(
        world.failed(claimed, failure(), state=RecordState.QUEUED),
        outcome=AttemptOutcome.INTERRUPTED,
        exchange=None,
        problem=None,
        next_at=world.clock.now(),
        tries=claimed.tries - 1,
    )
    await world.step([back])
    row = await world.store.read(records.get, record_id)
    assert (row.state, row.tries, row.error, row.problem_id) == (RecordState.QUEUED, 0, "", None)
    (again,) = await world.claim()
    assert (again.trigger, again.tries, again.number) == (Trigger.FIRST, 1, 2)
    interrupted, _ = await world.store.read(records.attempts, record_id)
    assert interrupted.outcome is AttemptOutcome.INTERRUPTED
    assert await world.check_ledger() == {"sending": 1}


async def test_a_record_can_be_held_after_its_attempt(world):
    await world.accept()
    (claimed,) = await world.claim()
    held = replace(
        world.failed(claimed, failure(), state=RecordState.HELD), hold_reason=HoldReason.CONNECTION
    )
    await world.step([held])
    row = await world.store.read(records.get, claimed.id)
    assert (row.state, row.hold_reason, row.next_attempt_at) == (
        RecordState.HELD,
        HoldReason.CONNECTION,
        None,
    )


async def test_more_than_one_piece_of_rows_is_settled_whole(world):
    await world.accept(150)
    claimed = await world.claim(free=150)
    assert len(claimed) == 150
    half = [world.delivered(each) for each in claimed[:75]] + [world.failed(each) for each in claimed[75:]]
    await world.step(half)
    assert await world.check_ledger() == {"delivered": 75, "failed": 75}


async def test_a_body_of_any_bytes_is_claimed_as_it_is(world):
    data = b'"\xe2\x80\xa8 \\u0000 \xf0\x9f\xa9\xba"' + b"\x00\xff"  # not even JSON: nothing may be lost
    await world.store.accept(world.record(body=data, data_start=0, data_end=len(data)))
    (claimed,) = await world.claim()
    assert claimed.data == data


async def test_daemons_that_share_a_database_claim_disjoint_records(postgres_world, postgres_url, opened):
    import asyncio

    world = postgres_world
    stores = [world.store, *[await opened(postgres_url, f"dmn_{n}") for n in range(3)]]
    accepted = set(await world.accept(200))

    async def take_all(store):
        taken = []
        while True:
            result = await store.settle_and_claim(
                [], [EnvWant(world.integration_id, PRODUCTION, 7)], now=world.clock.now()
            )
            if not result.claimed:
                return taken
            taken += [claimed.id for claimed in result.claimed]

    taken = [record_id for some in await asyncio.gather(*map(take_all, stores)) for record_id in some]
    assert len(taken) == len(set(taken)) == 200
    assert set(taken) == accepted
    assert await world.check_ledger() == {"sending": 200}


async def test_daemons_that_settle_and_move_the_same_records_do_not_fail(
    postgres_world, postgres_url, opened
):
    """Deadlocks and lost updates are for the store to solve, not for its callers."""
    import asyncio

    from healthdesk.store.rows import RecordQuery

    world = postgres_world
    other = await opened(postgres_url, "dmn_two")
    await world.accept(60)
    claimed = await world.claim(free=60)
    await world.step([world.failed(each) for each in claimed])

    async def resend_all(store):
        return await resend_everything(world, RecordQuery(), store)

    async def deliver(store):
        result = await store.settle_and_claim(
            [], [EnvWant(world.integration_id, PRODUCTION, 30)], now=world.clock.now()
        )
        await store.settle_and_claim(
            [world.failed(each) for each in result.claimed], [], now=world.clock.now()
        )

    for _ in range(5):
        await asyncio.gather(
            *(action(store) for store in (world.store, other) for action in (resend_all, deliver))
        )
    states = await world.check_ledger()
    assert sum(states.values()) == 60


@pytest.mark.parametrize("sqlstate", ["40P01", "40001"])
async def test_a_write_undone_for_anothers_sake_is_run_again(postgres_world, sqlstate):
    runs = []

    def undone_twice(conn):
        runs.append(desk.set_setting(conn, f"run {len(runs)}", "x"))
        if len(runs) < 3:
            conn.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'undone' USING ERRCODE = '{sqlstate}'; END $$"))
        return "done"

    assert await postgres_world.store.write(undone_twice) == "done"
    assert len(runs) == 3
    kept = [await postgres_world.store.read(desk.setting, f"run {n}") for n in range(3)]
    assert kept == [None, None, "x"]


async def test_a_claim_takes_large_records_as_far_as_there_is_room_and_the_oldest_whatever_its_size(world):
    sizes = (100, 200_000, 200_000, 100, 300_000)
    bodies = [b'"' + b"x" * size + b'"' for size in sizes]
    ids = []
    for body in bodies:
        ids += await world.accept(1, body=body, data_start=0, data_end=len(body))

    async def claimed(**limits):
        want = EnvWant(world.integration_id, PRODUCTION, 10, **limits)
        result = await world.store.settle_and_claim([], [want], now=world.clock.now())
        return [(record.id, record.data) for record in result.claimed]

    both = list(zip(ids, bodies, strict=True))
    assert await claimed(room_bytes=250_000) == both[:2]
    assert await claimed(room_bytes=0, at_least_one=False) == []
    assert await claimed(room_bytes=0) == both[2:4]
    assert await claimed(room_bytes=0) == both[4:]
