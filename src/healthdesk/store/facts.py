"""What of claimed records only some environments need: source, level, completion, and the fix that is in force."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from healthdesk.domain.delivery import Fix, steps_from
from healthdesk.domain.templating import Facts
from healthdesk.store.schema import records
from healthdesk.store.schema_jobs import fixes
from healthdesk.store.schema_setup import sources


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What making a record's request may name, and what is sent instead of its data."""

    facts: Facts
    fix: Fix | None = None


def of_records(conn: Connection, record_ids: Collection[str]) -> dict[str, RecordFacts]:
    """Return the facts of records by id, in one query; those that are gone are left out."""
    found = conn.execute(
        select(
            records.c.id,
            records.c.webhook_id,
            records.c.level,
            records.c.completed_at,
            records.c.sample,
            records.c.fix_id,
            records.c.integration_id,
            records.c.environment,
            sources.c.key.label("source"),
            fixes.c.body,
            fixes.c.content_type,
            fixes.c.mapping,
            fixes.c.headers,
            fixes.c.saved_in,
        )
        .join(sources, sources.c.id == records.c.source_id)
        .outerjoin(fixes, fixes.c.id == records.c.fix_id)
        .where(records.c.id.in_(record_ids))
    )
    return {
        row.id: RecordFacts(
            Facts(row.id, row.webhook_id, row.source, row.level, row.completed_at, row.sample),
            None if row.mapping is None else _fix(row),
        )
        for row in found
    }


def _fix(row: Any) -> Fix:
    """Return the fix of a record; its steps are not carried out where the environment's own mapping has them."""
    saved = [row.integration_id, row.environment.value] in row.saved_in
    return Fix(row.body, row.content_type, () if saved else steps_from(row.mapping), row.headers)
