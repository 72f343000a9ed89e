"""A real desk for tests and benchmarks: its own folder, its own daemon process, killed and restarted at will."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import aiohttp

from healthdesk.api.connections import CallbackVerification, ConnectionCreate, Credentials, HeartbeatRequest
from healthdesk.api.integrations import EnvironmentSettings, IntegrationCreate
from healthdesk.api.keys import KeyCreate
from healthdesk.api.sources import SourceCreate, SourceEnable
from healthdesk.client.client import Client
from healthdesk.vault import create_key_file
from tests.harness.template import migrated

START_TIMEOUT_S = 60.0


_CHANCE = random.SystemRandom()  # hypothesis sets the common one, in every worker alike


def free_port() -> int:
    """Return a loopback port that is free, and below those that the kernel gives to outgoing connections meanwhile."""
    while True:
        port = _CHANCE.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class Desk:
    """One desk in `folder`; `start` and `kill` as often as you like, the data stays."""

    folder: Path
    database_url: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    """More HEALTHDESK_<SECTION>__<KEY> variables."""
    dies_after: str = ""
    """A function of the store, `package.module:function`, in whose first transaction the daemon is killed from now on."""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.folder / "operator.sock"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        path = self.folder / "daemon.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def environ(self) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("HEALTHDESK_")}
        env |= {
            "HEALTHDESK_SERVER__LISTEN": f"127.0.0.1:{self.port}",
            "HEALTHDESK_OPERATOR__SOCKET": str(self.socket),
            "HEALTHDESK_STORAGE__DATA_DIR": str(self.folder / "data"),
            "HEALTHDESK_SECURITY__KEY_FILE": str(self.folder / "key"),
            "HEALTHDESK_SECURITY__ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8,::1/128",
            **self.settings,
        }
        if self.database_url:
            env["HEALTHDESK_STORAGE__DATABASE_URL"] = self.database_url
        return env

    def prepare(self) -> None:
        """Make the folder and the key, once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "data").mkdir(mode=0o700, exist_ok=True)
        if not (self.folder / "key").exists():
            create_key_file(self.folder / "key")
            if not self.database_url and "HEALTHDESK_STORAGE__DATABASE_URL" not in self.settings:
                file = self.folder / "data/healthdesk.db"
                file.touch(0o600)
                shutil.copyfile(migrated(), file)

    def spawn(self) -> None:
        """Start the daemon process without waiting for it."""
        self.prepare()
        daemon = ["-m", "healthdesk", "daemon"]
        if self.dies_after:
            daemon = ["-P", str(Path(__file__).with_name("dying.py")), self.dies_after]
        with (self.folder / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *daemon],
                env=self.environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )

    async def start(self) -> None:
        """Start the daemon and return once it is ready for records."""
        self.spawn()
        await self.ready()

    async def ready(self) -> None:
        """Wait until /readyz answers 200; AssertionError with the log when the daemon ends instead."""
        assert self.process is not None
        async with asyncio.timeout(START_TIMEOUT_S), aiohttp.ClientSession() as http:
            while True:
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    async with http.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:
                            return
                assert self.process.poll() is None, f"the daemon ended:\n{self.log[-4000:]}"
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, as a power cut or the OOM killer would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    async def died(self) -> None:
        """Wait until the daemon ended by itself, as `dies_after` says."""
        assert self.process is not None
        ended = await asyncio.to_thread(self.process.wait, START_TIMEOUT_S)
        assert ended == -signal.SIGKILL, f"{ended}: {self.log[-4000:]}"

    async def stop(self) -> int:
        """SIGTERM; return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait, 60)

    def client(self) -> Client:
        return Client(self.socket)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.end()

    def end(self) -> None:
        """Kill the daemon if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.kill()


@dataclass(frozen=True)
class Delivery:
    """A delivery integration that is ready: post with `key` to `url`."""

    connection_id: str
    integration_id: str
    source: str
    key: str
    signing_secret: str
    url: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}


async def set_up_delivery(
    desk: Desk,
    base_url: str,
    *,
    path: str = "/hra",
    token: str = "",
    heartbeat: bool = False,
    concurrency: int | None = None,
    name: str = "CRM",
    source: str = "heart-health",
) -> Delivery:
    """Add a connection, an integration with a production environment, a source and a key."""
    async with desk.client() as client:
        credentials = Credentials(auth="bearer", token=token) if token else Credentials()
        connection = await client.connection_create(
            ConnectionCreate(
                name=name,
                base_url=base_url,
                credentials=credentials,
                heartbeat=HeartbeatRequest(path="/health") if heartbeat else None,
                unchecked=True,
            )
        )
        integration = await client.integration_create(
            IntegrationCreate(
                name=f"{name} delivery",
                production=EnvironmentSettings(
                    connection_id=connection.id, path=path, concurrency=concurrency
                ),
            )
        )
        await client.source_create(
            SourceCreate(
                key=source, name=source.replace("-", " ").title(), levels=["low", "moderate", "high"]
            )
        )
        await client.source_enable(source, SourceEnable(integration_id=integration.id))
        key = await client.integration_key_create(integration.id, KeyCreate())
        (secret,) = integration.new_signing_secrets
    return Delivery(
        connection.id,
        integration.id,
        source,
        key.secret,
        secret.secret,
        f"{desk.url}/v1/records/{integration.id}",
    )


async def set_up_callbacks(desk: Desk, secret: str, name: str = "Callback app") -> str:
    """Add a connection that accepts Standard Webhooks callbacks; return its id."""
    async with desk.client() as client:
        connection = await client.connection_create(
            ConnectionCreate(
                name=name,
                base_url="http://127.0.0.1:9",
                verification=CallbackVerification(scheme="standard_webhooks"),
                callback_secret=secret,
            )
        )
    return connection.id


@contextlib.asynccontextmanager
async def temporary_desk(database_url: str = "", **settings: str):
    """Yield a running Desk in a folder of its own that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="healthdesk-") as folder:
        async with Desk(Path(folder), database_url, settings) as desk:
            yield desk
