"""A daemon on real sockets, apps, an operator at the screen and one at the command line, for the walk through the documents."""

from __future__ import annotations

import asyncio
import contextlib
import io
import shlex
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from healthdesk.api.connections import Connection, ConnectionCreate, Credentials, CredentialsUpdate
from healthdesk.api.instances import Instance, InstanceSync
from healthdesk.api.integrations import IntegrationCreate, ProofSettings, TaskSettings
from healthdesk.api.proof import ProofSyncCreate
from healthdesk.api.tasks import Task, TaskCreate
from healthdesk.cli.ask import Asker
from healthdesk.cli.main import execute
from healthdesk.cli.output import Output
from healthdesk.client.client import Client
from healthdesk.domain.states import IntegrationKind
from healthdesk.tui.app import HealthdeskApp
from tests.connectors.apps.fake import FakeApp
from tests.harness.cli import Ran, Typed
from tests.harness.desk import Desk
from tests.harness.operator import Operator
from tests.harness.serving import served_desk, until
from tests.integration.trying_desk import OTHER, TOKEN, Github

WIDE = (160, 45)


class Site(Github):
    """A GitHub with two accounts. Its repository can be taken away, and its token does not end."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = ""
        self.gone = False
        self.refuses = False
        """Whether issues are refused, as where the repository has none."""

    def _here(self, request: web.Request) -> bool:
        return super()._here(request) and not self.gone

    async def create(self, request: web.Request) -> web.Response:
        if self.refuses:
            said = {"message": "Issues has been disabled in this repository.", "status": "410"}
            return web.json_response(said, status=410)
        return await super().create(request)


@dataclass
class Walk:
    """One desk, and whoever works with it."""

    desk: Desk
    client: Client

    async def cli(self, line: str, *, stdin: str = "", expect: int = 0) -> Ran:
        """Run `healthdesk <line>` as a script does; AssertionError for another exit code."""
        ran = await asyncio.to_thread(self._run, line, stdin)
        assert ran.code == expect, f"healthdesk {line}\n{ran.out}\n{ran.err}"
        return ran

    def _run(self, line: str, stdin: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        words = ["--socket", str(self.desk.socket), *shlex.split(line)]
        output = Output(out, err, ascii_only=False, colour=False, width=200, zone=UTC)
        code = execute(words, output, Asker(Typed(stdin), err, hidden=lambda _: ""))
        return Ran(code, out.getvalue(), err.getvalue())

    @contextlib.asynccontextmanager
    async def screen(self, size: tuple[int, int] = WIDE) -> AsyncIterator[Operator]:
        """Open the terminal UI."""
        async with self.desk.client() as client:
            app = HealthdeskApp(client, tz=UTC)
            async with app.run_test(size=size) as pilot:
                yield Operator(app, pilot)

    async def connect(
        self, fake: FakeApp, credentials: dict[str, str] | None = None, name: str | None = None
    ) -> Connection:
        """Connect an app as its fake wants it."""
        return await self.client.connection_create(
            ConnectionCreate(
                app=fake.app_id,
                name=name,
                base_url=fake.url,
                settings={**fake.connection_settings()},
                credentials=given(fake, credentials),
            )
        )

    async def task_integration(
        self, fake: FakeApp, connection_id: str, name: str = "Issues", **settings: Any
    ) -> str:
        """Make an integration of kind tasks; return its id."""
        made = await self.client.integration_create(
            IntegrationCreate(
                kind=IntegrationKind.TASKS,
                name=name,
                connection_id=connection_id,
                tasks=TaskSettings(container=dict(fake.container), **settings),
            )
        )
        return made.id

    async def task(self, name: str, integration_id: str, **more: Any) -> Task:
        """Make a task and wait until its first sync came to something."""
        made = await self.client.task_create(TaskCreate(name=name, integration_id=integration_id, **more))
        await self.settled(made.id)
        return await self.client.task(made.id)

    async def settled(self, instance_id: str) -> Instance:
        """Sync an instance and return what came of it."""
        return await self.client.instance_sync(instance_id, InstanceSync(wait_s=60))

    async def proof_integration(self, app: str, name: str = "Access") -> str:
        """Make an integration of kind proof; return its id."""
        made = await self.client.integration_create(
            IntegrationCreate(kind=IntegrationKind.PROOF, name=name, app=app, proof=ProofSettings())
        )
        return made.id

    async def proof(
        self,
        integration_id: str,
        connection_id: str,
        label_id: str,
        dataset: str,
        fields: dict[str, str],
        **more: Any,
    ) -> Instance:
        """Make a proof sync and collect once."""
        made = await self.client.proof_sync_create(
            ProofSyncCreate(
                integration_id=integration_id,
                connection_id=connection_id,
                dataset=dataset,
                fields=fields,
                label_id=label_id,
                **more,
            )
        )
        return await self.settled(made.id)

    async def renew(self, fake: FakeApp, connection_id: str) -> None:
        """Give a connection the credentials that its fake takes."""
        await self.client.connection_update_credentials(
            connection_id, CredentialsUpdate(credentials=given(fake), accept_changes=True)
        )


def given(fake: FakeApp, credentials: dict[str, str] | None = None) -> Credentials:
    """Return credentials as the API takes them."""
    fields = dict(fake.credentials) if credentials is None else credentials
    return Credentials(auth=fake.auth, fields={key: SecretStr(value) for key, value in fields.items()})


@contextlib.asynccontextmanager
async def walking(folder: Path) -> AsyncIterator[Walk]:
    """Serve a desk and walk."""
    async with served_desk(folder) as desk, desk.client() as client:
        yield Walk(desk, client)


def lines_with(text: str, *words: str) -> Iterator[str]:
    """Return the lines in which all these words are."""
    return (line for line in text.splitlines() if all(word in line for word in words))


OCTOCAT, HUBOT = {"token": TOKEN}, {"token": OTHER}
"""Credentials of two accounts of a Site."""

__all__ = ["HUBOT", "OCTOCAT", "Site", "Walk", "given", "lines_with", "until", "walking"]
