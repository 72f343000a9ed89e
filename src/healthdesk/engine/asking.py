"""Asking an endpoint whether it has a record: the request of a lookup, and what its answer says."""

from __future__ import annotations

import json
import logging

from healthdesk.connectors.paths import holds
from healthdesk.connectors.session import Request
from healthdesk.connectors.wire import turn
from healthdesk.domain.bodies import JSON_TYPE
from healthdesk.domain.delivery import Lookup
from healthdesk.domain.exchange import Exchange
from healthdesk.domain.lookup import Answered, answered
from healthdesk.domain.states import Trigger
from healthdesk.domain.templating import MISSING, Facts, sendable, template, text_of
from healthdesk.engine.context import Context
from healthdesk.engine.making import content_of, headers_of, url_of
from healthdesk.engine.proving import send_proven
from healthdesk.engine.slots import Pace
from healthdesk.engine.targets import Target
from healthdesk.errors import MappingError
from healthdesk.store import facts as fact_queries
from healthdesk.store import records
from healthdesk.store.rows import ClaimedRecord, UndecidedRow

log = logging.getLogger(__name__)

LONGEST_S = 30.0
"""How long an answer is waited for, however long deliveries may take."""

READ_BYTES = 262_144


def longest_s(target: Target) -> float:
    """Return how long an answer of this endpoint is waited for, in seconds."""
    return min(target.timeout_s, LONGEST_S)


async def ask(
    ctx: Context, target: Target, lookup: Lookup, row: UndecidedRow, pace: Pace | None = None
) -> Answered:
    """Ask once whether the endpoint has a record, at the `pace` of its environment.

    Raises MappingError where the question cannot be made of it.
    """
    taken = turn.set(None if pace is None else pace.turn)
    try:
        request = await _request(ctx, target, lookup, row)
        exchange = await send_proven(ctx, target.proof, request)
        found = answered(exchange, holds=_holds(lookup, exchange))
    except MappingError:
        raise
    except Exception:  # a fault of ours leaves it open, and must not keep other records from being asked for
        log.exception("the endpoint could not be asked for record %s", row.id)
        found = Answered(None, "healthdesk failed while asking; its log says why")
    finally:
        turn.reset(taken)
    outcome = {True: "found", False: "not_found", None: "open"}[found.found]
    ctx.metrics.lookups.labels(outcome=outcome).inc()
    return found


async def _request(ctx: Context, target: Target, lookup: Lookup, row: UndecidedRow) -> Request:
    facts = Facts(row.id, row.webhook_id, row.source, row.level, row.completed_at, row.sample)
    path, _, query = lookup.path.partition("?")
    in_path, in_query, in_body = template(path), template(query), template(lookup.body)
    names_data = any(part[0] == "data" for each in (in_path, in_query, in_body) for part in each.named)
    record = await _data(ctx, target, row, facts) if names_data or target.way.needs_facts else {}
    headers = headers_of(target, facts, record) | {"webhook-id": row.webhook_id}
    body = b""
    if lookup.body:
        body = "".join(
            part if isinstance(part, str) else _in_json(value)
            for part, value in in_body.values(facts, record)
        ).encode()
        headers = {"content-type": JSON_TYPE, **headers}
    return Request(
        method=lookup.method,
        url=url_of(target.base_url, in_path, in_query, facts, record),
        headers=headers,
        body=body,
        timeout_s=longest_s(target),
        stored_body_bytes=READ_BYTES,
        secret_headers=target.secret_headers,
        secrets=target.secrets,
    )


async def _data(ctx: Context, target: Target, row: UndecidedRow, facts: Facts) -> object:
    """Return the record's data as templates name it: as it was posted, or fixed."""
    stored = await ctx.store.read(records.body, row.id)
    if stored is None:
        raise MappingError("its body was removed by retention", fix="ask the endpoint's owner")
    found = await ctx.store.read(fact_queries.of_records, [row.id])
    claimed = ClaimedRecord(
        id=row.id,
        webhook_id=row.webhook_id,
        integration_id=row.integration_id,
        environment=row.environment,
        attempt_id=row.attempt_id or "",
        number=row.attempts,
        tries=row.tries,
        trigger=Trigger.RETRY,
        triggered_by="",
        data=stored.data,
        content_type=stored.content_type,
        sample=row.sample,
    )
    fix = found[row.id].fix if row.id in found else None
    return content_of(target, claimed, facts, fix).record


def _in_json(value: object) -> str:
    """Return a value as it stands between the quotes of a text in JSON; a number reads the same without them."""
    if value is MISSING:
        return ""
    return json.dumps(sendable(text_of(value), "what the lookup names"), ensure_ascii=False)[1:-1]


def _holds(lookup: Lookup, exchange: Exchange) -> bool | None:
    """Return whether the answer's body has what is looked for; None where it cannot be read."""
    if not lookup.found:
        return True
    if exchange.response_cut:
        return None
    try:
        return holds(lookup.found, json.loads(exchange.response_body))
    except (ValueError, RecursionError):
        return None
