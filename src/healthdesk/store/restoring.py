"""Putting a backup into a database that nobody uses, in one transaction: all of it, or nothing."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import create_async_engine

from healthdesk.domain.backup_format import Reader
from healthdesk.errors import StoreError
from healthdesk.store.backup import restore
from healthdesk.store.faults import translated
from healthdesk.store.sqlite_engines import writing_engine

BUSY_TIMEOUT_S = 5.0


async def restore_into(database_url: str, backup: Reader) -> None:
    """Restore; the database is made where it is missing. What is refused leaves it as it was.

    Raises BackupError where it is in use or the backup is damaged, SchemaMismatch, StoreError.
    """
    try:
        url = make_url(database_url)
    except ArgumentError as error:
        raise StoreError("database_url is no URL", fix="sqlite:////var/lib/healthdesk/desk.db") from error
    with translated():
        if url.get_backend_name() == "sqlite":
            await asyncio.to_thread(_into_sqlite, url, backup)
        else:
            await _into_postgres(url, backup)


def _into_sqlite(url: URL, backup: Reader) -> None:
    path = Path(url.database or "")
    made = not path.exists()
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    engine = writing_engine(path, BUSY_TIMEOUT_S)
    try:
        with engine.begin() as conn:
            restore(conn, backup)
    except BaseException:
        engine.dispose()
        if made:  # nothing is in it; what is left behind would only be in the way
            for each in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
                each.unlink(missing_ok=True)
        raise
    engine.dispose()


async def _into_postgres(url: URL, backup: Reader) -> None:
    engine = create_async_engine(url.set(drivername="postgresql+asyncpg"), hide_parameters=True)
    try:
        async with engine.begin() as conn:
            await conn.run_sync(restore, backup)
    finally:
        await engine.dispose()
