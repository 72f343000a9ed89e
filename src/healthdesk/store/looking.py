"""What `init` and `doctor` want to know of a database: its secrets, and how late it has become in it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Connection, func, inspect, make_url, select
from sqlalchemy.ext.asyncio import create_async_engine

from healthdesk.domain.ids import id_time
from healthdesk.errors import Malformed
from healthdesk.store.faults import translated
from healthdesk.store.schema import records
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_desk import channels, daemons
from healthdesk.store.schema_setup import signing_secrets

SEALED: tuple[Column[str], ...] = (
    connections.c.credentials_enc,
    connections.c.callback_secret_enc,
    signing_secrets.c.secret_enc,
    channels.c.url_enc,
)
"""Every column that holds secrets encrypted with the key file."""

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}
_CONNECT_S = 10


def sealed(conn: Connection) -> list[str]:
    """Return one encrypted secret of each column that holds any; whatever the schema's revision."""
    found: list[str] = []
    tables = set(inspect(conn).get_table_names())
    for column in SEALED:
        if column.table.name in tables:
            found += conn.execute(select(column).where(column != "").limit(1)).scalars()
    return found


async def sealed_in(database_url: str) -> list[str]:
    """Return `sealed` of a database that no Store has open. StoreUnavailable when it cannot be asked."""
    url = make_url(database_url)
    timeout = {"timeout": _CONNECT_S}
    engine = create_async_engine(
        url.set(drivername=_DRIVERS[url.get_backend_name()]), hide_parameters=True, connect_args=timeout
    )
    try:
        with translated():
            async with engine.connect() as conn:
                return await conn.run_sync(sealed)
    finally:
        await engine.dispose()


def newest_moment(conn: Connection) -> datetime | None:
    """Return the latest time of which the database has an id: of a record that arrived, or of a daemon's start."""
    moments: list[datetime] = []
    for column in (records.c.id, daemons.c.id):
        newest = conn.execute(select(func.max(column))).scalar_one()
        if newest is not None:
            try:
                moments.append(id_time(newest))
            except Malformed:
                continue
    return max(moments, default=None)
