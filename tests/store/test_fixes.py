"""Fixes in the database: in force, taken back, absorbed into a mapping, and deleted with what they belong to."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from healthdesk.domain.states import RecordState
from healthdesk.store import facts, fixes, integrations, record_events, records
from healthdesk.store.rows_fixes import FixRow
from healthdesk.store.schema_jobs import fixes as table
from tests.store.job_world import filled, step
from tests.store.world import PRODUCTION, TESTING, failure

REMOVE = {"do": "remove", "path": "note"}
STEPS = [{"do": "default", "path": "risk_level", "value": "unknown"}]


async def failed(world, count=1, **more):
    ids = await world.accept(count, **more)
    claims = await world.claim(environment=more.get("environment", PRODUCTION))
    await world.step([world.failed(each, failure(), state=RecordState.FAILED) for each in claims])
    return ids


def row(world, **more):
    fields = {"id": world.new("fix"), "at": world.clock.now(), "made_by": "bob", "mapping": STEPS}
    return FixRow(**fields | more)


async def in_force(world, made, ids):
    def change(conn):
        fixes.insert(conn, made)
        fixes.put_in_force(conn, ids, made.id, at=made.at, by="bob", sentence="Fixed.")

    await world.store.write(change)


async def test_a_shared_fix_is_listed_with_each_of_its_records_and_one_of_a_record_with_that_alone(world):
    one, two = await failed(world, 2)
    shared, own = row(world), row(world, record_id=one, body=b'{"a": 1}', mapping=[])
    await in_force(world, shared, [one, two])
    await in_force(world, own, [one])
    assert await world.store.read(fixes.of_record, one) == [shared, own]
    assert await world.store.read(fixes.of_record, two) == [shared]
    assert (await world.store.read(records.get, one)).fix_id == own.id
    events = await world.store.read(record_events.of, one)
    assert [(each.kind.value, each.by) for each in events] == [("fixed", "bob"), ("fixed", "bob")]


async def test_a_fix_that_the_mapping_has_now_is_taken_off_what_waits_and_of_no_other_place(world):
    (here,) = await failed(world)
    (there,) = await failed(world, environment=TESTING)
    (other,) = await failed(world)
    await in_force(world, row(world), [here, there])
    await in_force(world, row(world, headers={"X-A": "1"}), [other])

    place = (world.integration_id, PRODUCTION, STEPS)
    for headers, taken in (({}, [True, False, False]), ({"X-A": "1"}, [True, False, True])):
        said = {"by": "bob", "at": world.clock.now()}
        assert await world.store.write(fixes.absorb, *place, headers, **said) == 1
        found = [(await world.store.read(records.get, each)).fix_id for each in (here, there, other)]
        assert [each is None for each in found] == taken, "with its headers, where these are saved, too"


async def test_steps_that_were_saved_are_carried_out_once_also_of_what_is_resent_or_fixed_by_a_job_later(
    world,
):
    [delivered] = await world.accept(1)
    [elsewhere] = await failed(world, environment=TESTING)
    await world.step([world.delivered(each) for each in await world.claim()])
    with_header, of_job = row(world, headers={"X-A": "1"}), row(world)
    await in_force(world, with_header, [delivered, elsewhere])
    late = (await failed(world))[0]
    await in_force(world, of_job, [])
    await filled(world, fix_id=of_job.id)
    save = integrations.put_environment
    place, now = (world.integration_id, PRODUCTION), world.clock.now()
    await world.store.write(save, *place, {"delivery": {"mapping": [*STEPS, REMOVE]}}, now)
    await world.store.write(save, *place, {"delivery": {"mapping": [REMOVE]}}, now)

    def late_comer(conn):
        fixes.put_in_force(conn, [late], of_job.id, at=now, by="bob", sentence="Fixed.")

    await world.store.write(late_comer)
    found = await world.store.read(facts.of_records, [delivered, elsewhere, late])
    steps = {each: [step.path for step in found[each].fix.mapping] for each in found}
    assert steps == {delivered: [], late: [], elsewhere: ["risk_level"]}
    assert found[delivered].fix.headers == {"X-A": "1"}


async def test_it_is_taken_off_what_is_being_sent_and_may_be_sent_again(world):
    await failed(world)
    (sending,) = await world.accept(1)
    await world.claim()
    await in_force(world, row(world), [sending])
    place = (world.integration_id, PRODUCTION, STEPS, {})
    absorbed = await world.store.write(
        lambda conn: fixes.absorb(conn, *place, by="bob", at=world.clock.now())
    )
    assert absorbed == 1
    assert (await world.store.read(records.get, sending)).fix_id is None


async def test_a_job_does_not_put_it_on_records_whose_environment_has_it_by_now(world):
    ids = await failed(world, 3)
    (testing,) = await failed(world, environment=TESTING)
    shared, with_header = row(world), row(world, headers={"X-A": "1"})
    for made in (shared, with_header):
        await in_force(world, made, [])
    job_id = await filled(world, fix_id=shared.id)
    first = min(ids)
    await step(world, job_id, most=1)
    assert (await world.store.read(records.get, first)).fix_id == shared.id
    mapping = {"mapping": [*STEPS, {"do": "remove", "path": "note"}]}
    await world.store.write(
        integrations.put_environment,
        world.integration_id,
        PRODUCTION,
        {"delivery": mapping},
        world.clock.now(),
    )
    await step(world, job_id)
    found = {each: (await world.store.read(records.get, each)).fix_id for each in (*ids, testing)}
    rest = set(ids) - {first}
    assert found == {first: shared.id, testing: shared.id} | dict.fromkeys(rest)
    assert await world.store.read(fixes.still_needed, ids, with_header.id) == ids


async def test_shared_fixes_stay_as_long_as_something_refers_to_them(world):
    (record_id,) = await failed(world)
    used, unused = row(world), row(world)
    await in_force(world, used, [record_id])
    await in_force(world, unused, [])
    later = world.clock.now() + timedelta(days=100)
    assert await world.store.write(lambda conn: fixes.delete_unused(conn, later, 10)) == 1
    left = await world.store.read(lambda conn: list(conn.execute(select(table.c.id)).scalars()))
    assert left == [used.id]


async def test_the_body_of_a_fix_goes_with_that_of_its_record(world):
    (record_id,) = await failed(world)
    made = row(world, record_id=record_id, body=b'{"a": 1}', mapping=[], note="Ada asked")
    await in_force(world, made, [record_id])
    await world.store.write(lambda conn: fixes.forget_bodies(conn, [record_id]))
    [kept] = await world.store.read(fixes.of_record, record_id)
    assert (kept.id, kept.body, kept.note, kept.made_by) == (made.id, None, "", "bob")
    await world.store.write(lambda conn: fixes.delete_of(conn, [record_id]))
    assert await world.store.read(fixes.of_record, record_id) == []
