"""A writer is killed in the middle of things: what it answered is there once, and nothing is half there."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from healthdesk.store import flow, records
from healthdesk.store.rows import RecordQuery
from tests.store.world import World

WRITER = """
import asyncio, os, sys
from healthdesk.clock import SystemClock
from healthdesk.domain.ids import IdFactory
from healthdesk.store.database import Store
from tests.store.world import World

async def main(url, connection_id, integration_id, *sources):
    clock, ids = SystemClock(), IdFactory(os.urandom)
    store = await Store.open(url, daemon_id=f"dmn_{os.getpid()}", clock=clock, ids=ids)
    world = World(store, clock, ids, connection_id, integration_id, sources)

    async def client(n):
        while True:
            (record_id,) = await world.accept()
            print(record_id, flush=True)

    async def engine():
        results = []
        while True:
            claimed = (await world.step(results, 8)).claimed
            results = [world.delivered(c) if i % 3 else world.failed(c) for i, c in enumerate(claimed)]

    await asyncio.gather(engine(), *(client(n) for n in range(6)))

asyncio.run(main(*sys.argv[1:]))
"""


async def killed_writer(url, world, after):
    """Run a writer until it answered `after` records, kill it, and return those it answered."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WRITER,
        url,
        world.connection_id,
        world.integration_id,
        *world.sources,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert process.stdout is not None
    answered = []
    while len(answered) < after:
        line = await process.stdout.readline()
        assert line, "the writer died by itself"
        answered.append(line.decode().strip())
    process.send_signal(signal.SIGKILL)
    rest = (await process.stdout.read()).decode()
    await process.wait()
    return answered + [line for line in rest.splitlines() if len(line) == len(answered[0])]


async def test_a_killed_writer_leaves_what_it_answered_and_nothing_torn(url, opened, clock, ids):
    world = await World.made(await opened(url), clock, ids)
    await world.store.close()
    answered: list[str] = []
    for after in (5, 60, 150):
        answered += await killed_writer(url, world, after)
    store = await opened(url, "dmn_after")
    world = World(store, clock, ids, world.connection_id, world.integration_id, world.sources)
    while await store.write(
        flow.recover_interrupted, clock.now(), daemon_id="dmn_after", others_are_dead=True, limit=50
    ):
        pass
    found = []
    after_id = None
    while True:
        page = await store.read(records.page, RecordQuery(), after=after_id, limit=500)
        found += [row.id for row in page.items]
        after_id = page.next
        if after_id is None:
            break
    assert len(found) == len(set(found))
    assert set(answered) <= set(found)
    assert len(set(answered)) == len(answered)
    states = await world.check_ledger()
    assert "sending" not in states
    for record_id in found:
        assert await store.read(records.body, record_id) is not None
