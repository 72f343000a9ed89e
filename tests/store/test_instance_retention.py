"""Old runs of instances go in small steps, and with the last run that refers to it what was collected."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from healthdesk.domain.instance_states import RunOutcome
from healthdesk.domain.states import Trigger
from healthdesk.store import instance_retention, runs
from healthdesk.store.rows_instances import RunRow
from healthdesk.store.schema_instances import instance_runs, proof_contents, proof_syncs

KEEP = {"unchanged": timedelta(days=30), "rest": timedelta(days=90)}


async def add_run(world, outcome, content_hash="", instance_id="prf_one"):
    run = RunRow(
        id=world.new("run"),
        instance_id=instance_id,
        outcome=outcome,
        trigger=Trigger.SCHEDULE,
        triggered_by="",
        daemon_id="dmn_one",
        started_at=world.clock.now(),
        content_hash=content_hash,
    )
    await world.store.write(runs.begin, run)
    return run.id


async def add_content(world, content_hash, instance_id="prf_one"):
    await world.store.write(
        lambda conn: conn.execute(
            proof_contents.insert().values(
                instance_id=instance_id,
                content_hash=content_hash,
                columns=[],
                rows=0,
                body=b"",
                created_at=world.clock.now(),
            )
        )
    )


async def swept(world, limit=2):
    """Delete as the janitor does, and return what is left of runs and of contents."""
    while await world.store.write(instance_retention.delete_old_runs, world.clock.now(), **KEEP, limit=limit):
        pass

    def left(conn):
        kept = set(conn.execute(sa.select(instance_runs.c.id)).scalars())
        return kept, set(conn.execute(sa.select(proof_contents.c.content_hash)).scalars())

    return await world.store.read(left)


def day(world, count):
    world.clock.advance(count * 86400)


async def test_unchanged_runs_go_first_and_contents_with_the_last_run_that_names_them(world):
    first = await add_run(world, RunOutcome.COLLECTED, "h1")
    await add_content(world, "h1")
    same = [await add_run(world, RunOutcome.UNCHANGED, "h1") for _ in range(4)]
    failed = await add_run(world, RunOutcome.FAILED)
    open_run = await add_run(world, RunOutcome.RUNNING)
    day(world, 20)
    young = await add_run(world, RunOutcome.UNCHANGED, "h1")
    assert await swept(world) == ({first, *same, failed, open_run, young}, {"h1"})
    day(world, 15)
    assert await swept(world) == ({first, failed, open_run, young}, {"h1"})
    day(world, 60)
    recent = await add_run(world, RunOutcome.UNCHANGED, "h1")
    kept, contents = await swept(world)
    assert kept == {open_run, recent}
    assert contents == {"h1"}, "a run of today found the same"
    day(world, 31)
    assert await swept(world) == ({open_run}, set())


async def test_the_last_good_run_of_a_proof_sync_stays_however_old(world):
    last = await add_run(world, RunOutcome.COLLECTED, "h1")
    await add_content(world, "h1")
    await world.store.write(
        lambda conn: conn.execute(
            proof_syncs.insert().values(id="prf_one", dataset="members", fields={}, last_run_id=last)
        )
    )
    other = await add_run(world, RunOutcome.COLLECTED, "h1", "prf_two")
    await add_content(world, "h1", "prf_two")
    day(world, 200)
    kept, contents = await swept(world)
    assert (kept, contents) == ({last}, {"h1"})
    assert other not in kept
