"""What tests of the loop of instances share: an engine on a clock of its own, workers that do as they are told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tests.harness.serving import until
from tests.integration.engine_desk import engine_on

from healthdesk.connectors.auth import StoredCredentials
from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.instance_states import InstanceKind, InstanceState, RunOutcome
from healthdesk.domain.states import Blame, ErrorKind, IntegrationKind, IntegrationState, Trigger
from healthdesk.engine.engine import Engine
from healthdesk.engine.instance_work import Done, Work
from healthdesk.store import app_integrations, connections, instances, runs
from healthdesk.store.rows import HeartbeatSettings, NewConnection
from healthdesk.store.rows_instances import InstanceRow, RunRow
from healthdesk.testing import FakeClock

TASK, PROOF = InstanceKind.TASK, InstanceKind.PROOF
HOUR = 3600.0
Step = Callable[[Work], Awaitable[Done]]


def good(outcome: RunOutcome = RunOutcome.PULLED, **more: Any) -> Done:
    return Done(outcome, InstanceState.SUCCEEDED, **more)


def failure(kind: ErrorKind, status: int | None = None, *, permanent: bool = True, **more: Any) -> Failure:
    values: dict[str, Any] = {
        "blame": Blame.CONFIGURATION,
        "sentence": f"The app said {kind.value}: task Payroll",
        "safe_sentence": f"answered {kind.value}",
        "next_action": "Mend it",
        "sent": Sent.YES,
        "status": status,
    }
    return Failure(kind=kind, permanent=permanent, **(values | more))


REFUSED = failure(ErrorKind.REFUSED, 422)
UNAUTHORIZED = failure(ErrorKind.AUTHENTICATION, 401)


def bad(failed: Failure = REFUSED, state: InstanceState = InstanceState.SYNC_FAILED) -> Done:
    return Done(RunOutcome.FAILED, state, failure=failed)


@dataclass
class FakeWorker:
    """Does with an instance what `will` says: an answer, an exception, or a step; else it goes well."""

    will: dict[str, Done | Exception | Step] = field(default_factory=dict)
    ran: list[Work] = field(default_factory=list)
    under_way: set[str] = field(default_factory=set)
    most: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def run(self, work: Work) -> Done:
        assert work.instance.id not in self.under_way, "two runs of one instance overlap"
        self.ran.append(work)
        self.under_way.add(work.instance.id)
        self.most = max(self.most, len(self.under_way))
        try:
            await self.gate.wait()
            what = self.will.get(work.instance.id, good())
            if isinstance(what, Exception):
                raise what
            return what if isinstance(what, Done) else await what(work)
        finally:
            self.under_way.discard(work.instance.id)

    def count(self, instance_id: str) -> int:
        return sum(work.instance.id == instance_id for work in self.ran)


@dataclass
class InstanceDesk:
    engine: Engine
    worker: FakeWorker
    clock: FakeClock
    connection_id: str = ""
    integration_id: str = ""

    @property
    def store(self):
        return self.engine.ctx.store

    def new(self, prefix: str) -> str:
        return self.engine.ctx.new_id(prefix)

    async def add_connection(self, base_url: str, **more: Any) -> str:
        ctx = self.engine.ctx
        sealed = ctx.vault.encrypt(StoredCredentials("token", {"token": "t-1"}).to_json())
        values = {
            "id": self.new("con"),
            "app": "github",
            "name": "GitHub",
            "base_url": base_url,
            "auth": "token",
            "owner": "alice",
            "created_by": "alice",
            "created_at": self.clock.now(),
            "credentials_enc": sealed,
            "heartbeat": HeartbeatSettings(),
        }
        new = NewConnection(**(values | more))
        await self.store.write(connections.insert, new)
        return new.id

    async def add_integration(
        self, kind: IntegrationKind = IntegrationKind.TASKS, name: str = "Tasks"
    ) -> str:
        integration_id = self.new("int")
        await self.store.write(
            app_integrations.insert,
            integration_id=integration_id,
            name=name,
            kind=kind,
            app="github",
            connection_id=None,
            settings={},
            now=self.clock.now(),
            by="alice",
        )
        return integration_id

    async def add(self, kind: InstanceKind = TASK, *, in_s: float | None = 0.0, **more: Any) -> str:
        """Add an instance that is due in so many seconds, or never by itself."""
        instance_id = self.new("tsk" if kind is TASK else "prf")
        values: dict[str, Any] = {
            "kind": kind,
            "integration_id": self.integration_id,
            "connection_id": self.connection_id,
            "app": "github",
            "owner": "alice",
            "name": f"Task {instance_id[-4:]}",
            "every_s": HOUR,
            "now": self.clock.now(),
            "by": "alice",
            "next_at": None if in_s is None else self.clock.now() + timedelta(seconds=in_s),
        }
        await self.store.write(lambda conn: instances.insert(conn, id=instance_id, **(values | more)))
        return instance_id

    async def get(self, instance_id: str) -> InstanceRow:
        return await self.store.read(instances.get, instance_id)

    async def runs(self, instance_id: str) -> list[RunRow]:
        return (await self.store.read(runs.page, instance_id)).items

    async def settled(self, *instance_ids: str) -> list[InstanceRow]:
        """Wait until none of these is under way or due, and return them."""

        async def idle() -> list[InstanceRow] | None:
            rows = [await self.get(each) for each in instance_ids]
            now = self.clock.now()
            busy = any(row.running or (row.next_at is not None and row.next_at <= now) for row in rows)
            return None if busy else rows

        self.engine.instances.wake()
        return await until(idle)

    async def set_connection(self, connection_id: str = "", **values: Any) -> None:
        table = connections.connections
        where = table.c.id == (connection_id or self.connection_id)
        await self.store.write(lambda conn: conn.execute(sa.update(table).where(where).values(values)))

    async def pause(self, state: IntegrationState) -> None:
        await self.store.write(app_integrations.set_state, self.integration_id, state)


@contextlib.asynccontextmanager
async def instance_desk(
    folder: Path,
    base_url: str = "https://api.github.example",
    *,
    clock: FakeClock | None = None,
    **settings: str,
) -> AsyncIterator[InstanceDesk]:
    """Yield a desk with one connection and one integration of tasks; its engine is not started."""
    clock = clock or FakeClock()
    async with engine_on(folder, clock, **settings) as built:
        worker = FakeWorker()
        engine = Engine(built.ctx, {TASK: worker, PROOF: worker})
        desk = InstanceDesk(engine, worker, clock)
        desk.connection_id = await desk.add_connection(base_url)
        desk.integration_id = await desk.add_integration()
        yield desk


@contextlib.asynccontextmanager
async def running(desk: InstanceDesk) -> AsyncIterator[None]:
    """Run the loops of instances alone."""
    stop = asyncio.Event()
    loops = [
        asyncio.create_task(loop(stop)) for loop in (desk.engine.instances.run, desk.engine.blocking.run)
    ]
    try:
        yield
    finally:
        stop.set()
        desk.worker.gate.set()
        await asyncio.gather(*loops)


__all__ = ["HOUR", "PROOF", "REFUSED", "TASK", "UNAUTHORIZED", "Trigger", "bad", "failure", "good"]
