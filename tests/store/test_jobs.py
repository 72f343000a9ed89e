from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.domain.job_states import JobItemState, JobKind, JobStage, JobState
from healthdesk.domain.states import Environment, ErrorKind, RecordState, Trigger
from healthdesk.errors import Conflict, NotFound
from healthdesk.store import (
    daemons,
    flow,
    job_follow,
    job_holds,
    job_items,
    job_making,
    job_queue,
    jobs,
    record_events,
    records,
    resending,
)
from healthdesk.store.log_plan import ranges
from healthdesk.store.rows import RecordQuery
from healthdesk.store.rows_jobs import NewJob
from healthdesk.store.schema import record_bodies
from healthdesk.store.schema import records as record_table
from tests.store.job_world import begin, filled, step
from tests.store.world import PRODUCTION, TESTING, failure

PENDING, SENT, DELIVERED, FAILED = (
    JobItemState.PENDING,
    JobItemState.SENT,
    JobItemState.DELIVERED,
    JobItemState.FAILED,
)
SKIPPED, CANCELLED = JobItemState.SKIPPED, JobItemState.CANCELLED


async def failed_records(world, count, *, environment=PRODUCTION, error=None, **more):
    """Return the ids of records that just failed."""
    ids = await world.accept(count, environment=environment, **more)
    claimed = await world.claim(free=count, environment=environment)
    await world.step([world.failed(each, error or failure(status=422, permanent=True)) for each in claimed])
    return list(ids)


async def deliver(world, *, fail=()):
    """Send what is queued; those in `fail` are refused. Return what was sent."""
    claimed = await world.claim(free=1000)
    refused = failure(status=422, permanent=True)
    await world.step(
        [world.failed(each, refused) if each.id in fail else world.delivered(each) for each in claimed]
    )
    return claimed


async def counts(world, job_id):
    """Return the counts of a job, held to what is there of its records."""
    job = await world.store.read(jobs.get, job_id)
    page = await world.store.read(jobs.items, job_id, limit=1000)
    counted: dict[JobItemState, int] = {}
    for item in page.items:
        counted[item.state] = counted.get(item.state, 0) + 1
    assert {state: number for state, number in job.counts.items() if number} == counted
    assert sum(counted.values()) == job.total
    return counted


async def items(world, job_id, *states):
    return (await world.store.read(jobs.items, job_id, states=states, limit=1000)).items


async def test_records_are_written_down_in_steps_and_then_it_runs(world):
    ids = await failed_records(world, 7)
    await failed_records(world, 2, environment=TESTING)
    job_id = (await begin(world, RecordQuery(environment=PRODUCTION))).id
    late = await failed_records(world, 1)
    rows = [await world.store.write(job_items.fill, job_id, world.clock.now(), limit=3) for _ in range(3)]
    assert [row.state for row in rows] == [JobState.PREPARING, JobState.PREPARING, JobState.RUNNING]
    assert await world.store.write(job_items.fill, job_id, world.clock.now()) is None
    assert await counts(world, job_id) == {PENDING: 7}
    assert [item.record_id for item in await items(world, job_id)] == sorted(ids)
    assert late[0] not in {item.record_id for item in await items(world, job_id)}


async def test_what_fails_or_is_found_interrupted_after_a_job_was_made_is_not_in_it(world):
    """Also where its attempt was under way then, and where no other is left in a step."""
    before = await failed_records(world, 1)
    await world.accept(3)
    claimed = await world.claim()
    job_id = (await begin(world)).id
    world.clock.advance(1)
    await world.step([world.failed(each, failure(status=422, permanent=True)) for each in claimed[:1]])
    await world.store.write(
        flow.recover_interrupted, world.clock.now(), daemon_id="dmn_new", others_are_dead=True, limit=9
    )
    while (row := await world.store.write(job_items.fill, job_id, world.clock.now(), limit=1)) is not None:
        job = row
    assert (job.state, job.total) == (JobState.RUNNING, 1)
    assert [item.record_id for item in await items(world, job_id)] == before


async def test_nothing_is_sent_of_a_job_that_is_not_complete(world):
    await failed_records(world, 3)
    job_id = (await begin(world)).id
    await world.store.write(job_items.fill, job_id, world.clock.now(), limit=1)
    assert (
        await world.store.write(job_items.step, job_id, world.clock.now(), most=lambda _: 9, allowed=9)
        is None
    )
    assert await world.check_ledger() == {"failed": 3}


async def test_a_record_without_its_body_is_skipped_with_the_reason(world):
    ids = await failed_records(world, 2)
    await world.store.write(
        lambda conn: conn.execute(delete(record_bodies).where(record_bodies.c.record_id == ids[0])) and None
    )
    job_id = await filled(world)
    assert await counts(world, job_id) == {PENDING: 1, SKIPPED: 1}
    (item,) = await items(world, job_id, SKIPPED)
    assert (item.record_id, item.detail) == (ids[0], resending.BODY_GONE)


async def test_a_careful_job_sends_one_then_five_then_the_rest(world):
    ids = sorted(await failed_records(world, 12))
    job_id = await filled(world, careful=True)
    sent = []
    for stage, number in ((JobStage.ONE, 1), (JobStage.FIVE, 5), (JobStage.REST, 6)):
        done = await step(world, job_id)
        assert (done.job.stage, done.queued) == (stage, number)
        assert not (await step(world, job_id)).changed, "it waits for those it sent"
        claimed = await deliver(world)
        assert {(each.trigger, each.triggered_by) for each in claimed} == {(Trigger.JOB, job_id)}
        sent += sorted(each.id for each in claimed)
    assert sent == ids, "in the order they arrived"
    done = await step(world, job_id)
    assert (done.job.state, done.ended) == (JobState.DONE, {DELIVERED: 6})
    assert done.job.finished_at == world.clock.now()
    assert await counts(world, job_id) == {DELIVERED: 12}
    assert await world.check_ledger() == {"delivered": 12}
    assert await world.store.read(jobs.active) == []


async def test_it_stops_by_itself_when_the_failure_comes_back_and_is_resumed_where_it_was(world):
    ids = sorted(await failed_records(world, 10))
    problem_id = (await world.store.read(records.get, ids[0])).problem_id
    job_id = await filled(world, careful=True, known=[problem_id])
    await step(world, job_id)
    await deliver(world)
    await step(world, job_id)
    await deliver(world, fail={ids[2]})
    stopped = await step(world, job_id)
    assert stopped.stopped
    assert (stopped.job.state, stopped.job.stage) == (JobState.STOPPED, JobStage.FIVE)
    assert stopped.job.reason.startswith("The same failure came back: ")
    assert await counts(world, job_id) == {DELIVERED: 5, FAILED: 1, PENDING: 4}
    assert await world.store.read(jobs.active) == []
    assert not (await step(world, job_id)).stopped
    await world.store.write(jobs.resume, job_id, by="bob")
    again = await step(world, job_id)
    assert (again.job.stage, again.queued, again.job.reason) == (JobStage.FIVE, 4, "")
    await deliver(world)
    assert (await step(world, job_id)).job.state is JobState.DONE
    assert await counts(world, job_id) == {DELIVERED: 9, FAILED: 1}


async def test_a_canary_that_fails_in_another_way_stops_says_why_and_tries_another_once_it_is_resumed(world):
    first, second, *_ = sorted(await failed_records(world, 4))
    job_id = await filled(world, careful=True, known=["another"])
    await step(world, job_id)
    await deliver(world, fail={first})
    stopped = await step(world, job_id)
    assert (stopped.stopped, stopped.queued) == (True, 0)
    why = "The record tried first did not get through, so no more are sent: the endpoint said 422"
    assert stopped.job.reason == why
    await world.store.write(jobs.resume, job_id, by="bob")
    assert (await step(world, job_id)).job.state is JobState.RUNNING
    assert [each.id for each in await deliver(world)] == [second]
    assert (await step(world, job_id)).job.stage is JobStage.FIVE


async def test_a_stopped_job_is_done_once_others_delivered_all_that_was_left_or_had_failed(world):
    ids = sorted(await failed_records(world, 4))
    job_id, other = await filled(world, careful=True, known=["another"]), await filled(world)
    await step(world, job_id)
    await deliver(world, fail={ids[0]})
    assert (await step(world, job_id)).stopped
    for failing in (set(ids[:2]), {ids[0]}):
        await step(world, other)
        await deliver(world, fail=failing)
        await step(world, other)
        assert await world.store.read(job_follow.behind) == [], "one is failed still"
        other = await filled(world)
    await step(world, other)
    await deliver(world)
    assert await world.store.read(job_follow.behind) == [job_id]
    assert (
        await world.store.write(job_follow.follow, job_id, world.clock.now(), limit=3)
    ).job.finished_at is None
    done = (await world.store.write(job_follow.follow, job_id, world.clock.now(), limit=3)).job
    assert (done.state, done.finished_at) == (JobState.DONE, world.clock.now())
    assert done.reason == "what was left of it was delivered since"
    assert await counts(world, job_id) == {FAILED: 1, SKIPPED: 3}
    assert await world.store.read(job_follow.behind) == []


async def test_a_job_that_is_not_careful_goes_on_whatever_comes(world):
    ids = await failed_records(world, 6)
    job_id = await filled(world, known=["x"])
    assert (await step(world, job_id)).queued == 6
    await deliver(world, fail=set(ids))
    done = await step(world, job_id)
    assert (done.job.state, done.ended) == (JobState.DONE, {FAILED: 6})
    (item, *_) = await items(world, job_id, FAILED)
    row = await world.store.read(records.get, item.record_id)
    assert (item.status, item.error_kind, item.detail) == (422, row.error_kind, row.error)
    assert item.attempt_id is not None


async def test_at_most_so_many_are_under_way_and_its_own_rate_allows_fewer(world):
    await failed_records(world, 10)
    job_id = await filled(world)
    assert (await step(world, job_id, most=4)).queued == 4
    assert (await step(world, job_id, most=4)).queued == 0
    assert (await step(world, job_id, most=9, allowed=2)).queued == 2
    assert (await step(world, job_id, most=9, allowed=0)).queued == 0


async def test_an_environment_has_no_more_under_way_than_it_has_room_for_and_keeps_no_other_waiting(world):
    first = sorted(await failed_records(world, 7))
    elsewhere = set(await failed_records(world, 2, environment=TESTING))
    await failed_records(world, 1)
    job_id = await filled(world)
    rooms = {(world.integration_id, PRODUCTION): 2, (world.integration_id, TESTING): 4}
    done = await step(world, job_id, most=rooms)
    assert {each.record_id for each in await items(world, job_id, SENT)} == {*first[:2], *elsewhere}
    gone = record_table.delete().where(record_table.c.id == first[6])
    await world.store.write(lambda conn: conn.execute(gone) and None)
    for queued in (2, 2, 1, 0):
        assert not (await step(world, job_id, most=rooms, search=done.search)).queued, "they are under way"
        await deliver(world)
        done = await step(world, job_id, most=rooms, search=done.search)
        assert done.queued == queued
    await world.step([world.delivered(each) for each in await world.claim(environment=TESTING)])
    assert (await step(world, job_id, most=rooms, search=done.search)).job.state is JobState.DONE
    assert await counts(world, job_id) == {DELIVERED: 9, SKIPPED: 1}, "also the one that retention removed"


async def test_what_was_delivered_meanwhile_or_is_under_way_is_skipped_and_another_sent(world):
    ids = sorted(await failed_records(world, 5))
    job_id = await filled(world)
    other = await filled(world)
    await world.store.write(records.resend, ids[:1], by="bob", now=world.clock.now())
    await deliver(world)
    assert (await step(world, other, most=1)).queued == 1
    done = await step(world, job_id, most=1)
    assert done.queued == 1
    skipped = {item.record_id: item.detail for item in await items(world, job_id, SKIPPED)}
    assert skipped == {ids[0]: resending.DELIVERED_MEANWHILE, ids[1]: f"it is being sent by {other}"}
    assert [item.record_id for item in await items(world, job_id, SENT)] == [ids[2]]


async def test_pause_sends_nothing_more_and_what_is_under_way_is_still_counted(world):
    await failed_records(world, 5)
    job_id = await filled(world)
    await step(world, job_id, most=2)
    paused = await world.store.write(jobs.pause, job_id, by="carol")
    assert (paused.state, paused.reason, paused.changed_by) == (JobState.PAUSED, "paused by carol", "carol")
    await deliver(world)
    assert await world.store.read(jobs.active) == [job_id]
    done = await step(world, job_id)
    assert (done.queued, done.ended) == (0, {DELIVERED: 2})
    assert await world.store.read(jobs.active) == []
    with pytest.raises(Conflict, match="paused and cannot be paused"):
        await world.store.write(jobs.pause, job_id, by="carol")
    await world.store.write(jobs.resume, job_id, by="carol")
    assert (await step(world, job_id)).queued == 3
    await world.store.write(jobs.pause, job_id, by="carol")
    await deliver(world)
    done = await step(world, job_id)
    assert (done.job.state, done.job.reason, done.job.finished_at) == (JobState.DONE, "", world.clock.now())


async def test_failures_that_come_in_while_a_job_is_paused_count(world):
    ids = await failed_records(world, 12)
    job_id = await filled(world, careful=True)
    for _ in range(2):
        await step(world, job_id)
        await deliver(world)
    for _ in range(3):
        await step(world, job_id, most=1)
        await world.store.write(jobs.pause, job_id, by="carol")
        await deliver(world, fail=set(ids))
        done = await step(world, job_id)
        if not done.stopped:
            await world.store.write(jobs.resume, job_id, by="carol")
    assert done.job.state is JobState.STOPPED
    assert done.job.reason.startswith("The same failure 3 times in a row")
    assert await counts(world, job_id) == {DELIVERED: 6, FAILED: 3, PENDING: 3}


async def test_cancel_leaves_what_was_not_sent_as_it_is(world):
    await failed_records(world, 5)
    job_id = await filled(world)
    await step(world, job_id, most=2)
    await world.store.write(jobs.cancel, job_id, by="carol", now=world.clock.now())
    done = await step(world, job_id)
    assert (done.job.state, done.job.finished_at) == (JobState.CANCELLED, None)
    assert await counts(world, job_id) == {SENT: 2, CANCELLED: 3}
    await deliver(world)
    done = await step(world, job_id)
    assert done.job.finished_at is not None
    assert await counts(world, job_id) == {DELIVERED: 2, CANCELLED: 3}
    assert await world.check_ledger() == {"delivered": 2, "failed": 3}
    with pytest.raises(Conflict, match="cancelled and cannot be resumed"):
        await world.store.write(jobs.resume, job_id, by="carol")


async def test_a_job_that_is_cancelled_while_it_is_prepared_has_what_was_written_down(world):
    await failed_records(world, 5)
    job_id = (await begin(world)).id
    await world.store.write(job_items.fill, job_id, world.clock.now(), limit=2)
    await world.store.write(jobs.cancel, job_id, by="carol", now=world.clock.now())
    assert await counts(world, job_id) == {PENDING: 2}
    await step(world, job_id)
    assert await counts(world, job_id) == {CANCELLED: 2}


async def test_an_attempt_that_was_interrupted_is_not_through_until_it_was_sent_again(world):
    await failed_records(world, 1)
    job_id = await filled(world)
    await step(world, job_id)
    (claimed,) = await world.claim()
    assert not (await step(world, job_id)).changed, "it is being sent"
    await world.store.write(
        flow.recover_interrupted, world.clock.now(), daemon_id="dmn_new", others_are_dead=True, limit=9
    )
    assert not (await step(world, job_id)).changed, "it is queued again, and is still the job's"
    assert [each.number for each in await deliver(world)] == [claimed.number + 1]
    assert (await step(world, job_id)).ended == {DELIVERED: 1}


async def test_a_record_that_is_looked_up_is_not_through_yet(world):
    (record_id,) = await failed_records(world, 1)
    job_id = await filled(world)
    await step(world, job_id)
    await deliver(world, fail={record_id})

    def unknown(next_at):
        return lambda conn: (
            conn.execute(
                record_table.update()
                .where(record_table.c.id == record_id)
                .values(state=RecordState.UNKNOWN, next_at=next_at)
            )
            and None
        )

    await world.store.write(unknown(world.clock.now()))
    assert not (await step(world, job_id)).changed
    await world.store.write(unknown(None))
    assert (await step(world, job_id)).ended == {JobItemState.UNKNOWN: 1}


def interrupted(state, next_at=None):
    """Return the change that leaves every record as a stop of the daemon, and an endpoint that was asked, may."""
    values = {"state": state, "error_kind": ErrorKind.INTERRUPTED, "error": "stopped", "next_at": next_at}
    return lambda conn: conn.execute(record_table.update().values(values)) and None


async def test_what_the_endpoint_does_not_have_after_a_stop_is_not_through_until_it_was_sent_again(world):
    await failed_records(world, 3)
    job_id = await filled(world, careful=False)
    await step(world, job_id)
    await deliver(world)
    await world.store.write(interrupted(RecordState.RETRYING, world.clock.now()))
    assert not (await step(world, job_id)).changed
    await deliver(world)
    assert (await step(world, job_id)).ended == {DELIVERED: 3}


async def test_a_stop_of_the_daemon_stops_no_job(world):
    await failed_records(world, 12)
    job_id = await filled(world, careful=True)
    for _ in range(2):
        await step(world, job_id)
        await deliver(world)
    await step(world, job_id, most=4)
    await deliver(world)
    await world.store.write(interrupted(RecordState.UNKNOWN))
    moved = await step(world, job_id)
    assert moved.ended == {JobItemState.UNKNOWN: 4}
    assert (moved.job.state, moved.queued) == (JobState.RUNNING, 2)


async def test_a_record_whose_endpoint_is_asked_for_it_is_not_sent_before_the_answer(world):
    asked, held = await failed_records(world, 2)
    unknown = record_table.update().values(state=RecordState.UNKNOWN)
    soon = unknown.where(record_table.c.id == asked).values(next_at=world.clock.now())
    await world.store.write(lambda conn: [conn.execute(each) for each in (unknown, soon)] and None)
    job_id = await filled(world)
    await step(world, job_id)
    assert [each.record_id for each in await items(world, job_id, SENT)] == [held]
    (skipped,) = await items(world, job_id, SKIPPED)
    assert (skipped.record_id, skipped.detail) == (asked, resending.BEING_ASKED)
    assert [each.id for each in await deliver(world)] == [held]


async def test_samples_are_a_job_over_records_that_are_queued_already(world):
    ids = await world.accept(3)
    new = NewJob(id=world.new("job"), kind=JobKind.SAMPLE, title="3 samples", now=world.clock.now(), by="bob")
    job = await world.store.write(job_making.create, new, ids)
    assert (job.state, job.stage, job.total) == (JobState.RUNNING, JobStage.REST, 3)
    await world.store.write(jobs.lease, [job.id], world.clock.now())
    await deliver(world)
    done = await step(world, job.id)
    assert (done.job.state, done.ended) == (JobState.DONE, {DELIVERED: 3})


async def test_a_fix_is_set_on_each_record_when_it_is_queued(world):
    ids = await failed_records(world, 2)
    job_id = await filled(world, fix_id="fix_1")
    await step(world, job_id, most=1)

    def fixed(conn):
        return list(conn.execute(select(record_table.c.fix_id).order_by(record_table.c.id)).scalars())

    assert await world.store.read(fixed) == ["fix_1", None]
    (event,) = await world.store.read(record_events.of, min(ids))
    assert (event.kind.value, event.detail, event.by) == ("fixed", {"fix_id": "fix_1"}, "bob")


async def test_the_lease_of_a_daemon_that_lives_is_kept_and_of_one_that_is_gone_taken(
    postgres_world, postgres_url, opened
):
    world = postgres_world
    other = await opened(postgres_url, "dmn_two")
    for store, name in ((world.store, world.store.daemon_id), (other, "dmn_two")):
        await store.write(daemons.register, name, world.clock.now(), timedelta(seconds=20))
    await failed_records(world, 2)
    job_id = await filled(world)
    assert await other.write(jobs.lease, [job_id], world.clock.now()) == []
    assert await other.write(job_items.step, job_id, world.clock.now(), most=lambda _: 9, allowed=9) is None
    await world.store.write(daemons.leave, world.store.daemon_id, world.clock.now())
    assert await other.write(jobs.lease, [job_id], world.clock.now()) == [job_id]
    assert (
        await world.store.write(job_items.step, job_id, world.clock.now(), most=lambda _: 9, allowed=9)
        is None
    )
    assert (await step(world, job_id, store=other)).queued == 2


async def test_jobs_are_listed_newest_first_and_their_records_by_state(world):
    ids = sorted(await failed_records(world, 4))
    first = await filled(world)
    world.clock.advance(1)
    second = await filled(world, integration_id=world.integration_id, environment=Environment.PRODUCTION)
    page = await world.store.read(jobs.page, limit=1)
    assert ([job.id for job in page.items], page.next) == ([second], second)
    assert page.items[0].integration_name == "CRM endpoint"
    assert [job.id for job in (await world.store.read(jobs.page, after=second)).items] == [first]
    assert (await world.store.read(jobs.page, states=[JobState.DONE])).items == []
    await step(world, second, most=2)
    both = await world.store.read(jobs.items, second, states=[SENT, PENDING], limit=3)
    assert ([item.record_id for item in both.items], both.next) == (ids[:3], ids[2])
    rest = await world.store.read(jobs.items, second, states=[SENT, PENDING], after=both.next, limit=3)
    assert ([item.record_id for item in rest.items], rest.next) == (ids[3:], None)
    with pytest.raises(NotFound, match="job_x"):
        await world.store.read(jobs.get, "job_x")


async def test_the_records_of_a_job_say_their_source_and_level_while_they_are_kept(world):
    ids = await failed_records(world, 2)
    job_id = await filled(world)

    def forget(conn):
        conn.execute(delete(record_bodies).where(record_bodies.c.record_id == ids[0]))
        conn.execute(delete(record_table).where(record_table.c.id == ids[0]))

    await world.store.write(forget)
    known = await world.store.read(records.get, ids[1])
    gone, kept = await items(world, job_id)
    assert (gone.record_id, gone.source, gone.source_name, gone.level) == (ids[0], "", "", None)
    assert kept.source == known.source
    assert (kept.source_name, kept.level) == (known.source_name, known.level)
    assert known.source


async def test_finished_jobs_are_deleted_when_they_are_old_and_others_stay(world):
    await failed_records(world, 3)
    old = await filled(world)
    await step(world, old)
    await deliver(world)
    await step(world, old)
    await failed_records(world, 1)
    waits = await filled(world)
    world.clock.advance(91 * 86_400)
    gone = 0
    while number := await world.store.write(
        jobs.delete_old, world.clock.now(), keep=timedelta(days=90), limit=2
    ):
        gone += number
    assert gone == 4, "three records and the job"
    assert [job.id for job in (await world.store.read(jobs.page)).items] == [waits]


async def test_the_filter_of_a_job_survives_a_restart_of_the_daemon(world):
    query = RecordQuery(
        environment=PRODUCTION,
        states=(RecordState.FAILED,),
        arrived_from=world.clock.now(),
        statuses=(422,),
        lookups=((b"\xff\x00", b"\x01"),),
    )
    job_id = (await begin(world, query)).id
    found = await world.store.read(job_making.query_of, job_id)
    assert found is not None
    assert found[0] == query


async def test_the_runner_looks_into_indexes(world):
    await failed_records(world, 3)
    job_id = await filled(world)
    dialect = sqlite.dialect() if world.store.dialect == "sqlite" else postgresql.dialect()
    chosen = RecordQuery(
        integration_id=world.integration_id, environment=PRODUCTION, states=(RecordState.FAILED,)
    )

    def plan(conn, statement, **params):
        if world.store.dialect == "sqlite":
            rows = conn.execute(text(f"EXPLAIN QUERY PLAN {statement}"), params)
            return "\n".join(row.detail for row in rows)
        conn.execute(text("SET LOCAL enable_seqscan = off"))
        return "\n".join(conn.execute(text(f"EXPLAIN {statement}"), params).scalars())

    def sql(statement):
        return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))

    def plans(conn):
        found = ranges(conn, chosen)
        (fill,) = resending.next_statements(found)
        place = {"integration": world.integration_id, "environment": PRODUCTION.value}
        of_one = {"job": job_id, "start": "", "limit": 10, **place}
        return {
            "active": plan(conn, sql(jobs.active_statement())),
            "next": plan(conn, sql(job_queue.next_statement(job_id, 10))),
            "ended": plan(conn, job_holds.hinted(conn, job_items.ENDED), job=job_id, limit=10, sent_after=0),
            "next of one": plan(conn, job_holds.hinted(conn, job_queue.NEXT_OF_ONE), **of_one),
            "next gone": plan(
                conn, job_holds.hinted(conn, job_queue.NEXT_GONE), job=job_id, start="", limit=10
            ),
            "under way": plan(conn, job_holds.hinted(conn, job_holds.SENT_ONES), job=job_id),
            "in turn": plan(conn, job_holds.hinted(conn, job_holds.NUMBER_IN_TURN), job=job_id),
            "over": plan(conn, job_holds.hinted(conn, job_follow.OVER)),
            "moved on": plan(conn, job_holds.hinted(conn, job_follow.MOVED_ON), job=job_id, limit=10),
            "fill": plan(conn, fill, **found.params, after_id="", last_id="z", most=10),
        }

    found = await world.store.read(plans)
    assert "ix_jobs_active" in found["active"]
    assert "ix_job_records_state" in found["next"]
    for name in ("ended", "next of one", "next gone", "under way", "in turn", "moved on"):
        assert "ix_job_records" in found[name]
        assert "SCAN" not in found[name].replace("SCAN CONSTANT ROW", "")
        assert "Seq Scan" not in found[name]
    assert "ix_job_records_state" in found["over"], "the jobs themselves are few"
    assert "ix_records_" in found["fill"]
    for each in ("active", "next", "next of one", "next gone", "over", "fill"):
        assert "TEMP B-TREE" not in found[each]
