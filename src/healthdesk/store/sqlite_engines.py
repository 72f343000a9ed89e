"""The engines of a SQLite file: the one connection that writes, and those that read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from healthdesk.store.scope import Scope

READERS = 4
STATEMENT_CACHE = 512


def make_private(path: Path) -> None:
    """Make the file where it is missing, for nobody but its owner."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def writing_engine(path: Path, busy_timeout_s: float, scope: Scope | None = None) -> Engine:
    """Return the engine of the one connection that writes to the file."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=StaticPool,
        connect_args={
            "timeout": busy_timeout_s,
            "check_same_thread": False,
            "cached_statements": STATEMENT_CACHE,
        },
        hide_parameters=True,  # an error that quotes them would bring values of records into the log
        execution_options={"scope": scope},
    )

    @event.listens_for(engine, "connect")
    def _connected(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA cache_size = -16384")
        cursor.execute("PRAGMA temp_store = MEMORY")
        cursor.execute("PRAGMA wal_autocheckpoint = 4000")
        cursor.execute("PRAGMA journal_size_limit = 67108864")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def reading_engine(path: Path, scope: Scope, busy_timeout_s: float) -> AsyncEngine:
    """Return the engine of the connections that read the file."""
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        pool_size=READERS,
        max_overflow=READERS,
        connect_args={"timeout": busy_timeout_s},
        hide_parameters=True,  # an error that quotes them would bring values of records into the log
        execution_options={"scope": scope},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _connected(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN")

    return engine
