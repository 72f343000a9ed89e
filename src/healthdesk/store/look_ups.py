"""Look-ups that operators asked for and that wait for their place at an endpoint's rate: kept until they are answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.states import Environment, RecordEventKind
from healthdesk.store import desk, record_events
from healthdesk.store.columns import to_micros
from healthdesk.store.schema import records
from healthdesk.store.schema_desk import settings

_MARK = "look_up:"


def keep(conn: Connection, record_id: str, by: str, now: datetime, sentence: str) -> bool:
    """Keep that an operator wants a record looked up, and tell it in its timeline. False: it is kept already."""
    if desk.setting(conn, _MARK + record_id) is not None:
        return False
    desk.set_setting(conn, _MARK + record_id, f"0|{by}")
    record_events.add(conn, record_id, RecordEventKind.LOOKED_UP, now, sentence, by)
    return True


def waiting(conn: Connection, now: datetime) -> list[tuple[str, str, Environment]]:
    """Return the records that are to be looked up and that no daemon asks for now, with integration and environment."""
    found = conn.execute(
        select(settings.c.key, settings.c.value).where(settings.c.key.startswith(_MARK, autoescape=True))
    )
    ids = [row.key.removeprefix(_MARK) for row in found if _until(row.value) <= to_micros(now)]
    if not ids:
        return []
    places = select(records.c.id, records.c.integration_id, records.c.environment)
    rows = conn.execute(places.where(records.c.id.in_(ids)).order_by(records.c.id))
    return [(row.id, row.integration_id, row.environment) for row in rows]


def take(conn: Connection, record_id: str, now: datetime, until: datetime) -> str | None:
    """Take a look-up, so that no other daemon asks before `until`; return who wants it, None where it is not to be had."""
    mark = settings.c.key == _MARK + record_id
    kept = conn.execute(select(settings.c.value).where(mark).with_for_update()).scalar_one_or_none()
    if kept is None or _until(kept) > to_micros(now):
        return None
    by: str = kept.partition("|")[2]
    desk.set_setting(conn, _MARK + record_id, f"{to_micros(until)}|{by}")
    return by


def answered(
    conn: Connection, record_id: str, by: str, now: datetime, sentence: str, detail: Mapping[str, Any]
) -> None:
    """Forget a look-up that was done; `sentence` is its answer for the timeline, empty where that is there."""
    conn.execute(sa.delete(settings).where(settings.c.key == _MARK + record_id))
    if sentence:
        record_events.add(conn, record_id, RecordEventKind.LOOKED_UP, now, sentence, by, detail)


def delete_of(conn: Connection, record_ids: Sequence[str]) -> None:
    """Forget the look-ups of records that retention deletes."""
    conn.execute(sa.delete(settings).where(settings.c.key.in_([_MARK + each for each in record_ids])))


def _until(value: str) -> int:
    return int(value.partition("|")[0])
