"""What the next attempt sends of a record, worked out without sending it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from healthdesk.domain import mapping
from healthdesk.domain.bodies import parse_data
from healthdesk.domain.delivery import Fix, steps_from
from healthdesk.domain.states import Trigger
from healthdesk.engine.batch_making import part_alone
from healthdesk.engine.making import Made, make
from healthdesk.engine.targets import Target
from healthdesk.operations.desk import Conn
from healthdesk.store import facts
from healthdesk.store.facts import RecordFacts
from healthdesk.store.rows import BodyRow, ClaimedRecord, RecordRow
from healthdesk.store.rows_fixes import FixRow

VERSION_CHARS = 16


@dataclass(frozen=True, slots=True)
class Sendable:
    """A record with all that making its request needs. `fix` is the one in force."""

    row: RecordRow
    stored: BodyRow
    target: Target
    known: RecordFacts

    @property
    def claimed(self) -> ClaimedRecord:
        """Return it as the engine would take it."""
        row = self.row
        return ClaimedRecord(
            id=row.id,
            webhook_id=row.webhook_id,
            integration_id=row.integration_id,
            environment=row.environment,
            attempt_id="",
            number=row.attempts + 1,
            tries=row.tries + 1,
            trigger=Trigger.OPERATOR,
            triggered_by="",
            data=self.stored.data,
            content_type=self.stored.content_type,
            sample=row.sample,
        )

    def made(self, fix: Fix | None) -> Made:
        """Return the request with a fix. Raises MappingError for what cannot be made.

        Of a record that goes by an app or in a batch it is the request of that record alone, and `body` its own part of it:
        that is what is kept of what was sent.
        """
        if self.target.delivery.batch is not None:
            return part_alone(self.target, self.claimed, self.known.facts, fix)
        return make(self.target, self.claimed, self.known.facts, fix)

    def data(self, fix: Fix | None) -> Any:
        """Return the record's data with a fix, before the environment's mapping. Raises MappingError."""
        data = parse_data(self.stored.data if fix is None or fix.body is None else fix.body)
        return (
            data
            if fix is None or fix.body is not None
            else mapping.apply(fix.mapping, data, self.known.facts)
        )


def sendable(conn: Conn, row: RecordRow, stored: BodyRow | None, target: Target | None) -> Sendable | None:
    """Return what the next attempt of a record is made of; None where its body or its environment is gone."""
    if stored is None or target is None:
        return None
    known = facts.of_records(conn, [row.id]).get(row.id)
    return None if known is None else Sendable(row, stored, target, known)


def fix_of(row: FixRow) -> Fix:
    """Return a stored fix as the engine reads it."""
    return Fix(row.body, row.content_type, steps_from(row.mapping), row.headers)


def version_of(row: RecordRow, target: Target | None) -> str:
    """Return what changes whenever what is sent of the record does: with a fix, or the settings of its environment."""
    settings = "" if target is None else repr((target.url, target.method, target.delivery))
    said = json.dumps([row.fix_id, row.webhook_id, settings])
    return hashlib.sha256(said.encode()).hexdigest()[:VERSION_CHARS]
