"""Sources that send nothing: what is usual of each, and when its silence is a problem."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from healthdesk.api.common import Page
from healthdesk.api.flow import Silence, SourcePulse
from healthdesk.api.sources import Source
from healthdesk.domain.activity import Verb
from healthdesk.domain.ids import id_time
from healthdesk.domain.silence import usual_gap
from healthdesk.domain.states import Environment
from healthdesk.errors import Malformed, NotFound
from healthdesk.operations.desk import Conn, Desk
from healthdesk.store import pulses as queries
from healthdesk.store import sources
from healthdesk.store.pulses import PulseRow
from healthdesk.store.rows import SourceRow

SHORTEST_S = 60.0
"""A shorter silence would be noticed too late to mean anything: it is looked for every few seconds."""


def shown(conn: Conn, row: SourceRow) -> Source:
    """Return a source with how often it sends where."""
    view = Source.model_validate(row, from_attributes=True)
    view.pulses = [_pulse(conn, each) for each in queries.rows(conn, source_id=row.id) if each.live]
    return view


def page(conn: Conn, found: Page[Source]) -> Page[Source]:
    """Return a page of sources, each with how often it sends where; all of them are read at once."""
    pulses: dict[str, list[SourcePulse]] = {source.key: [] for source in found.items}
    for row in queries.rows(conn):
        if row.live and row.source_key in pulses:
            pulses[row.source_key].append(_pulse(conn, row))
    for source in found.items:
        source.pulses = pulses[source.key]
    return found


def _pulse(conn: Conn, row: PulseRow) -> SourcePulse:
    """Return how a source sends; its last record is looked up, as what was learnt of it is up to an hour old."""
    newest = queries.newest(conn, row.place)
    last_at = id_time(newest) if newest is not None else row.last_at
    known = replace(row, last_at=last_at)
    usual = usual_gap(row.learnt) if row.environment is Environment.PRODUCTION else None
    return SourcePulse(
        source=row.source_key,
        integration_id=row.integration_id,
        integration_name=row.integration_name,
        environment=row.environment,
        last_at=last_at,
        usual_s=_seconds(usual),
        set_s=row.set_gap_s,
        after_s=_seconds(row.limit),
        silent_at=known.due_at,
        silent=row.told,
    )


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


async def set_silence(desk: Desk, id_or_key: str, wanted: Silence) -> Source:
    """Say when a source's silence is a problem: after so many seconds, never (0), or as learnt (None)."""
    desk.require("sources.silence")
    if wanted.after_s is not None and 0 < wanted.after_s < SHORTEST_S:
        raise Malformed(
            "the gap is at least a minute, or 0 for never", field="after_s", fix="for example 3600"
        )
    now = desk.now()

    def change(conn: Conn) -> tuple[Source, str]:
        source = sources.get(conn, id_or_key)
        place = (source.id, wanted.integration_id, wanted.environment)
        before = queries.get(conn, place)
        if before is None or not before.live:
            raise NotFound(
                f"{source.name} is not enabled for {wanted.integration_id} in {wanted.environment.value}",
                fix=f"`healthdesk sources enable {source.key} --integration {wanted.integration_id}` enables it",
            )
        queries.set_gap(conn, before, wanted.after_s, now)
        desk.note(
            conn,
            Verb.SET_SILENCE,
            "source",
            source.id,
            source.name,
            {
                "integration_id": before.integration_id,
                "integration": before.integration_name,
                "environment": wanted.environment.value,
                "before": _words(before.set_gap_s),
                "after": _words(wanted.after_s),
            },
        )
        return shown(conn, source), source.id

    view, source_id = await desk.ctx.store.write(change)
    desk.tell(("source", source_id))
    desk.engine.silence.wake()
    return view


def _words(gap_s: float | None) -> str:
    if gap_s is None:
        return "as learnt"
    return f"{gap_s:g} s" if gap_s else "never"
