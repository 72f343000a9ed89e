"""Tasks and proof of a desk whose daemon is killed, and the fake apps that see to it that it is killed in time."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
from aiohttp import web
from pydantic import SecretStr

from healthdesk.api.connections import ConnectionCreate, Credentials
from healthdesk.api.instances import Instance
from healthdesk.api.integrations import IntegrationCreate, ProofSettings, TaskSettings
from healthdesk.api.labels import LabelCreate
from healthdesk.client.client import Client
from healthdesk.domain.instance_states import InstanceState, RunOutcome, WorkStatus
from healthdesk.domain.states import IntegrationKind
from tests.connectors.apps.fake import FakeApp, Handler
from tests.connectors.apps.fake_github import FakeGithub
from tests.connectors.apps.fake_jira_cloud import FakeJiraCloud
from tests.harness.desk import Desk
from tests.harness.serving import until


@dataclass(frozen=True)
class Cut:
    """A request that is on its way when the daemon is killed: what it asks, a text in its body, and whether it is heard.

    `skip`: so many requests like it are answered first.
    """

    method: str
    path: str
    text: str = ""
    heard: bool = True
    skip: int = 0

    def is_cut(self, request: web.Request, body: str) -> bool:
        return (
            request.method == self.method and self.text in body and bool(re.search(self.path, request.path))
        )


class KilledApp(FakeApp):
    """An app at which the daemon is killed once every one of some requests has arrived, and none was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.kill: Callable[[], None] = lambda: None
        self._waiting: dict[Cut, int] = {}
        self._killed = asyncio.Event()

    async def killed_at(self, *cuts: Cut) -> None:
        """Wait until all of these requests have arrived, and the daemon is killed."""
        self._killed.clear()
        self._waiting = {cut: cut.skip for cut in cuts}
        async with asyncio.timeout(60):
            await self._killed.wait()

    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        body = (await request.read()).decode()
        for cut, skip in self._waiting.items():
            if cut.is_cut(request, body):
                if skip:
                    self._waiting[cut] -= 1
                    break
                del self._waiting[cut]
                if not self._waiting:
                    self.kill()
                    self._killed.set()
                await self._killed.wait()
                if not cut.heard:
                    return web.Response()
                break
        return await super()._middleware(request, handler)


class GithubNow(KilledApp, FakeGithub):
    """GitHub by the clock of this machine."""

    async def user(self, request: web.Request) -> web.Response:
        answer = await super().user(request)
        del answer.headers["GitHub-Authentication-Token-Expiration"]
        return answer

    def _changed(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        issue = super()._changed(number, body)
        issue["updated_at"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return issue

    @property
    def titles(self) -> list[str]:
        """The titles of all issues, in order."""
        return sorted(each["title"] for each in self.issues.values())


class JiraNow(KilledApp, FakeJiraCloud):
    """Jira by the clock of this machine."""

    def _shown(self, issue: dict[str, Any], asked: str) -> dict[str, Any]:
        shown = super()._shown(issue, asked)
        if "updated" in shown["fields"]:
            shown["fields"]["updated"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        return shown


async def connect(client: Client, app: FakeApp, name: str = "Ops") -> str:
    """Add a connection to an app; return its id."""
    fields = {key: SecretStr(value) for key, value in app.credentials.items()}
    made = await client.connection_create(
        ConnectionCreate(
            app=app.app_id,
            name=name,
            base_url=app.url,
            settings=app.connection_settings(),
            credentials=Credentials(auth=app.auth, fields=fields),
        )
    )
    return made.id


async def integrate_tasks(client: Client, app: FakeApp, connection_id: str) -> str:
    """Add a task integration; return its id."""
    todo, done = app.statuses
    settings = TaskSettings(
        container=dict(app.container), statuses={WorkStatus.NOT_STARTED: todo, WorkStatus.DONE: done}
    )
    made = await client.integration_create(
        IntegrationCreate(
            kind=IntegrationKind.TASKS, name="Issues", connection_id=connection_id, tasks=settings
        )
    )
    return made.id


async def integrate_proof(client: Client, app: FakeApp) -> tuple[str, str]:
    """Add an integration of proof, and a label to file it under; return their ids."""
    made = await client.integration_create(
        IntegrationCreate(kind=IntegrationKind.PROOF, name="Proof", app=app.app_id, proof=ProofSettings())
    )
    label = await client.label_create(LabelCreate(name="Access reviews"))
    return made.id, label.id


async def succeeded(client: Client, *ids: str) -> list[Instance]:
    """Wait until these have succeeded by themselves, and return them."""

    async def all_have() -> list[Instance]:
        found = [await client.instance(each) for each in ids]
        done = all(each.state is InstanceState.SUCCEEDED and not each.running for each in found)
        return found if done else []

    try:
        return await until(all_have)
    except TimeoutError:
        found = [await client.instance(each) for each in ids]
        raise AssertionError(
            [(each.name, each.state_word, each.error, each.running) for each in found]
        ) from None


async def outcomes(client: Client, instance_id: str) -> list[RunOutcome]:
    """Return what the runs of an instance came to, the first one first."""
    runs = (await client.instance_runs(instance_id, limit=500)).items
    return [each.outcome for each in reversed(runs)]


_TIMES = {
    "daemons": "lease_until",
    "instances": "next_at",
    "tasks": "creating_at",
    "templates": "next_at",
}


async def passes(desk: Desk, seconds: float, *tables: str) -> None:
    """Let so many seconds pass, for what the store waits for: leases of daemons, next runs, and creations in doubt."""
    for table in tables or _TIMES:
        column = _TIMES[table]
        await _execute(desk, f"UPDATE {table} SET {column} = {column} - {round(seconds * 1e6)}")


async def _execute(desk: Desk, sql: str) -> None:
    if desk.database_url:
        database = await asyncpg.connect(desk.database_url)
        try:
            await database.execute(sql)
        finally:
            await database.close()
        return
    with closing(sqlite3.connect(desk.folder / "data" / "healthdesk.db", timeout=30)) as database, database:
        database.execute(sql)
