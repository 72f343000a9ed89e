"""What works with a connection, what ends with it, and what goes to another owner, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from healthdesk.domain.instance_states import InstanceKind
from healthdesk.errors import NotFound
from healthdesk.store import connections, disconnecting, instances, owning
from healthdesk.store.owning import Given


async def work(world, instance_id, connection_id, owner):
    now = world.clock.now()
    kind = InstanceKind.TASK if instance_id.startswith("tsk") else InstanceKind.PROOF
    await world.store.write(
        lambda conn: instances.insert(
            conn,
            id=instance_id,
            kind=kind,
            integration_id="int_t",
            connection_id=connection_id,
            app="github",
            owner=owner,
            name=instance_id,
            every_s=3600,
            now=now,
            by=owner,
            next_at=now + timedelta(hours=1),
        )
    )


async def test_a_disconnection_parts_what_works_with_it_and_is_final(world):
    used, other = await world.add_connection(name="used"), await world.add_connection(name="other")
    for each, connection_id in (("tsk_1", used), ("tsk_2", used), ("prf_1", used), ("tsk_3", other)):
        await work(world, each, connection_id, "alice")
    found = await world.store.read(disconnecting.uses, used)
    assert found.owners == {InstanceKind.PROOF: {"alice": 1}, InstanceKind.TASK: {"alice": 2}}
    done = await world.store.write(disconnecting.disconnect, used, "bob", world.clock.now())
    assert (done.uses, done.problems) == (found, [])
    for each, connection_id in (("tsk_1", None), ("prf_1", None), ("tsk_3", other)):
        assert (await world.store.read(instances.get, each)).connection_id == connection_id
    for gone in (connections.hold, disconnecting.uses):
        with pytest.raises(NotFound):
            await world.store.write(gone, used)
    assert (await world.store.write(connections.hold, other)).name == "other"


async def test_what_somebody_configured_goes_to_the_new_owner_and_what_others_did_stays(world):
    mine = await world.add_connection(name="mine")
    await world.store.write(connections.update, mine, {"owner": "bob"})
    for each, owner in (("tsk_1", "bob"), ("tsk_2", "mia")):
        await work(world, each, mine, owner)
    await work(world, "prf_1", None, "bob")
    assert await world.store.read(owning.ids_of, "bob") == [mine]
    assert await world.store.write(owning.give, mine, "bob", "alice") == Given(instances=1)
    assert [row.id for row in (await world.store.read(owning.of_owner, "bob")).items] == []
    assert (await world.store.read(connections.get, mine)).owner == "alice"
    assert await world.store.write(owning.give_rest, "bob", "alice") == Given(instances=1)
    owners = [(await world.store.read(instances.get, each)).owner for each in ("tsk_1", "tsk_2", "prf_1")]
    assert owners == ["alice", "mia", "alice"]
