"""Records are found by exact values of lookup fields, of which only keyed hashes are kept."""

from __future__ import annotations

from datetime import timedelta

from healthdesk.domain.lookup_values import canonical, hashes_of, value_hash
from healthdesk.domain.ordering import order_key
from healthdesk.domain.states import Environment
from healthdesk.store import lookups, records, retention, sources
from healthdesk.store.rows import RecordQuery
from tests.store.test_retention import BODIES, DAY, REST, deliver, rows
from tests.store.world import PREFIX

SECRET = b"s" * 32


def test_text_and_numbers_that_read_alike_are_one_value():
    assert canonical(7) == canonical("7") == canonical(7.0) == "7"
    assert canonical(True) == "true"
    assert [canonical(each) for each in (None, "", {}, [7])] == [None] * 4


def test_a_hash_depends_on_secret_source_field_and_value():
    first = value_hash(SECRET, "src_1", "participant", "p-7")
    others = {
        value_hash(b"t" * 32, "src_1", "participant", "p-7"),
        value_hash(SECRET, "src_2", "participant", "p-7"),
        value_hash(SECRET, "src_1", "case", "p-7"),
        value_hash(SECRET, "src_1", "participant", "p-8"),
    }
    assert len(others) == 4
    assert first not in others
    assert hashes_of(SECRET, "src_1", ["participant", "gone"], {"participant": "p-7"}) == (first,)
    assert hashes_of(SECRET, "src_1", ["participant"], ["p-7"]) == ()


def test_half_of_a_surrogate_pair_is_a_value_as_any_other():
    whole, half = ({"participant": text} for text in ("Ann \U0001f600", "Ann \ud83d"))
    hashes = [hashes_of(SECRET, "src_1", ["participant"], data) for data in (whole, half)]
    assert len({*hashes, ()}) == 3
    keys = [order_key(SECRET, "int_1", Environment.TESTING, "participant", data) for data in (whole, half)]
    assert len({*keys, None}) == 3


async def test_a_record_is_found_by_its_hash_until_retention_deletes_it(world):
    wanted = value_hash(SECRET, world.sources[0], "participant", "p-7")
    await deliver(world, 1)
    [record_id] = await world.accept(lookups=(wanted, b"x" * 32))
    await world.step([world.delivered(each) for each in await world.claim(500)])
    found = await world.store.read(records.page, RecordQuery(lookups=((wanted,),)))
    assert [row.id for row in found.items] == [record_id]
    world.clock.advance(91 * DAY)
    while await world.store.write(
        retention.delete_some, world.clock.now(), bodies=BODIES, rest=REST, limit=200
    ):
        pass
    assert await rows(world, "record_lookups") == 0


async def posted(world, value):
    data = b'{"participant": "%s"}' % value.encode()
    body = PREFIX + data + b"}"
    return (await world.accept(body=body, data_end=len(PREFIX) + len(data)))[0]


async def test_earlier_records_are_filled_in_when_a_field_is_declared_and_emptied_when_it_is_not(world):
    source_id = world.sources[0]
    ids = [await posted(world, f"p-{n % 3}") for n in range(10)]
    query = RecordQuery(lookups=((value_hash(SECRET, source_id, "participant", "p-1"),),))

    async def declare(*, lookup):
        fields = [{"name": "participant", "lookup": lookup}]
        begins = world.clock.now() + timedelta(seconds=5)
        await world.store.write(lambda conn: sources.update(conn, source_id, fields=fields))
        await world.store.write(lookups.refill, source_id, begins)

    async def found():
        return [row.id for row in (await world.store.read(records.page, query)).items][::-1]

    await declare(lookup=True)
    assert await world.store.read(lookups.waiting, world.clock.now()) == []
    world.clock.advance(5)
    assert await world.store.read(lookups.waiting, world.clock.now()) == [source_id]
    steps = 1
    while await world.store.write(lookups.fill_some, source_id, SECRET, 4):
        steps += 1
    assert steps == 3
    assert await found() == ids[1::3]
    assert await world.store.read(lookups.waiting, world.clock.now()) == []
    await declare(lookup=False)
    assert await world.store.write(lookups.fill_some, source_id, SECRET, 500) is False
    assert await found() == []
    assert await rows(world, "record_lookups") == 0
