"""What becomes of records whose outcome is not known: lookups, deadlines and receipts, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from healthdesk.domain.delivery import Receipt
from healthdesk.domain.receipts import Told, told
from healthdesk.domain.states import (
    CallbackState,
    Environment,
    ErrorKind,
    OnUnknown,
    RecordEventKind,
    RecordState,
    Trigger,
)
from healthdesk.domain.undecided import Decision, Said, unconfirmed
from healthdesk.store import callbacks, integrations, problems, receipts, record_events, records, undecided
from healthdesk.store.rows import Outcome, Whose
from tests.store.test_callbacks import callback
from tests.store.test_flow import recover
from tests.store.test_problems import only
from tests.store.test_retention import DAY, clean
from tests.store.world import PRODUCTION, TESTING, failure

LOST = failure(ErrorKind.TIMEOUT, None)
DELIVERED = Decision(RecordState.DELIVERED, None, "The endpoint has it.")


async def in_state(world, state, seconds=60.0, **changes):
    """One record that was sent and is in this state, to be looked at again after some seconds."""
    (record_id,) = await world.accept(**changes)
    (claimed,) = await world.claim(environment=changes.get("environment", PRODUCTION))
    next_at = world.clock.now() + timedelta(seconds=seconds)
    settled = replace(world.delivered(claimed), state=state, next_at=next_at)
    if state not in (RecordState.AWAITING_RECEIPT, RecordState.DELIVERED):
        settled = replace(world.failed(claimed, LOST, state=state), next_at=next_at)
    await world.step([settled])
    return record_id


async def row_of(world, record_id):
    return await world.store.read(records.get, record_id)


async def events_of(world, record_id):
    return [(each.kind, each.sentence) for each in await world.store.read(record_events.of, record_id)]


async def receive(world, record_id, said=Said.DELIVERED, delivery_id="r1", whose=(PRODUCTION,), **changes):
    new = callback(
        world, delivery_id, connection_id="", integration_id=world.integration_id, body=b"{}", **changes
    )
    tells = said if isinstance(said, Told) else Told(record_id, said, message="score 71 is wrong")
    given = {each: (tells, Whose(world.connection_id, "CRM", "alice")) for each in whose}
    return await world.store.write(receipts.accept, new, given, world.clock.now())


async def receipt_of(world, stored):
    return await world.store.read(callbacks.get, stored.id)


async def test_an_awaited_record_is_delivered_by_its_receipt_in_the_transaction_that_stores_it(world):
    record_id = await in_state(world, RecordState.AWAITING_RECEIPT)
    assert await world.check_ledger() == {"awaiting_receipt": 1}
    stored = await receive(world, record_id)
    assert (stored.duplicate, stored.waits, stored.carried.changed) == (False, False, (record_id,))
    row = await row_of(world, record_id)
    assert (row.state, row.next_attempt_at, row.error) == (RecordState.DELIVERED, None, "")
    assert await events_of(world, record_id) == [(RecordEventKind.RECEIPT, receipts.CONFIRMED)]
    assert await world.check_ledger() == {"delivered": 1}
    kept = await receipt_of(world, stored)
    assert (kept.state, kept.event, kept.records) == (CallbackState.PROCESSED, "delivered", (record_id,))
    assert (kept.connection_id, kept.integration_id, kept.integration_name, kept.environment) == (
        "",
        world.integration_id,
        "CRM endpoint",
        PRODUCTION,
    )


async def test_a_receipt_of_failure_fails_the_record_in_a_problem_without_its_values(world):
    record_id = await in_state(world, RecordState.AWAITING_RECEIPT)
    stored = await receive(world, record_id, Said.FAILED)
    row = await row_of(world, record_id)
    assert (row.state, row.error_kind) == (RecordState.FAILED, "refused")
    assert "71" not in row.error
    assert "score" in row.error
    problem = await only(world)
    assert (problem.id, problem.count, problem.blame) == (row.problem_id, 1, "them")
    assert "71" not in str(await events_of(world, record_id))
    assert stored.carried.problems_changed == (problem.id,)
    late = await receive(world, record_id, delivery_id="r2")
    assert late.carried.changed == (record_id,)
    row = await row_of(world, record_id)
    assert (row.state, row.problem_id, row.error, row.error_kind) == (RecordState.DELIVERED, None, "", "")
    assert (await world.store.read(problems.get, problem.id)).state.value == "resolved"
    assert (await events_of(world, record_id))[-1] == (RecordEventKind.RECEIPT, receipts.CONFIRMED_LATE)


async def test_every_webhook_id_a_record_was_sent_under_finds_it(world):
    record_id = await in_state(world, RecordState.FAILED)
    sent_as = [record_id]
    for _ in range(2):
        again = {"by": "alice", "now": world.clock.now(), "new_webhook_id": True}
        await world.store.write(records.resend, [record_id], **again)
        (claimed,) = await world.claim()
        sent_as.append(claimed.webhook_id)
        await world.step([world.failed(claimed, failure(), state=RecordState.FAILED)])
    assert len(set(sent_as)) == 3
    for number, webhook_id in enumerate(sent_as):
        stored = await receive(world, webhook_id, Said.FAILED, delivery_id=f"r{number}")
        kept = await receipt_of(world, stored)
        assert (kept.reason, kept.records) == (
            "No receipt was awaited: the record is failed.",
            (record_id,),
        ), number
    assert (await receive(world, sent_as[1], delivery_id="r9")).carried.changed == (record_id,)


async def test_a_receipt_that_overtakes_the_answer_waits_for_it(world):
    (record_id,) = await world.accept()
    (claimed,) = await world.claim()
    stored = await receive(world, record_id, Said.FAILED)
    assert stored.waits
    assert (await row_of(world, record_id)).state is RecordState.SENDING
    (kept,) = await world.store.read(receipts.waiting, limit=10, most_bytes=1000)
    assert (kept.id, kept.integration_id, kept.environment, kept.body) == (
        stored.id,
        world.integration_id,
        PRODUCTION,
        b"{}",
    )
    assert await world.store.read(callbacks.waiting, limit=10, most_bytes=1000) == [], "not an app's"
    await world.step(
        [replace(world.delivered(claimed), state=RecordState.AWAITING_RECEIPT, next_at=world.clock.now())]
    )
    applied = (Told(record_id, Said.FAILED), Whose(world.connection_id, "CRM", "alice"), world.clock.now())
    for changed in ((record_id,), ()):  # the second daemon finds it applied
        again = await world.store.write(
            receipts.apply, kept.id, kept.integration_id, kept.environment, *applied
        )
        assert again.carried.changed == changed
    assert (await row_of(world, record_id)).state is RecordState.FAILED
    assert await world.store.read(receipts.waiting, limit=10, most_bytes=1000) == []


async def test_a_repeated_receipt_is_counted_and_does_not_undo_a_resend(world):
    record_id = await in_state(world, RecordState.AWAITING_RECEIPT)
    first = await receive(world, record_id, Said.FAILED)
    await world.store.write(records.resend, [record_id], by="bob", now=world.clock.now())
    (claimed,) = await world.claim()
    await world.step(
        [replace(world.delivered(claimed), state=RecordState.AWAITING_RECEIPT, next_at=world.clock.now())]
    )
    repeated = await receive(world, record_id, Said.FAILED)
    assert (repeated.duplicate, repeated.id) == (True, first.id)
    assert (await receipt_of(world, first)).duplicates == 1
    assert (await row_of(world, record_id)).state is RecordState.AWAITING_RECEIPT


@pytest.mark.parametrize(
    ("state", "said", "after"),
    [
        (RecordState.UNKNOWN, Said.DELIVERED, RecordState.DELIVERED),
        (RecordState.UNKNOWN, Said.FAILED, RecordState.FAILED),
        (RecordState.RETRYING, Said.DELIVERED, RecordState.DELIVERED),
        (RecordState.RETRYING, Said.FAILED, RecordState.RETRYING),
        (RecordState.FAILED, Said.FAILED, RecordState.FAILED),
        (RecordState.DELIVERED, Said.FAILED, RecordState.DELIVERED),
        (RecordState.DELIVERED, Said.DELIVERED, RecordState.DELIVERED),
    ],
)
async def test_a_receipt_in_another_state_changes_only_what_it_tells_for_sure(world, state, said, after):
    record_id = await in_state(world, state)
    stored = await receive(world, record_id, said)
    assert (await row_of(world, record_id)).state is after
    kept = await receipt_of(world, stored)
    assert kept.state is CallbackState.PROCESSED
    assert bool(kept.reason) == (state is after)
    assert len(await events_of(world, record_id)) == (state is not after)
    await world.check_ledger()


async def test_a_receipt_of_an_earlier_webhook_id_confirms_but_does_not_fail(world):
    record_id = await in_state(world, RecordState.AWAITING_RECEIPT)
    await world.store.write(
        records.resend, [record_id], by="bob", now=world.clock.now(), new_webhook_id=True, delivered_too=True
    )
    (claimed,) = await world.claim()
    assert claimed.webhook_id != record_id
    await world.step(
        [replace(world.delivered(claimed), state=RecordState.AWAITING_RECEIPT, next_at=world.clock.now())]
    )
    old = await receive(world, record_id, Said.FAILED, "r1")
    assert "earlier sending" in (await receipt_of(world, old)).reason
    assert (await row_of(world, record_id)).state is RecordState.AWAITING_RECEIPT
    await receive(world, claimed.webhook_id, Said.FAILED, "r2")
    assert (await row_of(world, record_id)).state is RecordState.FAILED


async def test_a_receipt_counts_only_in_the_environment_whose_secret_it_was_signed_with(world):
    record_id = await in_state(world, RecordState.AWAITING_RECEIPT)
    stored = await receive(world, record_id, whose=(TESTING,))
    assert (await row_of(world, record_id)).state is RecordState.AWAITING_RECEIPT
    kept = await receipt_of(world, stored)
    assert (kept.state, kept.environment) == (CallbackState.FAILED, TESTING)
    assert kept.reason == "There is no record of testing with this webhook-id."
    same_id = await receive(world, record_id, whose=(TESTING, PRODUCTION))
    assert not same_id.duplicate, "ids of one environment say nothing of the other's"
    assert (await row_of(world, record_id)).state is RecordState.DELIVERED


async def test_receipts_of_an_integration_are_listed_beside_callbacks(world):
    record_id = await in_state(world, RecordState.AWAITING_RECEIPT)
    app = await world.store.accept_callback(callback(world, "d1"))
    one = await receive(world, record_id, delivery_id="d1")
    two = await receive(world, "", Told("", why="It names no record."), delivery_id="d2", whose=(TESTING,))
    rejected = callback(
        world,
        "",
        CallbackState.REJECTED,
        integration_id=world.integration_id,
        connection_id=callbacks.sender(world.integration_id, None),
    )
    await world.store.accept_callback(rejected)
    every = await world.store.read(callbacks.page)
    assert [row.id for row in every.items] == [rejected.id, two.id, one.id, app.id]
    own = await world.store.read(callbacks.page, integration_id=world.integration_id)
    assert [row.id for row in own.items] == [rejected.id, two.id, one.id]
    failed = await world.store.read(
        callbacks.page, integration_id=world.integration_id, states=(CallbackState.FAILED,)
    )
    assert [(row.id, row.reason) for row in failed.items] == [(two.id, "It names no record.")]


async def test_deadlines_that_passed_are_found_and_carried_out_once(world):
    early = await in_state(world, RecordState.AWAITING_RECEIPT, 10)
    await in_state(world, RecordState.AWAITING_RECEIPT, 100)
    assert await world.store.read(undecided.due, world.clock.now()) == []
    world.clock.advance(11)
    now, place = world.clock.now(), (world.integration_id, PRODUCTION)
    assert await world.store.read(undecided.due, now) == [(RecordState.AWAITING_RECEIPT, *place)]
    (row,) = await world.store.read(undecided.passed, *place, now, 10)
    assert (row.id, row.source) == (early, "heart")
    why = unconfirmed(permanent=True)
    outcome = Outcome(
        row,
        Decision(RecordState.FAILED, None, "No receipt came in time.", why),
        RecordEventKind.DEADLINE,
        world.key(why),
    )
    assert (await world.store.write(undecided.carry_out, [outcome], now)).changed == (early,)
    assert (await world.store.write(undecided.carry_out, [outcome], now)).changed == ()
    failed = await row_of(world, early)
    assert (failed.state, failed.error_kind) == (RecordState.FAILED, "unconfirmed")
    assert failed.problem_id == (await only(world)).id
    assert await events_of(world, early) == [(RecordEventKind.DEADLINE, "No receipt came in time.")]
    assert await world.check_ledger() == {"failed": 1, "awaiting_receipt": 1}


async def take(world, lease_s=30.0, limit=10):
    now = world.clock.now()
    return await world.store.write(
        undecided.take_to_ask,
        world.integration_id,
        PRODUCTION,
        now,
        now + timedelta(seconds=lease_s),
        limit,
    )


async def test_an_unknown_record_is_taken_to_be_asked_for_by_one_daemon_at_a_time(world):
    record_id = await in_state(world, RecordState.UNKNOWN, 5)
    assert await take(world) == []
    world.clock.advance(5)
    assert [row.id for row in await take(world)] == [record_id]
    assert await take(world) == [], "another daemon has it"
    world.clock.advance(30)
    (again,) = await take(world)
    assert again.id == record_id, "the daemon that had it died"
    assert again.asked == 0
    assert (await row_of(world, record_id)).problem_id is not None
    outcome = Outcome(again, DELIVERED, RecordEventKind.LOOKED_UP)
    await world.store.write(undecided.carry_out, [outcome], world.clock.now())
    found = await row_of(world, record_id)
    assert (found.state, found.error, found.problem_id) == (RecordState.DELIVERED, "", None)


async def test_what_was_resent_meanwhile_is_not_touched_by_an_old_lookup(world):
    record_id = await in_state(world, RecordState.UNKNOWN, 0)
    (row,) = await take(world)
    by = {"by": "bob", "now": world.clock.now()}
    refused = await world.store.write(records.resend, [record_id], **by)
    assert (refused.resent, refused.asked, list(refused.skipped)) == (0, 1, [record_id])
    assert (await world.store.write(records.resend, [record_id], **by, asked_too=True)).resent == 1
    outcome = Outcome(row, DELIVERED, RecordEventKind.LOOKED_UP)
    assert (await world.store.write(undecided.carry_out, [outcome], world.clock.now())).changed == ()
    assert await events_of(world, record_id) == []
    assert (await row_of(world, record_id)).state is RecordState.QUEUED


async def test_only_lookups_of_the_desk_since_the_last_attempt_are_counted(world):
    record_id = await in_state(world, RecordState.UNKNOWN, 0)
    for by in ("", "bob", ""):
        await world.store.write(
            record_events.add, record_id, RecordEventKind.LOOKED_UP, world.clock.now(), "open", by
        )
    assert (await world.store.read(undecided.get, record_id)).asked == 2
    (row,) = await take(world)
    assert row.asked == 2
    again = Decision(RecordState.RETRYING, world.clock.now(), "not there")
    done = await world.store.write(
        undecided.carry_out, [Outcome(row, again, RecordEventKind.LOOKED_UP)], world.clock.now()
    )
    assert done.again == ((world.integration_id, PRODUCTION),)
    world.clock.advance(1)
    (claimed,) = await world.claim()
    assert (claimed.id, claimed.trigger, claimed.webhook_id) == (record_id, Trigger.RETRY, record_id)
    assert (await world.store.read(undecided.get, record_id)).asked == 0


@pytest.mark.parametrize("on_unknown", OnUnknown)
async def test_after_a_crash_the_endpoint_is_asked_first_where_it_can_be(world, on_unknown):
    await world.store.write(
        integrations.put_environment,
        world.integration_id,
        PRODUCTION,
        {"on_unknown": on_unknown, "delivery": {"lookup": {"path": "/records/{webhook_id}"}}},
        world.clock.now(),
    )
    (record_id,) = await world.accept()
    await world.claim()
    assert await recover(world) == 1
    row = await row_of(world, record_id)
    assert (row.state, row.next_attempt_at) == (RecordState.UNKNOWN, world.clock.now())
    assert row.error.endswith("The endpoint is asked.")
    assert await world.claim() == []
    assert [each.id for each in await take(world)] == [record_id]
    assert await world.check_ledger() == {"unknown": 1}


async def test_awaited_records_stay_however_old(world):
    record_id = await in_state(world, RecordState.AWAITING_RECEIPT, 400 * DAY)
    world.clock.advance(200 * DAY)
    await clean(world)
    assert await world.store.read(records.body, record_id) is not None
    await receive(world, record_id)
    await clean(world)
    assert await world.check_ledger() == {}


def test_a_receipt_tells_by_its_words_and_nothing_by_accident():
    settings = Receipt()
    assert told(settings, "rec_1", "OK", None) == Told("rec_1", Said.DELIVERED)
    assert told(settings, "rec_1", True, None) == Told("rec_1", Said.DELIVERED)
    assert told(settings, 7, "Rejected", "no  such\nplan") == Told("7", Said.FAILED, message="no such plan")
    for status in (None, "", "pending", {"a": 1}, ["ok"]):
        unclear = told(settings, "rec_1", status, None)
        assert (unclear.said, bool(unclear.why)) == (None, True)
    assert told(settings, None, "ok", None).said is None
    assert told(settings, ["rec_1"], "ok", None).said is None
    assert told(Receipt(status=""), "rec_1", None, None).said is Said.DELIVERED


def test_environments_of_a_receipt_are_those_it_was_verified_for():
    assert callbacks.senders("int_1") == ("int_1/production", "int_1/testing", "int_1/")
    assert len({callbacks.sender("int_1", each) for each in (*Environment, None)}) == 3
