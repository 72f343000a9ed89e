"""Jobs whose records cannot all leave now, and records that go on after a job is through with them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from healthdesk.domain.job_states import JobItemState, JobStage, JobState
from healthdesk.domain.job_watch import Wait
from healthdesk.domain.states import HoldReason, RecordState
from healthdesk.store import flow, job_follow, job_holds
from healthdesk.store.rows import EnvWant, RecordQuery
from healthdesk.store.rows_jobs import Places
from healthdesk.store.schema import records as record_table
from tests.store.job_world import filled, step
from tests.store.test_jobs import counts, deliver, failed_records, items
from tests.store.test_ordering import orders, swept
from tests.store.world import PRODUCTION, TESTING, failure

PENDING, SENT, DELIVERED, RETRYING = (
    JobItemState.PENDING,
    JobItemState.SENT,
    JobItemState.DELIVERED,
    JobItemState.RETRYING,
)
FAILED_ONES = RecordQuery(states=(RecordState.FAILED,))


def failing(world, *environments):
    """Return that the connection of these environments fails."""
    return Places({(world.integration_id, each): HoldReason.CONNECTION for each in environments})


async def hold(world, environment):
    await world.store.write(flow.hold_some, world.integration_id, environment, HoldReason.CONNECTION, 99)


async def set_state(world, record_id, **values):
    change = record_table.update().where(record_table.c.id == record_id).values(**values)
    await world.store.write(lambda conn: conn.execute(change) and None)


async def test_records_on_hold_keep_no_other_from_being_tried_and_decide_nothing(world):
    """An app that fails from the beginning, and one that fails while a stage is under way."""
    down = sorted(await failed_records(world, 4, environment=TESTING))
    up = sorted(await failed_records(world, 8))
    down += sorted(await failed_records(world, 3, environment=TESTING))
    job_id = await filled(world, careful=True)
    first = await step(world, job_id, places=failing(world, TESTING))
    assert [each.record_id for each in await items(world, job_id, SENT)] == up[:1], (
        "what can leave goes first"
    )
    await deliver(world)
    five = await step(world, job_id, places=failing(world, TESTING), search=first.search)
    assert (five.job.stage, five.queued) == (JobStage.FIVE, 5)
    await hold(world, PRODUCTION)
    both = failing(world, TESTING, PRODUCTION)
    lined_up = await step(world, job_id, places=both)
    assert (lined_up.queued, lined_up.job.waits) == (0, (waits(world, PRODUCTION, 5),))
    now_up = failing(world, PRODUCTION)
    assert (await step(world, job_id, places=now_up)).queued == 5, "as many as the stage takes"
    await hold(world, TESTING)
    waiting = await step(world, job_id, places=both)
    assert (waiting.job.stage, waiting.job.state, waiting.queued) == (JobStage.FIVE, JobState.RUNNING, 0)
    assert waiting.job.waits == (waits(world, PRODUCTION, 5), waits(world, TESTING, 5))
    assert not (await step(world, job_id, places=both)).changed
    assert (await step(world, job_id, places=both, allowed=0)).job.waits == waiting.job.waits
    await world.store.write(flow.release_some, world.integration_id, PRODUCTION, world.clock.now(), 99)
    await deliver(world)
    rest = await step(world, job_id, most=6, places=failing(world, TESTING))
    assert (rest.job.stage, rest.queued, rest.job.waits) == (JobStage.REST, 2, ())
    await deliver(world)
    last = await step(world, job_id, most=6, places=failing(world, TESTING))
    assert last.queued == 1, "what is on hold lines up, no more of it than may be under way"
    assert await counts(world, job_id) == {DELIVERED: 8, SENT: 6, PENDING: 1}
    assert {each.record_id for each in await items(world, job_id, SENT, PENDING)} == set(down)


def waits(world, environment, number):
    return Wait(HoldReason.CONNECTION, world.integration_id, "CRM endpoint", environment, number)


async def test_a_job_of_one_environment_lines_up_no_more_than_its_stage_takes_and_goes_on_after_the_hold(
    world,
):
    await failed_records(world, 9)
    job_id = await filled(world, careful=True, integration_id=world.integration_id, environment=PRODUCTION)
    held = failing(world, PRODUCTION)
    assert (await step(world, job_id, places=held)).queued == 1
    assert (await step(world, job_id, places=held)).job.waits == (waits(world, PRODUCTION, 1),)
    await deliver(world)
    assert (await step(world, job_id)).queued == 5
    await deliver(world)
    assert (await step(world, job_id, most=2)).queued == 2
    assert (await step(world, job_id, most=2, places=held)).queued == 0
    await deliver(world)
    done = await step(world, job_id)
    assert (done.queued, done.job.waits) == (1, ())


async def test_a_job_with_a_rate_lines_up_one_behind_a_hold_and_sends_fewer_others_for_those_let_go(world):
    await failed_records(world, 9)
    job_id = await filled(world, rate_per_s=2.0)
    held = failing(world, PRODUCTION)
    assert [(await step(world, job_id, most=6, places=held)).queued for _ in range(2)] == [1, 0]
    freed = await step(world, job_id, most=6, allowed=2, were_held=1)
    assert (freed.queued, freed.let_go, freed.lined_up) == (0, 1, 1), "it goes out first, and counts"
    await deliver(world)
    assert (await step(world, job_id, most=6, allowed=2)).queued == 2
    assert (await step(world, job_id, most=6, allowed=3)).queued == 1, "two are there that have not left"


async def test_records_are_passed_over_once_and_found_again_when_others_are_on_hold(world):
    down = sorted(await failed_records(world, 2, environment=TESTING))
    up = sorted(await failed_records(world, 3))
    job_id = await filled(world)
    held = failing(world, TESTING)
    found = await step(world, job_id, most=1, places=held)
    here, there = (world.integration_id, PRODUCTION), (world.integration_id, TESTING)
    assert (found.search.starts, found.queued) == ({here: up[0], there: down[0]}, 1)
    found = await step(world, job_id, most=3, places=held, search=found.search)
    assert (found.search.starts, found.queued) == ({here: up[2], there: down[0]}, 2)
    found = await step(world, job_id, most={here: 4, there: 1}, places=held, search=found.search)
    assert (found.search.starts, found.queued) == ({there: down[0]}, 1), "it lines up"
    assert {each.record_id for each in await items(world, job_id, SENT)} == {*up, down[0]}


async def claim_in_order(world):
    """Claim what is due; what is not its turn is held."""
    want = EnvWant(world.integration_id, PRODUCTION, 100, order="wait")
    return (await world.store.settle_and_claim([], [want], now=world.clock.now())).claimed


async def deliver_in_order(world, claimed):
    """Deliver these, and let go what waited for them; return what was claimed then."""
    settled = tuple(each.id for each in claimed)
    want = EnvWant(world.integration_id, PRODUCTION, 100, order="wait", settled=settled)
    done = [world.delivered(each) for each in claimed]
    return (await world.store.settle_and_claim(done, [want], now=world.clock.now())).claimed


async def test_a_record_that_waits_for_one_that_is_not_in_the_job_holds_up_no_other_and_the_job_says_which(
    world,
):
    """The second of a key whose first is in the job, too, is as good as on its way."""
    await orders(world)
    earlier, late, first, second = [await failed_records(world, 1, order_key=each) for each in "aabb"]
    await failed_records(world, 1)
    here = (world.integration_id, PRODUCTION)
    places = Places(ordered=frozenset({here}))
    await set_state(world, earlier[0], state=RecordState.UNKNOWN)
    job_id = await filled(world, FAILED_ONES)
    assert (await step(world, job_id, most=3, places=places)).queued == 3
    claimed = await claim_in_order(world)
    assert [each.id for each in claimed] == first, "the others wait for their turn"
    assert (await world.store.read(job_holds.under_way, job_id, places)).held == {
        (*here, HoldReason.ORDER): 1
    }
    assert (await step(world, job_id, most=3, places=places)).queued == 1, "one is passed over, the other not"
    claimed = await deliver_in_order(world, claimed)
    assert second[0] in {each.id for each in claimed}
    await deliver_in_order(world, claimed)
    waiting = await step(world, job_id, places=places)
    turn = Wait(HoldReason.ORDER, world.integration_id, "CRM endpoint", PRODUCTION, 1, earlier[0])
    assert (waiting.ended, waiting.job.state, waiting.job.waits) == (
        {DELIVERED: 3},
        JobState.RUNNING,
        (turn,),
    )
    await set_state(world, earlier[0], state=RecordState.DELIVERED)
    assert await swept(world) == late
    await deliver_in_order(world, await claim_in_order(world))
    done = await step(world, job_id, places=places)
    assert (done.job.state, done.job.waits) == (JobState.DONE, ())


async def test_a_job_does_not_queue_all_it_has_behind_a_record_that_is_not_its_own(world, monkeypatch):
    monkeypatch.setattr(job_holds, "IN_LINE", 2)
    await orders(world)
    await set_state(world, (await failed_records(world, 1, order_key="a"))[0], state=RecordState.UNKNOWN)
    for _ in range(3):
        await failed_records(world, 3, order_key="a")
    (elsewhere,) = await failed_records(world, 1, environment=TESTING)
    places = Places(ordered=frozenset({(world.integration_id, PRODUCTION)}))
    job_id = await filled(world, FAILED_ONES, careful=True)
    queued = []
    for _ in range(4):
        queued.append((await step(world, job_id, places=places)).queued)
        assert await claim_in_order(world) == []
    assert queued == [1, 1, 1, 0], "two in line, and the one of another environment"
    claimed = await world.claim(environment=TESTING)
    assert [each.id for each in claimed] == [elsewhere]
    await world.step([world.delivered(each) for each in claimed])
    five = await step(world, job_id, places=places)
    assert (five.job.stage, five.queued, five.job.waits) == (JobStage.FIVE, 3, ())
    await claim_in_order(world)
    waiting = (await step(world, job_id, places=places)).job
    assert [(each.reason, each.records) for each in waiting.waits] == [(HoldReason.ORDER, 5)]
    assert (waiting.state, await counts(world, job_id)) == (
        JobState.RUNNING,
        {DELIVERED: 1, SENT: 5, PENDING: 4},
    )


async def test_a_job_tells_what_became_of_records_that_went_on_by_themselves(world):
    """Delivered, given up, awaiting a receipt, still under way, gone: whichever it is, the counts are those of the items."""
    ids = sorted(await failed_records(world, 5))
    job_id = await filled(world)
    await step(world, job_id)
    later = world.clock.now() + timedelta(seconds=60)
    claimed = await world.claim()
    await world.step([world.failed(each, failure(), next_at=later) for each in claimed])
    ended = await step(world, job_id)
    assert (ended.job.state, ended.job.finished_at) == (JobState.DONE, world.clock.now())
    assert await counts(world, job_id) == {RETRYING: 5}
    assert await world.store.read(job_follow.behind) == []
    world.clock.advance(60)
    again = {each.id: each for each in await world.claim()}
    awaiting, gone, under_way = world.delivered(again[ids[2]]), ids[3], ids[4]
    refused = world.failed(again[ids[1]], failure(status=422, permanent=True))
    await world.step([world.delivered(again[ids[0]]), refused])
    await world.step([awaiting])
    receipt = {"state": RecordState.AWAITING_RECEIPT, "next_at": later + timedelta(days=1)}
    await set_state(world, ids[2], **receipt)
    await world.store.write(
        lambda conn: conn.execute(delete(record_table).where(record_table.c.id == gone)) and None
    )
    assert await world.store.read(job_follow.behind) == [job_id]
    for _ in range(2):  # a second one is taken in by the next
        row = (await world.store.write(job_follow.follow, job_id, world.clock.now(), limit=2)).job
    assert await world.store.read(job_follow.behind) == []
    states = {each.record_id: (each.state, each.status, each.detail) for each in await items(world, job_id)}
    assert states[ids[0]] == (DELIVERED, 200, "")
    assert states[ids[1]] == (JobItemState.FAILED, 422, "the endpoint said 422")
    assert states[ids[2]][0] is JobItemState.AWAITING_RECEIPT
    assert (states[gone][0], states[under_way][0]) == (JobItemState.UNKNOWN, RETRYING)
    assert (row.counts[DELIVERED], len(await counts(world, job_id))) == (1, 5)
    assert (row.finished_at, row.state) == (ended.job.finished_at, JobState.DONE)
    await set_state(world, ids[2], state=RecordState.DELIVERED, next_at=None)
    await world.store.write(job_follow.follow, job_id, world.clock.now())
    assert (await counts(world, job_id))[DELIVERED] == 2


async def test_a_careful_job_waits_for_the_receipts_of_its_first_records_and_later_ones_stop_it(world):
    await failed_records(world, 12)
    job_id = await filled(world, careful=True)

    async def send(**more):
        """Queue what is next, and let the endpoint answer 202; return the records."""
        await step(world, job_id, **more)
        sent = [each.id for each in await deliver(world)]
        for each in sent:
            await set_state(world, each, state=RecordState.AWAITING_RECEIPT)
        return sent

    (first,) = await send()
    assert not (await step(world, job_id)).changed
    await set_state(world, first, state=RecordState.DELIVERED)
    five = await send()
    world.clock.advance(59)
    assert (len(five), (await step(world, job_id)).changed) == (5, False)
    world.clock.advance(1)
    assert (await step(world, job_id, most=0)).job.stage is JobStage.REST, "no longer than that"
    await send(most=2)
    assert (await step(world, job_id, most=2)).ended == {JobItemState.AWAITING_RECEIPT: 2}
    for each in five[:3]:
        await set_state(world, each, state=RecordState.FAILED, error="rejected by the CRM")
    followed = await world.store.write(job_follow.follow, job_id, world.clock.now())
    assert (followed.stopped, followed.job.state) == (True, JobState.STOPPED)
    assert followed.job.reason == "The same failure 3 times in a row: rejected by the CRM"


async def test_a_receipt_that_fails_as_before_stops_the_first_stage(world):
    ids = await failed_records(world, 3)
    job_id = await filled(world, careful=True, known=["rejected 422 rejected by the CRM"])
    await step(world, job_id)
    await deliver(world)
    refused = {
        "error_kind": "rejected",
        "last_status": 422,
        "error": "rejected by the CRM",
        "problem_id": None,
    }
    await set_state(world, min(ids), state=RecordState.FAILED, **refused)
    assert (await step(world, job_id)).job.reason == "The same failure came back: rejected by the CRM"
