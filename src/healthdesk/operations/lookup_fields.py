"""Lookup fields: which hashes a value that is looked for can have."""

from __future__ import annotations

from healthdesk.api.records import RecordFilter
from healthdesk.domain.lookup_values import SECRET_NAME, value_hash
from healthdesk.engine.desk_secrets import desk_secret
from healthdesk.errors import Malformed
from healthdesk.operations.desk import Desk
from healthdesk.operations.paging import everything
from healthdesk.store import sources as source_queries


async def lookup_hashes(desk: Desk, chosen: RecordFilter) -> tuple[tuple[bytes, ...], ...]:
    """Return the hashes of each value looked for, one for each source it can be of. Malformed for a field that no such
    source declares: no rows would be no answer.
    """
    if not chosen.lookup:
        return ()
    secret = await desk_secret(desk.ctx, SECRET_NAME)
    declared: dict[str, list[str]] = {}
    for source in await everything(desk, source_queries.page):
        if chosen.source in {None, source.key}:
            for field in source.fields:
                if field.get("lookup"):
                    declared.setdefault(field["name"], []).append(source.id)
    unknown = sorted(set(chosen.lookup) - set(declared))
    if unknown:
        known = ", ".join(sorted(declared)) or "there is none yet: `healthdesk sources edit` declares them"
        raise Malformed(f"{unknown[0]} is no lookup field", field="lookup", fix=f"lookup fields: {known}")
    return tuple(
        tuple(value_hash(secret, source_id, field, value) for source_id in declared[field])
        for field, value in chosen.lookup.items()
    )
