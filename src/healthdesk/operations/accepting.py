"""What every record is checked against before it is accepted, whichever way it comes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from healthdesk.domain.fields import FieldSpec, check_data
from healthdesk.domain.lookup_values import SECRET_NAME, hashes_of
from healthdesk.domain.rawjson import ParsedRecord
from healthdesk.domain.states import Environment, HoldReason, RecordState
from healthdesk.engine.context import Context
from healthdesk.engine.desk_secrets import desk_secret
from healthdesk.errors import Malformed
from healthdesk.store.rows import NewRecord, SourceRow

_SHOWN_FAULTS = 20


@dataclass(frozen=True, slots=True)
class KnownSource:
    """A source, ready to check records against. No `fields` means that data is not checked."""

    id: str
    key: str
    levels: frozenset[str]
    fields: tuple[FieldSpec, ...]
    integrations: frozenset[str]
    lookup_fields: tuple[str, ...] = ()
    lookup_secret: bytes = field(default=b"", repr=False)

    def lookups(self, data: object) -> tuple[bytes, ...]:
        """Return the hashes by which a record is found."""
        if not self.lookup_fields:
            return ()
        return hashes_of(self.lookup_secret, self.id, self.lookup_fields, data)


async def known_source(ctx: Context, row: SourceRow) -> KnownSource:
    """Return a source's row ready to check with; the desk's secret is asked for where it declares lookup fields."""
    looked_up = tuple(each["name"] for each in row.fields if each.get("lookup"))
    secret = await desk_secret(ctx, SECRET_NAME) if looked_up else b""
    fields = tuple(
        FieldSpec(each["name"], each.get("type", "any"), bool(each.get("required", False)))
        for each in row.fields
    )
    return KnownSource(
        row.id, row.key, frozenset(row.levels), fields, frozenset(row.integrations), looked_up, secret
    )


def body_hash(body: bytes, idempotency_key: str | None) -> bytes:
    """Return what a repeat under the same Idempotency-Key is compared by; without a key nothing is compared."""
    return b"" if idempotency_key is None else hashlib.sha256(body).digest()


def new_record(
    record_id: str,
    now: datetime,
    parsed: ParsedRecord,
    body: bytes,
    *,
    integration_id: str,
    environment: Environment,
    source_id: str,
    hold: HoldReason | None,
    idempotency_key: str | None,
    order_key: str | None = None,
    lookups: tuple[bytes, ...] = (),
) -> NewRecord:
    """Return the row of a record that was checked: to be sent, or held while `hold` says why."""
    return NewRecord(
        id=record_id,
        integration_id=integration_id,
        environment=environment,
        source_id=source_id,
        level=parsed.level,
        completed_at=parsed.completed_at,
        body=body,
        data_start=parsed.data_start,
        data_end=parsed.data_end,
        body_hash=body_hash(body, idempotency_key),
        content_type="application/json",
        now=now,
        state=RecordState.QUEUED if hold is None else RecordState.HELD,
        hold_reason=hold,
        idempotency_key=idempotency_key,
        order_key=order_key,
        lookups=lookups,
    )


def check_source(source: KnownSource | None, parsed: ParsedRecord, integration_id: str) -> KnownSource:
    """Return the source once a record fits it; raise Malformed with the field at fault, never a value."""
    if source is None or integration_id not in source.integrations:
        raise Malformed(
            "the source is unknown or not enabled for this integration",
            field="source",
            fix=f"an operator enables it with `healthdesk sources enable <source> --integration {integration_id}`",
        )
    if source.levels and parsed.level not in source.levels:
        what = "the level is missing" if parsed.level is None else "the level is not one of the source's"
        raise Malformed(what, field="level", fix="one of: " + ", ".join(sorted(source.levels)))
    if source.fields:
        wrong = check_data(parsed.data, source.fields)
        if wrong:
            raise Malformed(
                "the data does not fit the source's fields: " + "; ".join(wrong[:_SHOWN_FAULTS]),
                field="data",
                fix="send what `healthdesk sources show` lists",
            )
    return source
