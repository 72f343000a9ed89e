"""Which database errors mean that it cannot be used now, and which are worth another try."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from healthdesk.errors import StoreUnavailable

_SQLITE_UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
    }
)
_SQLITE_FORBIDDEN = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY})
_LOOK = "Look at the database's host: is it running, is its disk full, does another process hold a lock?"
_NOT_PERMITTED = (
    "Run this as the daemon's user (`sudo -u healthdesk …`), or look whether the database's file and directory "
    "are there and may be written"
)
_PG_UNAVAILABLE = ("08", "25006", "28", "3D000", "53", "55", "57", "58", "XX")
_PG_RETRY = frozenset({"40001", "40P01"})


def _sqlstate(error: BaseException) -> str:
    """Return PostgreSQL's code, found where the driver or SQLAlchemy keeps it."""
    seen: BaseException | None = error
    while seen is not None:
        state = getattr(seen, "sqlstate", None) or getattr(getattr(seen, "orig", None), "sqlstate", None)
        if isinstance(state, str):
            return state
        seen = seen.__cause__
    return ""


def is_unavailable(error: BaseException) -> bool:
    """Tell whether the database cannot be used now, rather than that a statement is wrong."""
    if isinstance(error, exc.DBAPIError) and error.orig is not None:
        if error.connection_invalidated:
            return True
        return is_unavailable(error.orig)
    if isinstance(error, exc.TimeoutError | OSError):
        return True
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        return code is not None and (code & 0xFF) in _SQLITE_UNAVAILABLE
    state = _sqlstate(error)
    if state:
        return state.startswith(_PG_UNAVAILABLE)
    return type(error).__name__ in {"InterfaceError", "ConnectionDoesNotExistError", "InternalClientError"}


def wants_retry(error: BaseException) -> bool:
    """Tell whether PostgreSQL undid the transaction for another's sake: a deadlock or a serialization failure."""
    return _sqlstate(error) in _PG_RETRY


def _is_forbidden(cause: BaseException) -> bool:
    """Tell whether the file of an SQLite database cannot be opened as this user."""
    if isinstance(cause, PermissionError):
        return True
    code = getattr(cause, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) in _SQLITE_FORBIDDEN


def unavailable(error: BaseException) -> StoreUnavailable:
    """Return the error for callers, with the cause and the likely fix."""
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    text = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
    fix = _NOT_PERMITTED if _is_forbidden(cause) else _LOOK
    wrapped = StoreUnavailable(f"the database cannot be used now: {text}", fix=fix)
    wrapped.__cause__ = error
    return wrapped


@contextmanager
def translated() -> Iterator[None]:
    """Raise StoreUnavailable for what means so; let everything else pass."""
    try:
        yield
    except Exception as error:
        if is_unavailable(error):
            raise unavailable(error) from error
        raise
