"""Several records in one request: which go together, what is sent of them, and what the answer says of each.

Every record of a batch is settled by itself: what one of them fails of says nothing of the others, and only those that failed
are sent again, with whatever is due then.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from healthdesk.clock import Clock
from healthdesk.connectors.outgoing import NotAuthorized
from healthdesk.connectors.session import Request
from healthdesk.domain.delivery import Batch
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.engine import attempt
from healthdesk.engine.batch_answers import ALONE_NEXT, Result, by_app, document_of, judged
from healthdesk.engine.batch_making import item_of, own_headers, request_of
from healthdesk.engine.context import Context
from healthdesk.engine.lease import LeaseOver
from healthdesk.engine.making import Made, signed
from healthdesk.engine.proving import send_proven
from healthdesk.engine.targets import Key, Target
from healthdesk.errors import MappingError
from healthdesk.store.rows import ClaimedRecord

log = logging.getLogger(__name__)

_MOST_ALONE = 100_000
_T = TypeVar("_T")


class Batches:
    """Decides which waiting records of an environment go together, and when."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[Key, float] = {}
        """Since when a partial batch waits, in monotonic seconds."""
        self._alone: set[str] = set()
        """Records of batches that were refused whole: each is sent by itself once, to learn which it was."""

    def take(self, key: Key, waiting: deque[ClaimedRecord], size: int, wait_s: float) -> list[ClaimedRecord]:
        """Take what goes in one request now; nothing while a partial batch may still wait.

        Samples and real records do not go together, and a record whose fix changes headers goes alone.
        """
        first = waiting[0]
        if self._goes_alone(first):
            self._alone.discard(first.id)
            return [waiting.popleft()]
        together = 0
        for record in waiting:
            if together == size or record.sample != first.sample or self._goes_alone(record):
                break
            together += 1
        if together < size and together == len(waiting) and self.wait_s(key, wait_s) > 0:
            return []
        self._since.pop(key, None)
        return [waiting.popleft() for _ in range(together)]

    def wait_s(self, key: Key, wait_s: float) -> float:
        """Return how much longer the partial batch of an environment may wait."""
        now = self._clock.monotonic()
        return max(0.0, self._since.setdefault(key, now) + wait_s - now)

    def _goes_alone(self, record: ClaimedRecord) -> bool:
        return record.id in self._alone or (record.fix is not None and bool(record.fix.headers))

    def note(self, results: Sequence[Result]) -> set[str]:
        """Take note of a batch that was refused whole for what may be the fault of one record in it.

        Returns the ids of those that are sent alone next.
        """
        refused = {
            result.record.id
            for result in results
            if result.failure is not None and result.failure.next_action == ALONE_NEXT
        }
        if len(self._alone) + len(refused) > _MOST_ALONE:
            return set()
        self._alone |= refused
        return refused


async def send(ctx: Context, target: Target, batch: Batch, records: Sequence[ClaimedRecord]) -> list[Result]:
    """Send records in one request and judge what came of each.

    Raises LeaseOver where they must not leave any more, else only CancelledError.
    """
    return (await _exchanged(ctx, target, batch, records))[1]


async def send_alone(
    ctx: Context, target: Target, batch: Batch, record: ClaimedRecord
) -> tuple[Exchange | None, Failure | None]:
    """Send a record as a batch of one and judge it; the exchange is the whole of what was sent and answered."""
    whole, [result] = await _exchanged(ctx, target, batch, [record])
    if whole is not None and whole.request_body is None:
        whole.request_body = request_of(target, [_item(target, record)], {}).body
    return whole or result.exchange, result.failure


async def _exchanged(
    ctx: Context, target: Target, batch: Batch, records: Sequence[ClaimedRecord]
) -> tuple[Exchange | None, list[Result]]:
    """Return the exchange of all of them, where there was one, and what came of each."""
    whole: Exchange | None = None
    gathered = _gathered(target, records)
    results, going, items = gathered.unmade, gathered.going, gathered.items
    made, app = gathered.made, target.proof.app
    try:
        if made is not None:
            whole = await _sent(ctx, target, batch, made)
            results += await judged(
                batch, going, items, whole, document_of(whole), refused=target.delivery.refused
            )
            whole.request_body = made.body
        elif app is not None and going:
            reply = await app.send(items, target.timeout_s, gathered.headers)
            batch_id = ctx.new_id("bat") if len(going) > 1 else None
            whole = replace(reply.exchange, batch_id=batch_id)
            results += await by_app(app, batch, going, items, replace(reply, exchange=whole))
    except MappingError as error:
        results += [Result(record, None, attempt.unmade(error)) for record in going]
    except NotAuthorized as error:
        exchange, failure = attempt.untaken(error)
        results += [Result(record, exchange, failure) for record in going]
    except LeaseOver:
        raise
    except Exception as error:  # a fault of ours must fail these attempts loudly, not kill the engine
        log.exception("a batch of %d records died", len(records))
        known = {result.record.id for result in results}
        failure = attempt.internal_failure(error)
        results += [Result(record, None, failure) for record in records if record.id not in known]
    return whole, results


@dataclass(slots=True)
class _Gathered:
    """Records that go in one request, with what stands for each; those it cannot be made of are in `unmade`."""

    going: list[ClaimedRecord] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    made: Made | None = None
    """The request; None where nothing goes, and where an app makes it."""
    unmade: list[Result] = field(default_factory=list)

    def take(self, record: ClaimedRecord, item: Any) -> None:
        """Have a record go, unless its item is why it cannot."""
        if isinstance(item, Failure):
            self.unmade.append(Result(record, None, item))
        else:
            self.going.append(record)
            self.items.append(item)


def _gathered(target: Target, records: Sequence[ClaimedRecord]) -> _Gathered:
    """Make one request of records. What cannot be made of one of them keeps no other from going."""
    found = _Gathered()
    for record in records:
        found.take(record, _tried(record.id, partial(_item, target, record)))
    failure = _make(target, found)
    if failure is not None and len(found.going) > 1:
        # One body is made of all: which of them has no place in it is learnt from each alone.
        apart = _Gathered(unmade=found.unmade)
        for record, item in zip(found.going, found.items, strict=True):
            alone = _tried(record.id, partial(request_of, target, [item], {}))
            apart.take(record, alone if isinstance(alone, Failure) else item)
        if len(apart.going) < len(found.going):
            failure = _make(target, apart)
        found = apart
    if failure is not None:
        found.unmade += [Result(record, None, failure) for record in found.going]
        found.going, found.items = [], []
    return found


def _make(target: Target, found: _Gathered) -> Failure | None:
    """Make the request of all that go; return why it cannot be made."""
    if not found.going:
        return None

    def make() -> Made | None:
        first = found.going[0]
        found.headers = own_headers(first, first.fix, alone=len(found.going) == 1)
        return None if target.proof.app is not None else request_of(target, found.items, found.headers)

    made = _tried(f"a batch of {len(found.going)}", make)
    if isinstance(made, Failure):
        return made
    found.made = made
    return None


def _tried(what: str, make: Callable[[], _T]) -> _T | Failure:
    """Return what is made, or why it cannot be."""
    try:
        return make()
    except MappingError as error:
        return attempt.unmade(error)
    except Exception as error:  # a fault of ours in one record must not fail those it would go with
        log.exception("nothing could be made of %s", what)
        return attempt.unmade(error)


def _item(target: Target, record: ClaimedRecord) -> Any:
    if record.fix_id is not None and record.fix is None:
        raise MappingError("the fix of this record is gone", fix="fix it again, or take the fix away")
    return item_of(target, record, record.facts, record.fix)


async def _sent(ctx: Context, target: Target, batch: Batch, made: Made) -> Exchange:
    made.headers["webhook-id"] = ctx.new_id("bat")
    exchange = await send_proven(
        ctx,
        target.proof,
        Request(
            method=made.method,
            url=made.url,
            headers=signed(target, made, int(ctx.clock.now().timestamp())),
            body=made.body,
            timeout_s=target.timeout_s,
            stored_body_bytes=max(ctx.config.delivery.stored_body_bytes, 1_048_576 if batch.results else 0),
            secret_headers=target.secret_headers,
            secrets=target.secrets,
        ),
    )
    exchange.batch_id = made.headers["webhook-id"]
    return exchange
