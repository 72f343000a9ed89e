"""Labels and controls, their members, and what is filed under them."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from healthdesk.domain.instance_states import InstanceKind, LabelKind
from healthdesk.errors import Conflict, NotFound
from healthdesk.store import labels
from healthdesk.store.schema_instances import instances, label_members
from tests.store.world import World


async def add(world: World, name: str, kind: LabelKind = LabelKind.LABEL, *members: str) -> str:
    label_id = world.new("lbl")
    await world.store.write(
        labels.insert,
        label_id=label_id,
        kind=kind,
        name=name,
        description="",
        members=members,
        now=world.clock.now(),
        by="alice",
    )
    return label_id


async def file(world: World, label_id: str, name: str) -> None:
    def change(conn: Any) -> None:
        row = {"id": world.new("prf"), "kind": InstanceKind.PROOF, "integration_id": world.integration_id}
        row |= {"app": "github", "owner": "alice", "name": name, "label_id": label_id, "every_s": 86400.0}
        conn.execute(sa.insert(instances).values(**row, created_at=world.clock.now(), created_by="alice"))

    await world.store.write(change)


async def test_a_label_has_its_members_in_order_and_each_once(world: World) -> None:
    label_id = await add(world, "Access", LabelKind.CONTROL, "carol", "bob", "carol")
    row = await world.store.read(labels.get, label_id)
    assert (row.kind, row.name, row.members, row.proof_syncs) == (
        LabelKind.CONTROL,
        "Access",
        ["bob", "carol"],
        0,
    )
    await world.store.write(labels.set_members, label_id, ["dan"])
    assert await world.store.read(labels.is_member, label_id, "dan")
    assert not await world.store.read(labels.is_member, label_id, "bob")
    assert not await world.store.read(labels.is_member, None, "dan")


async def test_a_name_is_one_labels_and_one_controls(world: World) -> None:
    first = await add(world, "Access")
    other = await add(world, "Access", LabelKind.CONTROL)
    with pytest.raises(Conflict, match="there is a label named 'Access' already") as refused:
        await add(world, "Access")
    assert first in refused.value.fix
    named = await add(world, "Network")
    with pytest.raises(Conflict, match="'Access'"):
        await world.store.write(labels.update, named, {"name": "Access"})
    await world.store.write(labels.update, named, {"name": "Network", "description": "firewalls"})
    row = await world.store.read(labels.get, named)
    assert (row.name, row.description) == ("Network", "firewalls")
    controls = await world.store.read(labels.page, kind=LabelKind.CONTROL)
    assert [row.id for row in controls.items] == [other]


async def test_labels_page_by_age_with_members_and_counts(world: World) -> None:
    made = [await add(world, f"L{number}", LabelKind.LABEL, "bob") for number in range(3)]
    await file(world, made[1], "one")
    await file(world, made[1], "two")
    page = await world.store.read(labels.page, limit=2)
    assert [row.id for row in page.items] == made[:2]
    assert [row.proof_syncs for row in page.items] == [0, 2]
    assert all(row.members == ["bob"] for row in page.items)
    last = await world.store.read(labels.page, after=page.next, limit=2)
    assert ([row.id for row in last.items], last.next) == (made[2:], None)


async def test_a_label_that_proof_is_filed_under_stays_and_names_it(world: World) -> None:
    label_id = await add(world, "Access", LabelKind.CONTROL, "bob")
    for number in range(5):
        await file(world, label_id, f"Members {number}")
    with pytest.raises(Conflict, match="control Access: Members 0, Members 1, Members 2 and 2 more"):
        await world.store.write(labels.remove, label_id)
    assert (await world.store.read(labels.get, label_id)).members == ["bob"]
    await world.store.write(lambda conn: conn.execute(sa.delete(instances)).rowcount)
    await world.store.write(labels.remove, label_id)
    with pytest.raises(NotFound):
        await world.store.read(labels.get, label_id)
    assert await world.store.read(lambda conn: conn.execute(sa.select(label_members)).all()) == []
