"""Jobs in a store: made over a filter, written down, and moved on step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from healthdesk.domain.job_states import JobKind, JobState
from healthdesk.store import job_items, job_making, jobs, resending
from healthdesk.store.database import Store
from healthdesk.store.rows import RecordQuery
from healthdesk.store.rows_jobs import JobRow, NewJob, Place, Stepped
from tests.store.world import World

MANY = 10_000


async def begin(
    world: World, query: RecordQuery | None = None, store: Store | None = None, **more: Any
) -> JobRow:
    """Make a job over all that a filter matches, leased and not yet written down."""
    store = store or world.store
    new = NewJob(
        id=world.new("job"),
        kind=JobKind.RESEND,
        title="Resend",
        now=world.clock.now(),
        by="bob",
        query=resending.resendable(query or RecordQuery()),
        **more,
    )
    row = await store.write(job_making.begin, new, 0)
    await store.write(jobs.lease, [row.id], world.clock.now())
    return row


async def filled(
    world: World, query: RecordQuery | None = None, store: Store | None = None, **more: Any
) -> str:
    """Return a job that runs, with every record written down."""
    store = store or world.store
    job_id = (await begin(world, query, store, **more)).id
    while True:
        row = await store.write(job_items.fill, job_id, world.clock.now())
        assert row is not None
        if row.state is not JobState.PREPARING:
            return job_id


async def step(
    world: World,
    job_id: str,
    *,
    most: int | Mapping[Place, int] = MANY,
    allowed: int = MANY,
    store: Store | None = None,
    **more: Any,
) -> Stepped:
    """Move a job one step on; `most` may be under way of each environment."""

    def room(place: Place) -> int:
        return most if isinstance(most, int) else most[place]

    done = await (store or world.store).write(
        job_items.step, job_id, world.clock.now(), most=room, allowed=allowed, **more
    )
    assert done is not None
    return done


async def resend_everything(world: World, query: RecordQuery, store: Store | None = None) -> Stepped:
    """Queue all that a filter matches, as a careless job does; what earlier jobs wait for is taken in before."""
    for job_id in await (store or world.store).read(jobs.active):
        await (store or world.store).write(jobs.lease, [job_id], world.clock.now())
        # None where another daemon has it, or ended it just now
        await (store or world.store).write(
            job_items.step, job_id, world.clock.now(), most=lambda _place: 0, allowed=0
        )
    return await step(world, await filled(world, query, store), store=store)
