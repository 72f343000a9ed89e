"""How often sources send, and which of them sent nothing for too long."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.domain.ids import first_id_at, id_time
from healthdesk.domain.silence import KEPT_DAYS, Learnt, key_for_silence, limit_of, silence_fingerprint
from healthdesk.domain.states import Environment, RecordState
from healthdesk.store.folding import Folding
from healthdesk.store.rows import ProblemChanges
from healthdesk.store.schema import records
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_setup import (
    environments,
    integrations,
    source_integrations,
    source_pulses,
    sources,
)
from healthdesk.store.scope import on_sqlite

MOST_ARRIVALS = 5000
"""Arrivals looked at in one read; of a source that sends more in an hour the rest is passed over."""

Place = tuple[str, str, Environment]
"""Source, integration and environment."""


@dataclass(frozen=True, slots=True)
class PulseRow:
    """A source as it sends to one environment. `told` says that its silence, since `last_at`, is a problem already."""

    source_id: str
    source_key: str
    source_name: str
    integration_id: str
    integration_name: str
    environment: Environment
    owner: str
    live: bool
    """Whether it may send at all: enabled, and the integration is there."""
    set_gap_s: float | None
    learnt: Learnt
    since: datetime | None
    last_at: datetime | None
    silent_at: datetime | None
    told: bool

    @property
    def place(self) -> Place:
        """Return what the row is of."""
        return self.source_id, self.integration_id, self.environment

    @property
    def limit(self) -> timedelta | None:
        """Return after how long its silence is a problem."""
        return limit_of(self.learnt, self.set_gap_s, self.environment) if self.live else None

    @property
    def heard_at(self) -> datetime | None:
        """Return from when its silence counts: its last record, or since when the desk listens to it."""
        return max((each for each in (self.last_at, self.since) if each is not None), default=None)

    @property
    def due_at(self) -> datetime | None:
        """Return when its silence is a problem, None for never."""
        return None if self.limit is None or self.heard_at is None else self.heard_at + self.limit


def rows(conn: Connection, *, source_id: str | None = None, due_by: datetime | None = None) -> list[PulseRow]:
    """Return what is known of every source in every environment it has to do with, or of those that may be silent by then
    or are.
    """
    query = _select()
    if source_id is not None:
        query = query.where(source_integrations.c.source_id == source_id)
    if due_by is not None:
        query = query.where(or_(source_pulses.c.silent_at <= due_by, source_pulses.c.told))
    order = (source_integrations.c.source_id, environments.c.integration_id, environments.c.environment)
    return [_row(found) for found in conn.execute(query.order_by(*order))]


def get(conn: Connection, place: Place) -> PulseRow | None:
    """Return one, None where the source has nothing to do with that environment."""
    source_id, integration_id, environment = place
    found = conn.execute(
        _select().where(
            source_integrations.c.source_id == source_id,
            environments.c.integration_id == integration_id,
            environments.c.environment == environment,
        )
    ).one_or_none()
    return None if found is None else _row(found)


def newest(conn: Connection, place: Place) -> str | None:
    """Return the id of the newest record that is no sample."""
    found = [
        conn.execute(_of(place, state).order_by(records.c.id.desc()).limit(1)).scalar()
        for state in RecordState
    ]
    return max((each for each in found if each is not None), default=None)


def arrivals(conn: Connection, place: Place, after: str, now: datetime) -> list[str]:
    """Return ids of records after one, oldest first, samples left out; the oldest ones of those that may be kept."""
    start = after or first_id_at("rec", now - timedelta(days=KEPT_DAYS))
    found: list[str] = []
    until: str | None = None
    for state in RecordState:
        some = conn.scalars(
            _of(place, state).where(records.c.id > start).order_by(records.c.id).limit(MOST_ARRIVALS)
        ).all()
        found += some
        if len(some) == MOST_ARRIVALS:
            until = some[-1] if until is None else min(until, some[-1])
    return sorted({each for each in found if until is None or each <= until})


def keep(conn: Connection, place: Place, **values: Any) -> None:
    """Store what is known of a source in an environment; what is not given stays."""
    source_id, integration_id, environment = place
    given = {name: value.to_json() if isinstance(value, Learnt) else value for name, value in values.items()}
    upsert = (sqlite.insert if on_sqlite(conn) else postgresql.insert)(source_pulses)
    conn.execute(
        upsert.values(
            source_id=source_id,
            integration_id=integration_id,
            environment=environment,
            **({"learnt": {}} | given),
        ).on_conflict_do_update(
            index_elements=["source_id", "integration_id", "environment"], set_=given or {"last_at": None}
        )
    )


def judge(conn: Connection, place: Place, now: datetime) -> ProblemChanges:
    """Open the problem of a source that is silent by now, end that of one that sends again or cannot any more."""
    folding = Folding(conn, now)
    _lock(conn, place)
    row = get(conn, place)
    if row is None:
        return ProblemChanges()
    found = newest(conn, place)
    heard = id_time(found) if found is not None else None
    again = heard is not None and (row.last_at is None or heard > row.last_at)
    if again:
        row = replace(row, last_at=heard, told=False)
    silent = row.due_at is not None and row.due_at <= now
    if row.limit is not None and row.heard_at is not None and silent:
        if not row.told:
            folding.stand(
                key_for_silence(
                    row.source_id,
                    row.source_name,
                    row.integration_id,
                    row.environment,
                    row.heard_at,
                    row.limit,
                    row.owner,
                )
            )
    else:
        folding.stand_down(silence_fingerprint(*place))
    keep(conn, place, silent_at=row.due_at, told=silent, last_at=row.last_at)
    return folding.finish()


def learnt(conn: Connection, place: Place, known: Learnt, last_at: datetime | None) -> None:
    """Keep what was learnt of a source; one that is silent stays so until it is judged again."""
    row = get(conn, place)
    if row is not None:
        after = replace(row, learnt=known, last_at=last_at)
        keep(conn, place, learnt=known, last_at=last_at, silent_at=after.due_at)


def set_gap(conn: Connection, row: PulseRow, gap_s: float | None, now: datetime) -> None:
    """Say after how long the silence of a source is a problem; of one that never sent it counts from now."""
    after = replace(row, set_gap_s=gap_s, since=row.heard_at or now)
    keep(conn, row.place, set_gap_s=gap_s, since=after.since, silent_at=after.due_at)


def forgive(conn: Connection, now: datetime) -> int:
    """Let the silence of sources that would be a problem by now count from now: nobody listened, or the clock was set.

    Returns how many.
    """
    late = [row for row in rows(conn, due_by=now) if not row.told]
    for row in late:
        keep(conn, row.place, since=now, silent_at=replace(row, since=now).due_at)
    return len(late)


def silent(conn: Connection) -> dict[Environment, int]:
    """Return how many sources are silent, by environment."""
    found = conn.execute(
        select(source_pulses.c.environment, sa.func.count())
        .where(source_pulses.c.told)
        .group_by(source_pulses.c.environment)
    )
    return {row[0]: row[1] for row in found}


def _of(place: Place, state: RecordState) -> sa.Select[Any]:
    source_id, integration_id, environment = place
    return select(records.c.id).where(
        records.c.source_id == source_id,
        records.c.integration_id == integration_id,
        records.c.environment == environment,
        records.c.state == state,
        records.c.sample.is_(False),
    )


def _lock(conn: Connection, place: Place) -> None:
    source_id, integration_id, environment = place
    conn.execute(
        select(source_pulses.c.source_id)
        .where(
            source_pulses.c.source_id == source_id,
            source_pulses.c.integration_id == integration_id,
            source_pulses.c.environment == environment,
        )
        .with_for_update()
    )


def _select() -> sa.Select[Any]:
    pulse = source_pulses.c
    return (
        select(
            source_integrations.c.source_id,
            source_integrations.c.enabled,
            sources.c.key,
            sources.c.name,
            environments.c.integration_id,
            environments.c.environment,
            integrations.c.name.label("integration_name"),
            integrations.c.deleted_at,
            connections.c.owner,
            pulse.set_gap_s,
            pulse.learnt,
            pulse.since,
            pulse.last_at,
            pulse.silent_at,
            pulse.told,
        )
        .join(sources, sources.c.id == source_integrations.c.source_id)
        .join(integrations, integrations.c.id == source_integrations.c.integration_id)
        .join(environments, environments.c.integration_id == integrations.c.id)
        .join(connections, connections.c.id == environments.c.connection_id)
        .outerjoin(
            source_pulses,
            sa.and_(
                pulse.source_id == source_integrations.c.source_id,
                pulse.integration_id == environments.c.integration_id,
                pulse.environment == environments.c.environment,
            ),
        )
    )


def _row(row: Any) -> PulseRow:
    return PulseRow(
        source_id=row.source_id,
        source_key=row.key,
        source_name=row.name,
        integration_id=row.integration_id,
        integration_name=row.integration_name,
        environment=row.environment,
        owner=row.owner,
        live=row.enabled and row.deleted_at is None,
        set_gap_s=row.set_gap_s,
        learnt=Learnt.from_json(row.learnt or {}),
        since=row.since,
        last_at=row.last_at,
        silent_at=row.silent_at,
        told=bool(row.told),
    )
