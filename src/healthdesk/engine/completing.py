"""Reads of claimed records what their requests name beside the data; most claims need nothing and cost nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from healthdesk.engine.context import Context
from healthdesk.engine.targets import Targets
from healthdesk.errors import StoreUnavailable
from healthdesk.store import facts
from healthdesk.store.rows import ClaimedRecord

log = logging.getLogger(__name__)


async def complete(ctx: Context, targets: Targets, claimed: Sequence[ClaimedRecord]) -> list[ClaimedRecord]:
    """Fill in `facts` and `fix` where they are needed, in one query; return the records whose facts cannot be read now."""
    wanted = {record.id: record for record in claimed if _needs(targets, record)}
    if not wanted:
        return []
    try:
        found = await ctx.store.read(facts.of_records, list(wanted))
    except StoreUnavailable as error:
        log.warning("the facts of %d claimed records cannot be read: %s", len(wanted), error)
        return list(wanted.values())
    for record_id, each in found.items():
        wanted[record_id].facts, wanted[record_id].fix = each.facts, each.fix
    return [record for record_id, record in wanted.items() if record_id not in found]


def _needs(targets: Targets, record: ClaimedRecord) -> bool:
    if record.fix_id is not None:
        return True
    target = targets.get(record.integration_id, record.environment)
    return target is not None and target.way.needs_facts
