"""What the database refuses is told without the values it was given."""

from __future__ import annotations

import traceback

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from healthdesk.errors import HealthdeskError

NAME = "Quill" + "feather"


async def test_errors_quote_no_parameters(store) -> None:
    def refused(conn):
        conn.execute(text("INSERT INTO nosuch (name) VALUES (:name)"), {"name": NAME})

    for ask in (store.write, store.read):
        with pytest.raises((SQLAlchemyError, HealthdeskError)) as raised:
            await ask(refused)
        assert NAME not in "".join(traceback.format_exception(raised.value))
