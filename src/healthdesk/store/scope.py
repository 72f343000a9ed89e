"""What query functions need beside the connection: who writes, when, and new ids."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import Connection

from healthdesk.errors import NotFound

T = TypeVar("T")


class Snapshot(Protocol):
    """Runs queries of one read transaction."""

    def __call__(self, query: Callable[[Connection], T], /) -> Awaitable[T]:
        """Run one."""
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    """The store a connection belongs to. `new_id(prefix)` and `now()` are safe in the writer thread."""

    daemon_id: str
    new_id: Callable[[str], str]
    now: Callable[[], datetime]


def scope_of(conn: Connection) -> Scope:
    """Return the scope that the store put on its connections."""
    return cast("Scope", conn.get_execution_options()["scope"])


def on_sqlite(conn: Connection) -> bool:
    """Tell whether this is SQLite; else it is PostgreSQL."""
    return conn.dialect.name == "sqlite"


def driver(conn: Connection) -> Any:
    """Return SQLite's own connection, for statements where SQLAlchemy's share of the time matters."""
    return conn.connection.dbapi_connection


def missing(noun: str, object_id: str) -> NotFound:
    """Return the error for an id that is not there."""
    return NotFound(f"there is no {noun} {object_id}", fix="" if noun == "attempt" else listing(noun))


def listing(noun: str) -> str:
    """Return the fix for a name or id that is not there."""
    return f"`healthdesk {noun}s list` names them"
