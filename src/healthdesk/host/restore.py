"""Putting a backup into this host's desk, and looking at what came of it."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from healthdesk.clock import SystemClock
from healthdesk.config import Config, load_config
from healthdesk.domain.backup_format import Head, Reader
from healthdesk.domain.ids import IdFactory
from healthdesk.host.check import Check
from healthdesk.host.database import database_file
from healthdesk.host.lock import DaemonLock, lock_database
from healthdesk.host.probes import check_key


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and into which database: rows by table, whether the ledger equals the log, and whether the key
    opens the secrets.
    """

    database: str
    head: Head
    rows: Mapping[str, int]
    balanced: bool
    key: Check


def restore_here(config: Path | None, file: Path, environ: Mapping[str, str]) -> Restored:
    """Restore into the database that the config names, which must be new, while no daemon runs.

    Raises HostError while one runs, BackupError, SchemaMismatch and StoreError; nothing is changed then.
    """
    settings = load_config(config, environ)
    with (
        DaemonLock(settings.storage.data_dir),
        lock_database(settings.storage.database_url),
        gzip.open(file) as lines,
    ):
        return asyncio.run(_restore(settings, Reader(lines, str(file))))


async def _restore(config: Config, backup: Reader) -> Restored:
    from healthdesk.store import ledger, looking
    from healthdesk.store.database import Store
    from healthdesk.store.restoring import restore_into

    url = config.storage.database_url
    await restore_into(url, backup)
    clock, ids = SystemClock(), IdFactory(os.urandom)
    store = await Store.open(url, daemon_id=ids.new("dmn", clock.now()), clock=clock, ids=ids, migrate=False)
    try:
        balanced = await store.read(ledger.totals) == await store.read(ledger.recount)
        key = check_key(config.security.key_file, await store.read(looking.sealed))
        where = str(database_file(url) or "the PostgreSQL database")
        return Restored(where, backup.head, backup.rows, balanced, key)
    finally:
        await store.close()
