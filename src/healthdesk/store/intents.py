"""Attempts that were claimed ahead and wait for their turn: until each has begun, nothing of it can have left.

Only environments that hold what is unknown tell the two apart: where it is sent again anyway, a claim is the intent.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam, select, text

from healthdesk.store.rows import ClaimedRecord, EnvWant
from healthdesk.store.schema import SENDING, attempts


def note_waiting(conn: Connection, wants: Sequence[EnvWant], claimed: Sequence[ClaimedRecord]) -> None:
    """Keep, in the transaction that claims, that these attempts have not begun, where their environments want it."""
    places = {(want.integration_id, want.environment) for want in wants if want.begins}
    waiting = (
        [each for each in claimed if (each.integration_id, each.environment) in places] if places else []
    )
    if not waiting:
        return
    conn.execute(
        sa.update(attempts)
        .where(attempts.c.record_id == bindparam("the_record"), attempts.c.id == bindparam("the_id"))
        .values(begun=False),
        [{"the_record": each.id, "the_id": each.attempt_id} for each in waiting],
    )
    for each in waiting:
        each.begun = False


def begin(conn: Connection, claimed: Sequence[tuple[str, str]]) -> set[str]:
    """Let attempts begin, given as (record id, attempt id), and return the ids of those that may leave now.

    One that another daemon took up as interrupted meanwhile may not: its record is sent by that one.
    """
    ids = [attempt_id for _, attempt_id in claimed]
    open_now = set(
        conn.execute(
            select(attempts.c.id)
            .where(
                attempts.c.record_id.in_([record_id for record_id, _ in claimed]),
                attempts.c.id.in_(ids),
                text(SENDING),
            )
            .with_for_update()
        ).scalars()
    )
    if open_now:
        conn.execute(
            sa.update(attempts)
            .where(attempts.c.record_id == bindparam("the_record"), attempts.c.id == bindparam("the_id"))
            .values(begun=True),
            [{"the_record": record, "the_id": each} for record, each in claimed if each in open_now],
        )
    return open_now
