from __future__ import annotations

from datetime import timedelta

import pytest

from healthdesk.domain.states import AttemptOutcome, HoldReason, OnUnknown, RecordState, Trigger
from healthdesk.store import daemons, flow, integrations, intents, ledger, problems, records, recovery
from healthdesk.store.database import Store
from healthdesk.store.rows import EnvWant, RecordQuery
from healthdesk.testing import START, FakeClock
from tests.store.job_world import resend_everything
from tests.store.world import PRODUCTION, REFUSED, TESTING, failure

LEASE = timedelta(seconds=30)
RAN_OUT = timedelta(seconds=-1)


async def state_of(world, record_id):
    return (await world.store.read(records.get, record_id)).state


async def test_holding_takes_queued_and_retrying_and_releasing_queues_them_again(world):
    await world.accept(3)
    (claimed,) = await world.claim(free=1)
    await world.step([world.failed(claimed, failure(), next_at=world.clock.now() + timedelta(hours=1))])
    await world.accept(1, environment=TESTING)
    place = (world.integration_id, PRODUCTION)
    assert await world.store.write(flow.hold_some, *place, HoldReason.PAUSED, 2) == 2
    assert await world.store.write(flow.hold_some, *place, HoldReason.PAUSED, 2) == 1
    assert await world.store.write(flow.hold_some, *place, HoldReason.PAUSED, 2) == 0
    row = await world.store.read(records.get, claimed.id)
    assert (row.state, row.hold_reason, row.next_attempt_at) == (
        RecordState.HELD,
        HoldReason.PAUSED,
        None,
    )
    assert await world.check_ledger() == {"held": 3, "queued": 1}
    assert await world.claim() == []
    world.clock.advance(5)
    assert await world.store.write(flow.release_some, *place, world.clock.now(), 10) == 3
    assert await world.check_ledger() == {"queued": 4}
    again = {each.id: each for each in await world.claim()}
    assert len(again) == 3
    assert (again[claimed.id].tries, again[claimed.id].trigger) == (2, Trigger.RETRY)


async def test_held_records_get_the_reason_that_holds_now_in_small_steps_and_are_released_whatever_it_was(
    world,
):
    ids = await world.accept(3)
    (testing,) = await world.accept(1, environment=TESTING)
    place, other = (world.integration_id, PRODUCTION), (world.integration_id, TESTING)

    async def reasons():
        return [(await world.store.read(records.get, each)).hold_reason for each in (*ids, testing)]

    await world.store.write(flow.hold_some, *place, HoldReason.PAUSED, 10)
    await world.store.write(flow.hold_some, *other, HoldReason.PAUSED, 10)
    (queued,) = await world.accept(1)
    assert await world.store.write(flow.hold_some, *place, HoldReason.CONNECTION, 2) == 2
    assert await state_of(world, queued) is RecordState.HELD, "what may still be sent comes first"
    ids.append(queued)
    assert await world.store.write(flow.hold_some, *place, HoldReason.CONNECTION, 2) == 2
    assert await world.store.write(flow.hold_some, *place, HoldReason.CONNECTION, 2) == 0
    assert await reasons() == [HoldReason.CONNECTION] * 4 + [HoldReason.PAUSED], (
        "the other environment's stay"
    )
    assert await world.check_ledger() == {"held": 5}
    assert await world.store.write(flow.hold_some, *place, HoldReason.PAUSED, 3) == 3
    assert await world.store.write(flow.release_some, *place, world.clock.now(), 10) == 4
    assert await reasons() == [None] * 4 + [HoldReason.PAUSED]
    assert await world.check_ledger() == {"queued": 4, "held": 1}


async def test_what_is_due_is_known_by_environment(world):
    now = world.clock.now()
    assert await world.store.read(flow.due_environments, now) == []
    await world.accept(1, environment=TESTING)
    assert await world.store.read(flow.due_environments, now) == [(world.integration_id, TESTING)]
    assert await world.store.read(flow.due_environments, now - timedelta(seconds=1)) == []
    assert await world.store.read(flow.next_due, world.integration_id, TESTING) == now
    assert await world.store.read(flow.next_due, world.integration_id, PRODUCTION) is None


async def recover(world, daemon_id="dmn_two", *, others_are_dead=True, limit=100):
    return await world.store.write(
        flow.recover_interrupted,
        world.clock.now(),
        daemon_id=daemon_id,
        others_are_dead=others_are_dead,
        limit=limit,
    )


async def test_what_was_claimed_ahead_and_had_not_begun_is_queued_again_where_unknown_is_held(world):
    """A kill between a claim and the commit with which its attempt begins: nothing of it can have left."""
    hold = {"on_unknown": OnUnknown.HOLD}
    now = world.clock.now()
    await world.store.write(integrations.put_environment, world.integration_id, PRODUCTION, hold, now)
    waiting, begun = await world.accept(2)
    want = EnvWant(world.integration_id, PRODUCTION, 2, begins=True)
    result = await world.store.settle_and_claim([], [want], now=now)
    attempts = {each.id: each.attempt_id for each in result.claimed}
    assert [each.begun for each in result.claimed] == [False, False]
    mine = (begun, attempts[begun])
    assert await world.store.write(intents.begin, [mine]) == {attempts[begun]}
    assert await recover(world) == 2

    assert await state_of(world, begun) is RecordState.UNKNOWN
    queued = await world.store.read(records.get, waiting)
    assert (queued.state, queued.tries, queued.next_attempt_at) == (RecordState.QUEUED, 0, now)
    (attempt,) = await world.store.read(records.attempts, waiting)
    assert (attempt.outcome, attempt.error) == (AttemptOutcome.INTERRUPTED, recovery.NOT_BEGUN)
    assert await world.store.write(intents.begin, [(waiting, attempts[waiting])]) == set(), "it is another's"
    assert await world.check_ledger() == {"queued": 1, "unknown": 1}
    (again,) = (await world.store.settle_and_claim([], [want], now=now)).claimed
    assert (again.id, again.tries, again.number) == (waiting, 1, 2)


async def test_an_interrupted_attempt_says_so_and_its_record_is_sent_again(world):
    (record_id,) = await world.accept()
    (claimed,) = await world.claim()
    assert await recover(world, "dmn_one") == 0, "its own attempts are under way"
    assert await recover(world) == 1
    assert await recover(world) == 0
    (attempt,) = await world.store.read(records.attempts, record_id)
    assert (attempt.outcome, attempt.error_kind, attempt.finished_at) == (
        AttemptOutcome.INTERRUPTED,
        "interrupted",
        world.clock.now(),
    )
    assert "sent again" in attempt.error
    (again,) = await world.claim()
    assert (again.id, again.webhook_id, again.number, again.tries) == (record_id, claimed.webhook_id, 2, 2)
    answered = world.delivered(claimed)
    for late in (answered, world.failed(claimed)):  # the second time it is told, nothing changes any more
        assert (await world.step([late])).late == [claimed.attempt_id]
    assert await world.check_ledger() == {"sending": 1}
    kept = await world.store.read(records.attempt, record_id, claimed.attempt_id)
    assert kept.outcome is AttemptOutcome.INTERRUPTED
    assert kept.status == answered.exchange.status
    assert kept.response_body == answered.exchange.response_body
    assert kept.response_headers == answered.exchange.response_headers


async def test_an_interrupted_record_is_unknown_where_the_integration_wants_to_look_first(world):
    await world.store.write(
        integrations.put_environment,
        world.integration_id,
        PRODUCTION,
        {"on_unknown": OnUnknown.HOLD},
        world.clock.now(),
    )
    (record_id,) = await world.accept()
    await world.claim()
    await recover(world)
    assert await state_of(world, record_id) is RecordState.UNKNOWN
    assert await world.claim() == []
    assert await world.check_ledger() == {"unknown": 1}


async def test_recovery_goes_in_small_steps(world):
    await world.accept(7)
    await world.claim()
    assert [await recover(world, limit=3) for _ in range(4)] == [3, 3, 1, 0]
    assert await world.check_ledger() == {"queued": 7}


async def test_a_daemon_is_dead_once_its_lease_ran_out(world):
    now = world.clock.now()
    await world.store.write(daemons.register, "dmn_one", now, LEASE)
    await world.store.write(daemons.register, "dmn_two", now, LEASE)
    await world.accept(2)
    await world.claim(free=1)
    assert await world.store.write(daemons.renew, "dmn_two", now, LEASE)
    assert await recover(world, others_are_dead=False) == 0
    assert await world.store.write(daemons.renew, "dmn_one", now, RAN_OUT)
    assert [row.id for row in await world.store.read(daemons.expired, now)] == ["dmn_one"]
    assert [row.id for row in await world.store.read(daemons.running, now)] == ["dmn_two"]
    assert await recover(world, others_are_dead=False) == 1
    assert not await world.store.write(daemons.renew, "dmn_one", now, LEASE)
    assert await world.store.write(daemons.renew, "dmn_one", now, LEASE)


async def test_daemons_that_cannot_send_live_and_share_no_work(world):
    now = world.clock.now()
    await world.store.write(daemons.register, "dmn_one", now, LEASE)
    await world.store.write(daemons.register, "dmn_two", now, LEASE)
    assert set(await world.store.read(daemons.sharing, now)) == {"dmn_one", "dmn_two"}
    await world.store.write(daemons.renew, "dmn_one", now, LEASE, delivers=False)
    assert await world.store.read(daemons.sharing, now) == ["dmn_two"]
    assert {row.id for row in await world.store.read(daemons.running, now)} == {"dmn_one", "dmn_two"}
    await world.store.write(daemons.renew, "dmn_two", now, LEASE, delivers=False)
    assert set(await world.store.read(daemons.sharing, now)) == {"dmn_one", "dmn_two"}
    await world.store.write(daemons.renew, "dmn_one", now, LEASE)
    assert await world.store.read(daemons.sharing, now) == ["dmn_one"]


async def test_on_sqlite_the_lease_is_counted_by_the_daemons_own_clock(sqlite_world):
    world = sqlite_world
    await world.store.write(daemons.register, "dmn_one", world.clock.now(), LEASE)
    world.clock.advance(31)
    assert [row.id for row in await world.store.read(daemons.expired, world.clock.now())] == ["dmn_one"]


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=-1)])
async def test_a_clock_an_hour_off_takes_no_work_of_a_daemon_that_lives(
    postgres_url, postgres_world, ids, ahead
):
    world = postgres_world
    clock = FakeClock(START + ahead)
    other = await Store.open(postgres_url, daemon_id="dmn_two", clock=clock, ids=ids)
    dead = {"daemon_id": "dmn_two", "others_are_dead": False, "limit": 10}
    try:
        await world.store.write(daemons.register, "dmn_one", world.clock.now(), LEASE)
        await other.write(daemons.register, "dmn_two", clock.now(), LEASE)
        (record_id,) = await world.accept(1)
        await world.claim()
        assert await other.write(flow.recover_interrupted, clock.now(), **dead) == 0
        assert await other.read(daemons.expired, clock.now()) == []
        assert await other.write(daemons.renew, "dmn_two", clock.now(), LEASE)
        assert await world.store.write(daemons.renew, "dmn_one", world.clock.now(), LEASE)
        assert await state_of(world, record_id) is RecordState.SENDING
        await world.store.write(daemons.leave, "dmn_one", world.clock.now())
        assert await other.write(flow.recover_interrupted, clock.now(), **dead) == 1
    finally:
        await other.close()


async def test_a_daemon_that_left_or_was_never_registered_is_dead(world):
    await world.accept(2)
    await world.claim(free=1)
    assert await recover(world, others_are_dead=False) == 1
    await world.store.write(daemons.register, "dmn_one", world.clock.now(), LEASE)
    await world.claim(free=1)
    await world.store.write(daemons.leave, "dmn_one", world.clock.now())
    assert await recover(world, others_are_dead=False) == 1


async def test_ledger_rows_of_dead_daemons_are_folded_into_the_desks_own(url, opened, world):
    from sqlalchemy import select

    from healthdesk.store.schema import ledger as table

    await world.accept(3)
    shards = select(table.c.daemon_id).distinct()
    assert await world.store.read(lambda conn: list(conn.execute(shards).scalars())) == ["dmn_one"]
    await recover(world, "dmn_two")
    assert await world.store.read(lambda conn: list(conn.execute(shards).scalars())) == [ledger.FOLDED]
    await world.accept(2)
    assert await world.check_ledger() == {"queued": 5}


async def failed_records(world, count, **changes):
    await world.accept(count, **changes)
    claimed = await world.claim(500, changes.get("environment", PRODUCTION))
    await world.step([world.failed(each) for each in claimed])
    return [each.id for each in claimed]


async def resend(world, ids, **options):
    return await world.store.write(records.resend, ids, by="bob", now=world.clock.now(), **options)


async def test_a_resent_record_starts_a_new_round_under_its_own_id(world):
    (record_id,) = await failed_records(world, 1)
    world.clock.advance(3600)
    done = await resend(world, [record_id])
    assert (done.resent, done.skipped, done.environments) == (1, {}, ((world.integration_id, PRODUCTION),))
    (claimed,) = await world.claim()
    assert (claimed.trigger, claimed.triggered_by, claimed.tries, claimed.number) == (
        Trigger.RESEND,
        "bob",
        1,
        2,
    )
    assert claimed.webhook_id == record_id
    await world.step([world.failed(claimed, failure())])
    (claimed,) = await world.claim()
    assert (claimed.trigger, claimed.triggered_by, claimed.tries) == (Trigger.RETRY, "", 2)
    attempts = await world.store.read(records.attempts, record_id)
    assert [(each.number, each.trigger, each.triggered_by) for each in attempts] == [
        (1, Trigger.FIRST, ""),
        (2, Trigger.RESEND, "bob"),
        (3, Trigger.RETRY, ""),
    ]


async def test_a_new_webhook_id_is_given_when_asked_for(world):
    (record_id,) = await world.accept()
    await world.step([world.delivered(each) for each in await world.claim()])
    done = await resend(world, [record_id], new_webhook_id=True)
    assert (done.resent, done.delivered, list(done.skipped)) == (0, 1, [record_id]), "who asks may not know"
    looked = await world.store.read(records.would_resend, [record_id], delivered_too=True)
    assert (looked.resent, looked.delivered) == (1, 1)
    assert await state_of(world, record_id) is RecordState.DELIVERED
    await resend(world, [record_id], new_webhook_id=True, delivered_too=True)
    (claimed,) = await world.claim()
    assert claimed.id == record_id
    assert claimed.webhook_id != record_id


async def test_what_cannot_be_resent_is_skipped_and_says_why(world):
    failed = await failed_records(world, 2)
    (queued,) = await world.accept()
    done = await resend(world, [*failed, queued, "rec_unknown", failed[0]])
    assert done.resent == 2
    assert set(done.skipped) == {queued, "rec_unknown"}
    assert all(done.skipped.values())
    assert await world.check_ledger() == {"queued": 3}


async def test_resend_all_touches_what_the_filter_matches_and_nothing_else(world):
    failed = await failed_records(world, 4)
    elsewhere = await failed_records(world, 3, environment=TESTING)
    await world.accept(2)
    await world.step([world.delivered(each) for each in await world.claim()])
    query = RecordQuery(environment=PRODUCTION)
    plan = await world.store.read(records.resend_plan, query)
    assert (plan.total, plan.skipped_delivered, plan.skipped_other) == (4, 2, 0)
    (group,) = plan.groups
    assert (group.count, group.status, group.error_kind, group.problem_state) == (4, 422, "refused", "open")
    row = await world.store.read(records.get, failed[0])
    assert plan.oldest == row.arrived_at
    assert [(place.name, place.environment, place.count) for place in plan.places] == [
        ("CRM endpoint", PRODUCTION, 4)
    ]
    assert sum(plan.sources.values()) == 4
    done = await resend_everything(world, query)
    assert (done.queued, done.environments) == (4, ((world.integration_id, PRODUCTION),))
    assert await state_of(world, elsewhere[0]) is RecordState.FAILED
    assert await world.check_ledger() == {"queued": 4, "failed": 3, "delivered": 2}
    assert {each.id for each in await world.claim()} == set(failed)


async def test_resend_all_of_a_problem_takes_its_records_only(world):
    mine = await failed_records(world, 3)
    await world.accept(2)
    claimed = await world.claim()
    await world.step([world.failed(each, failure(status=503, permanent=True)) for each in claimed])
    problem_id = (await world.store.read(records.get, mine[0])).problem_id
    query = RecordQuery(problem_id=problem_id, states=(RecordState.FAILED, RecordState.DELIVERED))
    assert (await world.store.read(records.resend_plan, query)).total == 3
    assert (await resend_everything(world, query)).queued == 3
    assert (await world.store.read(problems.get, problem_id)).count == 3
    await world.step([world.delivered(each) for each in await world.claim()])
    assert (await world.store.read(problems.get, problem_id)).count == 0


async def test_resend_all_tries_what_is_retrying_now(world):
    await world.accept()
    (claimed,) = await world.claim()
    await world.step([world.failed(claimed, failure(), next_at=world.clock.now() + timedelta(hours=5))])
    assert (await resend_everything(world, RecordQuery())).queued == 1
    assert len(await world.claim()) == 1


async def test_a_filter_of_other_states_resends_nothing(world):
    await failed_records(world, 1)
    query = RecordQuery(states=(RecordState.DELIVERED,))
    assert (await world.store.read(records.resend_plan, query)).total == 0
    assert (await resend_everything(world, query)).queued == 0


async def test_a_refused_record_keeps_its_problem_until_it_is_delivered(world):
    (record_id,) = await failed_records(world, 1)
    before = (await world.store.read(records.get, record_id)).problem_id
    await resend(world, [record_id])
    assert (await world.store.read(records.get, record_id)).problem_id == before
    (claimed,) = await world.claim()
    await world.step([world.failed(claimed, REFUSED)])
    assert (await world.store.read(problems.get, before)).total == 1
