"""What every tier of tests shares. Fixtures of one tier live in that tier's own conftest."""

from __future__ import annotations

import faulthandler
import gc
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Connection, Engine, event

from healthdesk.store import sqlite
from tests.harness.template import migrated

REPOSITORY = Path(__file__).parent.parent

STUCK_AFTER = 2
"""Times its timeout: a test that then still runs has swallowed it."""

# A shared machine stalls now and then; how long an example takes is no property of the code.
settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")


_standard_error = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the standard error of the run itself, not that of the test that is captured."""
    config.stash[_standard_error] = os.dup(2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """End a worker whose test nothing ends any more, and say where it is: the others go on, and the test has failed.

    pytest-timeout raises in whatever runs just then; in a task of asyncio's that ends the task, and not the test.
    """
    marker = item.get_closest_marker("timeout")
    limit_s = float(marker.args[0] if marker else item.config.getoption("timeout"))
    faulthandler.dump_traceback_later(
        STUCK_AFTER * limit_s, exit=True, file=item.config.stash[_standard_error]
    )
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def pytest_collection_finish() -> None:
    """Have the collector look no more through what was loaded and collected: a fifth of the time of the screens' tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End a worker that does not get through what its fixtures still have to do."""
    if hasattr(session.config, "workerinput"):
        faulthandler.dump_traceback_later(120, exit=True, file=session.config.stash[_standard_error])


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return REPOSITORY


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see no desk, proxy or colour settings of the person who runs them."""
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    for name in list(os.environ):
        if (
            name.startswith("HEALTHDESK_")
            or name.lower() in proxies
            or name in ("CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET")
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture(autouse=True, scope="session")
def _migrated_once() -> Iterator[None]:
    """A new SQLite file is a copy of one that was migrated."""
    make_private = sqlite.make_private

    def copied(path: Path) -> None:
        if not path.exists() or path.stat().st_size == 0:
            make_private(path)
            shutil.copyfile(migrated(), path)
        make_private(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "make_private", copied)
        yield


@event.listens_for(Engine, "before_execute")
def _reads_lock_nothing(conn: Connection, statement: Any, *_: Any) -> None:
    """Refuse to lock rows in a read: PostgreSQL does, SQLite's engine for reads takes no notice."""
    if conn.dialect.driver == "aiosqlite" and getattr(statement, "_for_update_arg", None) is not None:
        raise AssertionError(f"a read locks rows: {statement}")
