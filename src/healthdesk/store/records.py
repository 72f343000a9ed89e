"""Records: the log, one record, its attempts and bodies."""

from __future__ import annotations

from sqlalchemy import Connection

from healthdesk.store.rows import AttemptRow, BodyRow, CountRow, PageRows, RecordQuery, RecordRow


def page(
    conn: Connection,
    query: RecordQuery,
    *,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
) -> PageRows[RecordRow]:
    """Return a page of the log. It costs the same at any depth, filtered or not."""
    raise NotImplementedError


def count(conn: Connection, query: RecordQuery, limit: int | None = None) -> CountRow:
    """Return how many records match, counting no further than `limit`."""
    raise NotImplementedError


def get(conn: Connection, record_id: str) -> RecordRow:
    """Return a record, or raise NotFound."""
    raise NotImplementedError


def body(conn: Connection, record_id: str) -> BodyRow | None:
    """Return what was posted, or None once retention removed it."""
    raise NotImplementedError


def attempts(conn: Connection, record_id: str, limit: int = 100) -> list[AttemptRow]:
    """Return the newest attempts of a record, oldest first."""
    raise NotImplementedError


def attempt(conn: Connection, record_id: str, attempt_id: str) -> AttemptRow:
    """Return one attempt with its response body, or raise NotFound."""
    raise NotImplementedError


from healthdesk.store.flow import (  # noqa: E402
    due_environments,
    hold_some,
    next_due,
    recover_interrupted,
    release_some,
    resend,
    resend_all,
    resend_plan,
)
