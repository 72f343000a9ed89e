"""What an answer says of each record of a batch: by its own result where there are such, else by the whole answer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from healthdesk.connectors import paths
from healthdesk.connectors.client import Reply
from healthdesk.domain.bodies import plain_data
from healthdesk.domain.delivery import Batch
from healthdesk.domain.exchange import Exchange, Failure, Sent
from healthdesk.domain.masking import mask_headers
from healthdesk.domain.outcome import judge_response
from healthdesk.domain.scrubbing import Scrubber
from healthdesk.domain.shared_answers import without_others, without_values
from healthdesk.domain.states import ErrorKind
from healthdesk.domain.undecided import Said
from healthdesk.domain.values import values_of
from healthdesk.domain.verdicts import UNEXPECTED
from healthdesk.engine import app_delivery
from healthdesk.engine.batch_making import part_of
from healthdesk.engine.refusals import refusal_in
from healthdesk.store.rows import ClaimedRecord

_OF_ITS_RECORDS = frozenset(
    {ErrorKind.REFUSED, ErrorKind.MISSING_FIELD, ErrorKind.FORMAT, ErrorKind.TOO_LARGE}
)
"""What one record can be refused for: in a batch that is refused whole nobody knows which."""
_REFUSED = 422
_MOST_MESSAGE = 500
_MOST_KEPT = 65_536
_NUMBER = re.compile("([1-5][0-9]{2})(?=$|[ :-])")
"""What a status starts with: `422 Unprocessable` is read, `error` and 0 are not."""
_NOT_NAMED: dict[str, object] = {}
"""What is told of a record where results name only those that failed, and not this one."""
ALONE_NEXT = "Nothing now: each record of the batch is sent alone next, to learn which one it was."


@dataclass(slots=True)
class Result:
    """What became of one record of a batch."""

    record: ClaimedRecord
    exchange: Exchange | None
    failure: Failure | None
    status: int | None = None
    """What the answer says of this record by itself; None where it says no status of it."""


async def by_app(
    app: app_delivery.AppWay,
    batch: Batch,
    records: Sequence[ClaimedRecord],
    items: Sequence[Any],
    reply: Reply,
) -> list[Result]:
    """Judge an app's answer: the whole of it by its manifest, then what it says of each record."""
    exchange = reply.exchange
    if reply.failure is None:
        others = app.operation.others == "delivered"
        return await judged(batch, records, items, exchange, reply.document, others_delivered=others)
    said = _said(records, items)
    failure = _shared(app_delivery.without_values(reply.failure, said), len(records))
    return await _alike(records, items, exchange, failure, said)


def _shared(failure: Failure, count: int) -> Failure:
    """Return the failure of a whole batch: what one record of it may be refused for is looked into one by one."""
    if count == 1 or failure.kind not in _OF_ITS_RECORDS:
        return failure
    return replace(failure, permanent=False, next_action=ALONE_NEXT)


async def judged(
    batch: Batch,
    records: Sequence[ClaimedRecord],
    items: Sequence[Any],
    exchange: Exchange,
    document: Any,
    *,
    others_delivered: bool = False,
    refused: str = "",
) -> list[Result]:
    """Return what became of each record. With `others_delivered` the results name only what failed.

    Without results `refused` is the JMESPath that tells whether an answer of success refuses them all.
    """
    status = exchange.status
    said = _said(records, items)
    accepted = status is not None and 200 <= status < 300 and exchange.error is None
    if not accepted:
        failure = judge_response(exchange, said)
        if failure is not None:
            failure = _shared(failure, len(records))
        return await _alike(records, items, exchange, failure, said)
    if not batch.results:
        failure = refusal_in(refused, exchange, said) if refused else None
        if failure is not None:
            failure = _shared(failure, len(records))
        return await _alike(records, items, exchange, failure, said)
    found = paths.items(batch.results, document) or []
    told = _by_record(batch, records, found)
    failed = [item for item in found if _verdict(batch, item) is not Said.DELIVERED]
    if others_delivered and all(any(item is each for each in told.values()) for item in failed):
        told = {record.id: _NOT_NAMED for record in records} | told
    several = len(records) > 1
    scrubber = Scrubber(values_of(said) if failed or several else frozenset())
    if several:
        exchange = await asyncio.to_thread(
            _to_all, exchange, scrubber, body=any(record.id not in told for record in records)
        )
    results: list[Result] = []
    for record, item in zip(records, items, strict=True):
        results.append(_result(batch, record, item, exchange, told.get(record.id), scrubber, several=several))
        if several:
            await asyncio.sleep(0)  # each is looked through for the values of all: others get their turn
    return results


async def _alike(
    records: Sequence[ClaimedRecord],
    items: Sequence[Any],
    exchange: Exchange,
    failure: Failure | None,
    said: Sequence[Any],
) -> list[Result]:
    """Return the same result for each record: what is kept with it of an answer to several tells nothing of the others."""
    if len(records) > 1:
        exchange = await asyncio.to_thread(_to_all, exchange, Scrubber(values_of(said)))
    return [
        Result(record, _own(exchange, item), failure) for record, item in zip(records, items, strict=True)
    ]


def _to_all(exchange: Exchange, scrubber: Scrubber, *, body: bool = True) -> Exchange:
    """Return an exchange as each of several records may keep it; without its body where none keeps that."""
    kept = without_values(exchange.response_body, scrubber) if body else b""
    return replace(
        exchange,
        response_headers=mask_headers(exchange.response_headers, scrubber),
        response_body=kept[:_MOST_KEPT],
        response_cut=exchange.response_cut or len(kept) > _MOST_KEPT,
    )


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
    batch: Batch,
    record: ClaimedRecord,
    item: Any,
    exchange: Exchange,
    told: Any,
    scrubber: Scrubber,
    *,
    several: bool,
) -> Result:
    """Return what became of one record by what was `told` of it. `scrubber` knows the values of every record."""
    if told is None:
        # and without a status: the request was answered, this record was not
        failure = _untold("The answer to the batch says nothing of this record", "results")
        return Result(record, _own(exchange, item), failure)
    body = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
    kept = body
    status = _status(batch, told)
    if several:
        shown = without_others(told, [plain_data(record.data), item, record.webhook_id], scrubber)
        kept = json.dumps(shown, ensure_ascii=False).encode("utf-8", "replace")
    own = replace(
        _own(exchange, item),
        status=status or exchange.status,
        response_body=kept[:_MOST_KEPT],
        response_cut=len(kept) > _MOST_KEPT,
    )
    verdict = Said.DELIVERED if told is _NOT_NAMED else _verdict(batch, told)
    if verdict is None:
        what = "What the answer to the batch says of this record has no status that can be read"
        return Result(record, own, _untold(what, "result_status"))
    if verdict is Said.DELIVERED:
        return Result(record, own, None, status)
    error = _error(batch, told)
    told_body = body
    if error and error is not True:
        told_body = json.dumps({"message": paths.one_line(error, _MOST_MESSAGE)}).encode()
    answer = replace(
        exchange, status=status if status and status >= 300 else _REFUSED, response_body=told_body
    )
    refusal = judge_response(answer, None, scrubber)
    assert refusal is not None
    return Result(record, own, replace(refusal, retry_after_s=None))


def _untold(what: str, setting: str) -> Failure:
    """Return the failure of a record of which an answer of success does not say that it was taken."""
    return Failure(
        kind=UNEXPECTED.kind,
        blame=UNEXPECTED.blame,
        permanent=False,
        sentence=what,
        safe_sentence=what,
        next_action=f"Check `{setting}` of the batch against what the endpoint answers.",
        sent=Sent.MAYBE,
    )


def _verdict(batch: Batch, told: Any) -> Said | None:
    """Return what a result says of its record: an error, or a status, of which only a readable one says anything."""
    if _error(batch, told):
        return Said.FAILED
    if not batch.result_status:
        return Said.DELIVERED
    status = _status(batch, told)
    if status is None:
        return None
    return Said.DELIVERED if 200 <= status < 300 else Said.FAILED


def _error(batch: Batch, told: Any) -> object:
    return paths.find(batch.result_error, told) if batch.result_error else None


def _status(batch: Batch, told: Any) -> int | None:
    found = _NUMBER.match(paths.text_at(batch.result_status, told)) if batch.result_status else None
    return int(found[1]) if found else None


def _own(exchange: Exchange, item: Any) -> Exchange:
    """Return the exchange as one of its records keeps it: of what was sent, its own part, unless it was no record."""
    return replace(exchange, request_body=part_of(item)) if exchange.request_body is None else exchange


def document_of(exchange: Exchange) -> Any:
    """Return the body of an answer as JSON, None where it is none."""
    try:
        return json.loads(exchange.response_body)
    except (ValueError, RecursionError):
        return None
