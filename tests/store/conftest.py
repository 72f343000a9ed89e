"""Every test of the store runs on SQLite and on PostgreSQL, each on a database of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from healthdesk.domain.ids import IdFactory
from healthdesk.store.database import Store
from healthdesk.testing import FakeClock
from tests.harness.postgres import running_postgres
from tests.store.copies import Copies
from tests.store.world import World

Opener = Callable[..., object]


async def _migrated(url: str) -> None:
    clock = FakeClock()
    store = await Store.open(url, daemon_id="dmn_template", clock=clock, ids=IdFactory(os.urandom))
    await store.close()


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    """A server whose database, migrated once, every test copies.

    Not under pytest's own folder: each pytest that starts closes that to other users, and the server is one.
    """
    with TemporaryDirectory(prefix="healthdesk-store-") as folder, running_postgres(Path(folder)) as url:
        asyncio.run(_migrated(url))
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file, migrated once, that every test copies."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(_migrated(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_copies(postgres_template: str) -> Copies:
    return Copies(postgres_template)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "desk.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
async def postgres_url(postgres_copies: Copies) -> AsyncIterator[str]:
    async with postgres_copies.one() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def template(request: pytest.FixtureRequest) -> str | Copies:
    """What to copy: resolved outside the event loop, since the first one to ask makes it."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_template"))
    copies: Copies = request.getfixturevalue("postgres_copies")
    return copies


@pytest.fixture
async def url(template: str | Copies, tmp_path: Path) -> AsyncIterator[str]:
    if isinstance(template, Copies):
        async with template.one() as copy:
            yield copy
    else:
        shutil.copy(template, tmp_path / "desk.db")
        yield f"sqlite:///{tmp_path}/desk.db"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ids() -> IdFactory:
    return IdFactory(os.urandom)


@pytest.fixture
async def opened(clock: FakeClock, ids: IdFactory) -> AsyncIterator[Opener]:
    """Open stores that are closed after the test."""
    async with AsyncExitStack() as stack:

        async def open_store(url: str, daemon_id: str = "dmn_one", **options: object) -> Store:
            store = await Store.open(url, daemon_id=daemon_id, clock=clock, ids=ids, **options)
            stack.push_async_callback(store.close)
            return store

        yield open_store


@pytest.fixture
async def store(url: str, opened: Opener) -> Store:
    return await opened(url)


@pytest.fixture
async def world(store: Store, clock: FakeClock, ids: IdFactory) -> World:
    return await World.made(store, clock, ids)


@pytest.fixture
async def sqlite_world(sqlite_url: str, opened: Opener, clock: FakeClock, ids: IdFactory) -> World:
    return await World.made(await opened(sqlite_url), clock, ids)


@pytest.fixture
async def postgres_world(postgres_url: str, opened: Opener, clock: FakeClock, ids: IdFactory) -> World:
    return await World.made(await opened(postgres_url), clock, ids)
