"""A full round of heartbeats of ten thousand connections, and what the scheduler costs when nothing is due.

The connections are of the app GitHub, on 40 loopback hosts of a fake that answers `/user` as GitHub does. What is compared
with is a client loop that asks the same and keeps nothing.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from contextlib import closing

from tests.harness.desk import Desk, temporary_desk

from bench.figures import Figure
from bench.processes import cpu_s, outputs_of, resident_mib
from bench.wire import sink
from healthdesk.api.connections import ConnectionCreate, Credentials

COUNT = 10_000
FEW = 10
HOSTS = 40
IDLE_S = 20.0
_BODY = json.dumps({"login": "octocat", "id": 583231, "type": "User", "name": "The Octocat"}).encode()
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nX-OAuth-Scopes: repo, read:org\r\n"
    b"X-RateLimit-Remaining: 4999\r\nContent-Length: " + str(len(_BODY)).encode() + b"\r\n\r\n" + _BODY
)


async def heartbeats() -> list[Figure]:
    """Check COUNT connections that are due at once; then look at an idle daemon that has them, and one that has FEW."""
    hosts = [f"127.0.0.{number}" for number in range(1, HOSTS + 1)]
    async with sink(lambda *_: None, answer=ANSWER, hosts=hosts) as port:
        bare, bare_cpu = await outputs_of("checks", str(port), str(COUNT), str(HOSTS))
        async with temporary_desk() as desk:
            await _connect(desk, port, FEW)
            few = await _idle_cost(desk)
        async with temporary_desk() as desk:
            await _connect(desk, port, COUNT)
            assert desk.process is not None
            before = resident_mib(desk.process.pid)
            busy_s = cpu_s(desk.process.pid)
            rate = await _round(desk)
            cpu = (cpu_s(desk.process.pid) - busy_s) / COUNT * 1000
            after = resident_mib(desk.process.pid)
            many = await _idle_cost(desk)
    return [
        Figure("heartbeats of 10,000 connections", rate, bare, "checks/s"),
        Figure("processor time of one of them", cpu, bare_cpu, "ms", "≤ 1.2", cpu <= 1.2),
        Figure("memory after that round", after, before, "MiB", note="baseline: the same daemon before it"),
        Figure(
            f"idle with {COUNT:,} connections, nothing due",
            many,
            few,
            "ms CPU/s",
            "ratio ≤ 1.5",
            many <= 1.5 * few,
            f"baseline: with {FEW}",
        ),
    ]


def _database(desk: Desk) -> sqlite3.Connection:
    return sqlite3.connect(desk.folder / "data" / "healthdesk.db", timeout=30)


async def _connect(desk: Desk, port: int, count: int) -> None:
    """Add one connection as operators do, and copies of it that are due in a day."""
    token = Credentials(auth="token", fields={"token": "token-of-a-connection"})
    async with desk.client() as client:
        first = await client.connection_create(
            ConnectionCreate(app="github", name="0", base_url=f"http://127.0.0.1:{port}", credentials=token)
        )
    with closing(_database(desk)) as db, db:
        names = [row[1] for row in db.execute("PRAGMA table_info(connections)")]
        chosen = db.execute("SELECT * FROM connections WHERE id = ?", (first.id,)).fetchone()
        row = dict(zip(names, chosen, strict=True))
        copies = [
            row
            | {
                "id": f"{first.id[:-5]}{number:05d}",
                "name": str(number),
                "base_url": f"http://127.0.0.{number % HOSTS + 1}:{port}",
            }
            for number in range(1, count)
        ]
        marks = ", ".join(f":{name}" for name in names)
        db.executemany(f"INSERT INTO connections ({', '.join(names)}) VALUES ({marks})", copies)


async def _round(desk: Desk) -> float:
    """Let every connection be due now; return checks per second from the first to the last."""
    with closing(_database(desk)) as db:
        newest = db.execute("SELECT max(id) FROM heartbeats").fetchone()[0]
        with db:
            db.execute("UPDATE connections SET next_check = ?", (time.time_ns() // 1000,))
        while True:
            done, first, last = db.execute(
                "SELECT count(*), min(at), max(at) FROM heartbeats WHERE id > ? AND ok", (newest,)
            ).fetchone()
            if done >= COUNT:
                return float(done - 1) / ((last - first) / 1e6)
            await asyncio.sleep(0.5)


async def _idle_cost(desk: Desk) -> float:
    """Return the processor time of a daemon that has nothing to do, in ms a second."""
    assert desk.process is not None
    await asyncio.sleep(5)
    before = cpu_s(desk.process.pid)
    await asyncio.sleep(IDLE_S)
    return (cpu_s(desk.process.pid) - before) / IDLE_S * 1000
