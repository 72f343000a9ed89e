"""Committing results and claims, such that no result is lost for the sake of another."""

from __future__ import annotations

import logging

from healthdesk.engine import attempt
from healthdesk.engine.context import Context
from healthdesk.engine.targets import Targets
from healthdesk.errors import StoreUnavailable
from healthdesk.store.rows import EnvWant, Settlement, SettleResult

log = logging.getLogger(__name__)


async def settle_and_claim(
    ctx: Context, targets: Targets, results: list[Settlement], wants: list[EnvWant]
) -> SettleResult:
    """Commit results and claims; a result that cannot be stored is stored without what came back.

    Whatever an endpoint answers, its record's result counts and no other record's result is lost with it.
    """
    store, now = ctx.store, ctx.clock.now
    try:
        return await store.settle_and_claim(results, wants, now=now())
    except StoreUnavailable:
        raise
    except Exception:
        if not results:
            raise
        log.exception("%d results could not be stored together; each is stored alone", len(results))
    alone: list[SettleResult] = []
    for result in results:
        try:
            alone.append(await store.settle_and_claim([result], [], now=now()))
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("the result of attempt %s cannot be stored as it is", result.attempt_id)
            target = targets.get(result.integration_id, result.environment)
            bare = attempt.without_answer(result, target, error)
            alone.append(await store.settle_and_claim([bare], [], now=now()))
    last = await store.settle_and_claim([], wants, now=now())
    return SettleResult(
        claimed=last.claimed,
        late=[late for each in alone for late in each.late],
        problems_changed=tuple(changed for each in alone for changed in each.problems_changed),
        alerts_queued=sum(each.alerts_queued for each in alone),
    )
