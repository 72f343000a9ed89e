"""What `init` and `doctor` look at in the database. The store is loaded only once there is one to open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from healthdesk.clock import Clock
from healthdesk.config import Config
from healthdesk.domain.clocks import skew_s
from healthdesk.domain.ids import IdFactory
from healthdesk.errors import HealthdeskError
from healthdesk.host.check import Check, CheckStatus

OK, FAIL = CheckStatus.OK, CheckStatus.FAIL

OPEN_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the database says: hosts that the desk calls, encrypted secrets (some), seconds by which this host's clock
    is ahead of the database's, and the latest time in it.
    """

    hosts: tuple[str, ...] = ()
    sealed: Sequence[str] = ()
    ahead_s: float = 0.0
    newest: datetime | None = None


async def check_database(config: Config, clock: Clock) -> tuple[Check, Seen]:
    """Open the database, write to it, and return what it says."""
    file = database_file(config.storage.database_url)
    if file is not None and not file.exists():
        return _check_first_start(file), Seen()
    where = str(file) if file is not None else "PostgreSQL"
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            seen = await _look(config.storage.database_url, clock)
    except HealthdeskError as error:
        return Check("database", FAIL, f"{where}: {error}", error.fix), Seen()
    except (TimeoutError, OSError) as error:
        reason = str(error) or "no answer in time"
        return Check(
            "database", FAIL, f"{where} cannot be opened: {reason}", "see [storage] database_url"
        ), Seen()
    return Check("database", OK, f"{where} has this version's schema and can be written"), seen


async def _look(database_url: str, clock: Clock) -> Seen:
    from healthdesk.store import connections, daemons, looking
    from healthdesk.store.database import Store

    ids = IdFactory(os.urandom)
    store = await Store.open(
        database_url, daemon_id=ids.new("dmn", clock.now()), clock=clock, ids=ids, migrate=False
    )
    try:
        await store.check_writable()
        page = await store.read(connections.page, limit=500)
        before = clock.now()
        theirs = await store.read(daemons.database_now)
        return Seen(
            hosts=tuple(urlsplit(connection.base_url).hostname or "" for connection in page.items),
            sealed=await store.read(looking.sealed),
            ahead_s=0.0 if theirs is None else skew_s(before, theirs, clock.now()),
            newest=await store.read(looking.newest_moment),
        )
    finally:
        await store.close()


def holds_secrets(database_url: str) -> bool:
    """Tell whether the database holds secrets that a key file encrypted. StoreError or OSError when it cannot be asked.

    Runs an event loop of its own.
    """
    file = database_file(database_url)
    if file is not None and not file.exists():
        return False
    from healthdesk.store.looking import sealed_in

    return bool(asyncio.run(sealed_in(database_url)))


def database_file(database_url: str) -> Path | None:
    """Return the file of an SQLite URL, or None for PostgreSQL."""
    scheme, _, name = database_url.partition(":///")
    return Path(name) if scheme.startswith("sqlite") else None


def _check_first_start(file: Path) -> Check:
    """Say whether the first start can make the database."""
    if file.parent.is_dir() and os.access(file.parent, os.W_OK | os.X_OK):
        return Check("database", OK, f"{file} is not there yet: the first start makes it")
    return Check(
        "database",
        FAIL,
        f"{file} cannot be made: {file.parent} is no directory that this user can write",
        "run `healthdesk init`, or make the directory for the daemon's user",
    )
