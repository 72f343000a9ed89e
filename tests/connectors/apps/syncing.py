"""A desk with one task of one app, synced as often as a test wants: the engine's worker, a store and a fake."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from healthdesk.connectors.connector import Connector
from healthdesk.domain.ids import IdFactory
from healthdesk.domain.instance_states import InstanceKind, LinkState, RunOutcome, WorkStatus
from healthdesk.domain.states import IntegrationKind, Trigger
from healthdesk.engine.instance_work import Done, Work
from healthdesk.engine.task_sync import TaskSync
from healthdesk.store import instances, runs, tasks
from healthdesk.store.database import Store
from healthdesk.store.rows import IntegrationRow
from healthdesk.store.rows_instances import RunRow, TaskRow
from healthdesk.testing import FakeClock

BY = "mia"


@dataclass
class TaskDesk:
    """`settings` are those of the integration, the JSON of TaskSettings. `connector` is what the desk talks through."""

    store: Store
    clock: FakeClock
    connector: Connector
    settings: dict[str, Any] = field(default_factory=dict)
    ids: IdFactory = field(default_factory=lambda: IdFactory(os.urandom))

    def __post_init__(self) -> None:
        ctx = SimpleNamespace(
            store=self.store,
            clock=self.clock,
            daemon_id="dmn_one",
            new_id=lambda prefix: self.ids.new(prefix, self.clock.now()),
        )
        self.worker = TaskSync(cast("Any", ctx))
        self.id = ""

    async def add(
        self, name: str = "Rotate the keys", *, link: LinkState = LinkState.WANTED, **said: Any
    ) -> str:
        """Add a task that wants an issue; the last one added is the one that `sync` and `task` mean."""
        self.id = self.ids.new("tsk", self.clock.now())

        def change(conn: Any) -> None:
            tasks.insert(conn, id=self.id, name=name, link=link, now=self.clock.now(), by=BY, **said)
            instances.insert(
                conn,
                id=self.id,
                kind=InstanceKind.TASK,
                integration_id="int_one",
                connection_id="con_one",
                app=self.connector.manifest.id,
                owner=BY,
                name=name,
                every_s=3600,
                now=self.clock.now(),
                by=BY,
            )

        await self.store.write(change)
        return self.id

    async def run(self, task_id: str = "", *, store: bool = True) -> Done:
        """Run a task and keep what came of it; with `store` False as if the desk had died before that."""
        task_id = task_id or self.id
        done = await self.worker.run(await self.work(task_id))
        if store:
            await self.keep(task_id, done)
        return done

    async def work(self, task_id: str = "") -> Work:
        row = await self.store.read(instances.get, task_id or self.id)
        integration = IntegrationRow(
            id="int_one",
            kind=IntegrationKind.TASKS,
            name="Issues",
            created_at=self.clock.now(),
            created_by=BY,
            app=self.connector.manifest.id,
            settings=self.settings,
        )
        return Work(row, integration, cast("Any", None), self.connector, Trigger.SCHEDULE)

    async def keep(self, task_id: str, done: Done) -> None:
        def change(conn: Any) -> None:
            if done.keep is not None:
                done.keep(conn)
            if done.run_id is not None:
                now = self.clock.now()
                runs.finish(conn, done.run_id, outcome=done.outcome, finished_at=now, detail=done.detail)
            failed = done.failure is not None
            instances.update(conn, task_id, {"state": done.state, "failures": int(failed)}, bumps=False)

        await self.store.write(change)

    async def sync(self, task_id: str = "") -> Done:
        """Run a task that is expected to go well."""
        done = await self.run(task_id)
        assert done.failure is None, done.failure
        return done

    async def task(self, task_id: str = "") -> TaskRow:
        return await self.store.read(tasks.get, task_id or self.id)

    async def edit(self, task_id: str = "", **changes: Any) -> None:
        if "status" in changes:
            changes["status"] = WorkStatus(changes["status"])
        await self.store.write(tasks.update, task_id or self.id, changes, BY, self.clock.now())

    async def runs(self) -> list[RunRow]:
        return (await self.store.read(runs.page, self.id, newest_first=False)).items


def changed(done: Done) -> dict[str, tuple[str, str]]:
    """Return what a run did, by field: whose value was taken, and which it is."""
    return {each["field"]: (each["taken"], each["after"]) for each in done.detail.get("changes", ())}


def settled_outcome(done: Done) -> bool:
    """Tell whether a run found both sides as they were."""
    return done.outcome is RunOutcome.UNCHANGED and not done.detail
