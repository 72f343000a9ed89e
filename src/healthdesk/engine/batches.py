"""Several records in one request: which go together, what is sent of them, and what the answer says of each.

Every record of a batch is settled by itself: what one of them fails of says nothing of the others, and only those that failed
are sent again, with whatever is due then.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from healthdesk.clock import Clock
from healthdesk.connectors import paths
from healthdesk.connectors.client import Reply
from healthdesk.connectors.outgoing import NotAuthorized
from healthdesk.connectors.session import Request
from healthdesk.domain.bodies import plain_data, render_body
from healthdesk.domain.delivery import Batch
from healthdesk.domain.exchange import Exchange, Failure, Sent
from healthdesk.domain.outcome import judge_response
from healthdesk.domain.scrubbing import Scrubber
from healthdesk.domain.states import BodyFormat, ErrorKind
from healthdesk.domain.templating import Facts
from healthdesk.domain.values import values_of
from healthdesk.domain.verdicts import UNEXPECTED
from healthdesk.engine import attempt
from healthdesk.engine.app_delivery import AppWay, without_values
from healthdesk.engine.context import Context
from healthdesk.engine.making import Made, address_of, content_of, headers_of, put_header, signed
from healthdesk.engine.proving import send_proven
from healthdesk.engine.targets import Key, Target
from healthdesk.errors import MappingError
from healthdesk.store.rows import ClaimedRecord

log = logging.getLogger(__name__)

_OF_ITS_RECORDS = frozenset(
    {ErrorKind.REFUSED, ErrorKind.MISSING_FIELD, ErrorKind.FORMAT, ErrorKind.TOO_LARGE}
)
"""What one record can be refused for: in a batch that is refused whole nobody knows which."""
_REFUSED = 422
_MOST_ALONE = 100_000
ALONE_NEXT = "Nothing now: each record of the batch is sent alone next, to learn which one it was."
_MOST_MESSAGE = 500


@dataclass(slots=True)
class Result:
    """What became of one record of a batch."""

    record: ClaimedRecord
    exchange: Exchange | None
    failure: Failure | None


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

    def note(self, results: Sequence[Result]) -> None:
        """Take note of a batch that was refused whole for what may be the fault of one record in it."""
        for result in results:
            failure = result.failure
            if failure is not None and failure.next_action == ALONE_NEXT and len(self._alone) < _MOST_ALONE:
                self._alone.add(result.record.id)


async def send(ctx: Context, target: Target, batch: Batch, records: Sequence[ClaimedRecord]) -> list[Result]:
    """Send records in one request and judge what came of each. Never raises but CancelledError."""
    results: list[Result] = []
    items: list[Any] = []
    going: list[ClaimedRecord] = []
    try:
        for record in records:
            try:
                items.append(_item(target, record))
                going.append(record)
            except MappingError as error:
                results.append(Result(record, None, attempt.unmade(error)))
        if going:
            app = target.proof.app
            if app is None:
                exchange = await _sent(ctx, target, batch, going, items)
                # every failure is looked through for the values of every record: not on the loop
                results += await asyncio.to_thread(
                    _judged, batch, going, items, exchange, _document(exchange)
                )
            else:
                reply = await app.send(items, target.timeout_s)
                batch_id = ctx.new_id("bat") if len(going) > 1 else None
                answered = replace(reply, exchange=replace(reply.exchange, batch_id=batch_id))
                results += await asyncio.to_thread(_by_app, app, batch, going, items, answered)
    except MappingError as error:
        results += [Result(record, None, attempt.unmade(error)) for record in going]
    except NotAuthorized as error:
        failure = replace(error.failure, sent=Sent.NO)
        results += [Result(record, error.exchange, failure) for record in going]
    except Exception as error:  # a fault of ours must fail these attempts loudly, not kill the engine
        log.exception("a batch of %d records died", len(records))
        known = {result.record.id for result in results}
        failure = attempt.internal_failure(error)
        results += [Result(record, None, failure) for record in records if record.id not in known]
    return results


def _item(target: Target, record: ClaimedRecord) -> Any:
    if record.fix_id is not None and record.fix is None:
        raise MappingError("the fix of this record is gone", fix="fix it again, or take the fix away")
    facts = record.facts or Facts(record.id, record.webhook_id)
    content = content_of(target, record, facts, record.fix)
    app = target.proof.app
    return content.mapped if app is None else app.item(content.mapped, content.record, facts)


async def _sent(
    ctx: Context, target: Target, batch: Batch, records: Sequence[ClaimedRecord], items: list[Any]
) -> Exchange:
    delivery = target.delivery
    document: Any = {batch.items: items} if batch.items else items
    if delivery.body is BodyFormat.XML and not batch.items:
        document = {"item": items}
    body, content_type = render_body(delivery.body, document, delivery.xml_root)
    headers = {"content-type": content_type} | headers_of(target, Facts(), {})
    url = address_of(target, Facts(), {})
    if len(records) == 1 and (fix := records[0].fix) is not None:
        for name, value in fix.headers.items():
            put_header(headers, name, value)
    headers["webhook-id"] = ctx.new_id("bat")
    if records[0].sample:
        headers["healthdesk-sample"] = "true"
    made = Made(target.method, url, headers, body)
    exchange = await send_proven(
        ctx,
        target.proof,
        Request(
            method=made.method,
            url=made.url,
            headers=signed(target, made, int(ctx.clock.now().timestamp())),
            body=body,
            timeout_s=target.timeout_s,
            stored_body_bytes=max(ctx.config.delivery.stored_body_bytes, 1_048_576 if batch.results else 0),
            secret_headers=target.secret_headers,
            secrets=target.secrets,
        ),
    )
    exchange.batch_id = headers["webhook-id"]
    return exchange


def _by_app(
    app: AppWay,
    batch: Batch,
    records: Sequence[ClaimedRecord],
    items: Sequence[Any],
    reply: Reply,
) -> list[Result]:
    """Judge an app's answer: the whole of it by its manifest, then what it says of each record."""
    exchange = reply.exchange
    if reply.failure is None:
        others = app.operation.others == "delivered"
        return _judged(batch, records, items, exchange, reply.document, others_delivered=others)
    failure = _shared(without_values(reply.failure, _said(records, items)), len(records))
    return [
        Result(record, _own(exchange, item), failure) for record, item in zip(records, items, strict=True)
    ]


def _shared(failure: Failure, count: int) -> Failure:
    """Return the failure of a whole batch: what one record of it may be refused for is looked into one by one."""
    if count == 1 or failure.kind not in _OF_ITS_RECORDS:
        return failure
    return replace(failure, permanent=False, next_action=ALONE_NEXT)


def _judged(
    batch: Batch,
    records: Sequence[ClaimedRecord],
    items: Sequence[Any],
    exchange: Exchange,
    document: Any,
    *,
    others_delivered: bool = False,
) -> list[Result]:
    status = exchange.status
    accepted = status is not None and 200 <= status < 300 and exchange.error is None
    if not accepted:
        failure = judge_response(exchange, _said(records, items))
        if failure is not None:
            failure = _shared(failure, len(records))
        return [
            Result(record, _own(exchange, item), failure) for record, item in zip(records, items, strict=True)
        ]
    if not batch.results:
        return [
            Result(record, _own(exchange, item), None) for record, item in zip(records, items, strict=True)
        ]
    found = paths.items(batch.results, document) or []
    told = _by_record(batch, records, found)
    failed = [item for item in found if _failed(batch, item)]
    if others_delivered and all(any(item is each for each in told.values()) for item in failed):
        told = {record.id: {} for record in records} | told
    scrubber = Scrubber(values_of(_said(records, items)) if failed else frozenset())
    return [
        _result(batch, record, item, exchange, told.get(record.id), scrubber)
        for record, item in zip(records, items, strict=True)
    ]


def _said(records: Sequence[ClaimedRecord], items: Sequence[Any]) -> list[Any]:
    """Return all that a batch said: what is told of one of its records may repeat any other."""
    return [*(plain_data(record.data) for record in records), *items]


def _by_record(batch: Batch, records: Sequence[ClaimedRecord], found: Sequence[Any]) -> dict[str, Any]:
    """Return what the answer says of each record: by its webhook-id where that is told, else in the order sent."""
    if not batch.result_id:
        return {record.id: item for record, item in zip(records, found, strict=False)}
    by_webhook_id = {record.webhook_id: record.id for record in records}
    named = ((paths.text_at(batch.result_id, item), item) for item in found)
    return {by_webhook_id[webhook_id]: item for webhook_id, item in named if webhook_id in by_webhook_id}


def _result(
    batch: Batch, record: ClaimedRecord, item: Any, exchange: Exchange, told: Any, scrubber: Scrubber
) -> Result:
    """Return what became of one record by what was `told` of it. `scrubber` knows the values of every record."""
    if told is None:
        said = "The answer to the batch says nothing of this record"
        failure = Failure(
            kind=UNEXPECTED.kind,
            blame=UNEXPECTED.blame,
            permanent=False,
            sentence=said,
            safe_sentence=said,
            next_action="Check `results` of the batch against what the endpoint answers.",
            sent=Sent.MAYBE,  # and without a status: the request was answered, this record was not
        )
        return Result(record, _own(exchange, item), failure)
    body = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
    own = replace(_own(exchange, item), response_body=body[:65_536], response_cut=len(body) > 65_536)
    if not _failed(batch, told):
        return Result(record, own, None)
    status, error = _status(batch, told), _error(batch, told)
    told_body = body
    if error and error is not True:
        told_body = json.dumps({"message": paths.one_line(error, _MOST_MESSAGE)}).encode()
    judged = replace(
        exchange, status=status if status and status >= 300 else _REFUSED, response_body=told_body
    )
    refusal = judge_response(judged, None, scrubber)
    assert refusal is not None
    return Result(record, own, replace(refusal, retry_after_s=None))


def _failed(batch: Batch, told: Any) -> bool:
    """Tell whether a result says that its record failed."""
    status = _status(batch, told)
    return bool(_error(batch, told)) or (status is not None and not 200 <= status < 300)


def _error(batch: Batch, told: Any) -> object:
    return paths.find(batch.result_error, told) if batch.result_error else None


def _status(batch: Batch, told: Any) -> int | None:
    text = paths.text_at(batch.result_status, told) if batch.result_status else ""
    return int(text) if text.isascii() and text.isdecimal() and 100 <= int(text) <= 599 else None


def _own(exchange: Exchange, item: Any) -> Exchange:
    """Return the exchange as one of its records keeps it: of what was sent, its own part."""
    body = json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return replace(exchange, request_body=body)


def _document(exchange: Exchange) -> Any:
    try:
        return json.loads(exchange.response_body)
    except (ValueError, RecursionError):
        return None
