"""What the database refuses is told without the values it was given."""

from __future__ import annotations

import sqlite3
import traceback

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from healthdesk.errors import HealthdeskError
from healthdesk.store.faults import unavailable

NAME = "Quill" + "feather"


async def test_errors_quote_no_parameters(store) -> None:
    def refused(conn):
        conn.execute(text("INSERT INTO nosuch (name) VALUES (:name)"), {"name": NAME})

    for ask in (store.write, store.read):
        with pytest.raises((SQLAlchemyError, HealthdeskError)) as raised:
            await ask(refused)
        assert NAME not in "".join(traceback.format_exception(raised.value))


def test_a_file_that_this_user_may_not_open_is_told_apart_from_a_host_that_is_down() -> None:
    readonly = sqlite3.OperationalError("attempt to write a readonly database")
    readonly.sqlite_errorcode = sqlite3.SQLITE_READONLY
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    for error in (PermissionError(13, "Permission denied"), readonly):
        assert "as the daemon's user" in unavailable(error).fix
    for other in (full, ConnectionRefusedError()):
        assert "is its disk full" in unavailable(other).fix
