"""Test configuration: one request to an environment's endpoint as its records take it, with the whole exchange for an answer.

No record is made of it, no attempt, and the log and the connection's health stay as they were. It leaves at the rate of the
environment, as its attempts do. A batch is tried with a batch of one, an app by its operation with a sample. An operation
leaves an object at its app, so in production an app is sent its heartbeat instead.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

from healthdesk.api.records import AttemptDetail
from healthdesk.api.samples import Probe, Probed
from healthdesk.connectors.checking import checked
from healthdesk.connectors.wire import turn
from healthdesk.domain.activity import Verb
from healthdesk.domain.delivery import PLAIN, Fix
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.domain.samples import SampleField, sample_data
from healthdesk.domain.states import AttemptOutcome, Environment, ErrorKind, IntegrationKind, Trigger
from healthdesk.domain.templating import Facts
from healthdesk.engine import attempt, batches
from healthdesk.engine.apps import connector_of
from healthdesk.engine.targets import Target
from healthdesk.errors import Conflict, Malformed, NotFound
from healthdesk.operations.bodies import clear_body, content_type_of
from healthdesk.operations.desk import Conn, Desk
from healthdesk.store import connections
from healthdesk.store import integrations as queries
from healthdesk.store import sources as source_queries
from healthdesk.store.rows import ClaimedRecord, ConnectionSecretRow, IntegrationRow, SourceRow

HEADER = "healthdesk-probe"
LONGEST_WAIT_S = 10.0
"""How long a probe waits for its place at the environment's rate; past that it is refused and says when."""

_BY_ITSELF = re.compile(r"^Nothing(?: now)?: it is (?:tried|sent) again(?: by itself)?\b\.?")
_OF_THE_RECORD = frozenset({ErrorKind.MISSING_FIELD, ErrorKind.FORMAT, ErrorKind.REFUSED})


async def probe(desk: Desk, integration_id: str, choice: Probe) -> Probed:
    """Send a probe, also while the environment is paused or its connection fails: that is when one asks.

    Raises NotFound for an environment that is not set up, Malformed where production is not confirmed by the
    integration's name, Conflict where its secrets cannot be read or its rate allows nothing for a while.
    """
    desk.require("integrations.test")
    row, source = await desk.read(_known, integration_id, choice.environment)
    if choice.environment is Environment.PRODUCTION and choice.confirm != row.name:
        raise Malformed(
            "a probe of production is confirmed by the integration's name",
            field="confirm",
            fix=f"give {row.name} to confirm, or test the testing environment",
        )
    await desk.engine.targets.refresh()
    target = desk.engine.targets.get(integration_id, choice.environment)
    if target is None or not desk.engine.targets.readable:
        raise Conflict(
            "its secrets cannot be read with the key of this daemon",
            fix="`healthdesk doctor` says which key is missing",
        )
    if source is None and _needs_data(target):
        raise Conflict(
            f"{row.name} is enabled for no source, and what is sent is made of the data of one",
            fix=f"`healthdesk sources enable SOURCE --integration {row.id}` enables one",
        )
    sent = _claimed(desk, row, target, source)
    exchange, failure = await _sent(desk, target, sent)
    status = exchange.status if exchange is not None else None
    detail = {"environment": choice.environment.value, "status": status}
    await desk.write(
        lambda conn: desk.note(conn, Verb.PROBED, "integration", integration_id, row.name, detail)
    )
    return _told(target, sent, exchange, failure)


async def _sent(desk: Desk, target: Target, sent: ClaimedRecord) -> tuple[Exchange | None, Failure | None]:
    """Send at the environment's rate. Raises Conflict where that would be a long wait."""
    pace = desk.engine.deliverer.pace(target)
    if pace is None:
        return await _by_its_way(desk, target, sent)
    if (wait_s := pace.question_in_s()) > LONGEST_WAIT_S:
        raise Conflict(
            f"the rate of this environment allows the next request in {math.ceil(wait_s)} s",
            fix="test it then, or raise the rate",
        )
    await pace.question()
    taken = turn.set(pace.turn)
    try:
        return await _by_its_way(desk, target, sent)
    finally:
        turn.reset(taken)


async def _by_its_way(
    desk: Desk, target: Target, sent: ClaimedRecord
) -> tuple[Exchange | None, Failure | None]:
    if _heartbeat_only(target):
        outcome = await checked(await connector_of(desk.ctx, await _connection(desk, target)))
        return replace(outcome.exchange, request_body=b""), outcome.failure
    if target.delivery.batch is not None:
        return await batches.send_alone(desk.ctx, target, target.delivery.batch, sent)
    return await attempt.send(desk.ctx, target, sent)


def _heartbeat_only(target: Target) -> bool:
    """Tell whether a test would leave something behind that nobody takes away again."""
    return target.proof.app is not None and target.environment is Environment.PRODUCTION


async def _connection(desk: Desk, target: Target) -> ConnectionSecretRow:
    return await desk.ctx.store.read(connections.get_secret, target.connection_id)


def _needs_data(target: Target) -> bool:
    """Tell whether nothing can be made for a target without the data of a source."""
    if target.proof.app is not None:
        return not _heartbeat_only(target)
    path = target.way.path
    in_path = () if path is None else path.named
    return bool(target.delivery.mapping) or any(part[0] in {"data", "source", "level"} for part in in_path)


def _known(
    conn: Conn, integration_id: str, environment: Environment
) -> tuple[IntegrationRow, SourceRow | None]:
    """Return the integration, and a source it is active for."""
    row = queries.get(conn, integration_id)
    if row.kind is not IntegrationKind.DELIVERY:
        raise Malformed(f"{row.name} delivers nothing: it has no environments")
    if environment not in {each.environment for each in row.environments}:
        raise NotFound(
            f"{row.name} has no environment {environment.value}",
            fix=f"`healthdesk integrations edit {row.id} --environment {environment.value} --connection …` makes one",
        )
    return row, source_queries.get(conn, row.sources[0]) if row.sources else None


def _claimed(desk: Desk, row: IntegrationRow, target: Target, source: SourceRow | None) -> ClaimedRecord:
    """Return what is sent: words that say it is a test, or a sample where the method makes something of the data."""
    now = desk.now()
    data: dict[str, object] = {
        "healthdesk": "test",
        "integration": row.name,
        "environment": target.environment.value,
        "sent_at": now.isoformat().replace("+00:00", "Z"),
    }
    level: str | None = None
    if source is not None and (target.way.needs_facts or target.delivery != PLAIN):
        fields = [SampleField(f["name"], f.get("type", "any"), f.get("example", "")) for f in source.fields]
        level = source.levels[0] if source.levels else None
        data = sample_data(source.key, level, source.levels, fields, now)
    webhook_id = desk.ctx.ids.new("rec", now)
    facts = Facts(webhook_id, webhook_id, source.key if source else "", level, now, sample=True)
    return ClaimedRecord(
        id=webhook_id,
        webhook_id=webhook_id,
        integration_id=target.integration_id,
        environment=target.environment,
        attempt_id=desk.ctx.ids.new("att", now),
        number=1,
        tries=1,
        trigger=Trigger.OPERATOR,
        triggered_by=desk.operator.user,
        data=json.dumps(data, ensure_ascii=False).encode(),
        content_type="application/json",
        sample=True,
        facts=facts,
        fix=Fix(headers={HEADER: "true"}),
    )


def _told(target: Target, sent: ClaimedRecord, exchange: Exchange | None, failure: Failure | None) -> Probed:
    app = target.proof.app
    name = "The endpoint" if app is None else app.client.app.name
    if failure is None:
        status = exchange.status if exchange is not None else ""
        sentence = f"{name} accepted the signed probe ({status})."
        if app is not None and _heartbeat_only(target):
            sentence = (
                f"{name} was reached and takes the credentials ({status}). Nothing was sent by “{app.operation.name}”, "
                "which would leave an object in production: its inputs and the mapping were not tried. "
                "Test them in the testing environment."
            )
        elif app is not None:
            sentence = (
                f"{name} took a sample by “{app.operation.name}” ({status}). What it made of it stays there."
            )
    elif failure.kind in _OF_THE_RECORD and not _heartbeat_only(target):
        sentence = (
            f"{name} was reached and takes the credentials; it refused this body ({failure.status}): "
            f"{failure.sentence}"
        )
    else:
        sentence = failure.sentence
    return Probed(
        ok=failure is None,
        sentence=sentence,
        blame=failure.blame.value if failure is not None else "",
        next_action=_next_action(failure),
        exchange=_exchange(sent, exchange, failure) if exchange is not None else None,
    )


def _next_action(failure: Failure | None) -> str:
    """Return what to do about a failed test, which nothing tries again by itself."""
    if failure is None:
        return ""
    return _BY_ITSELF.sub("Test it again.", failure.next_action)


def _exchange(sent: ClaimedRecord, exchange: Exchange, failure: Failure | None) -> AttemptDetail:
    return AttemptDetail(
        id=sent.attempt_id,
        record_id="",
        number=sent.number,
        trigger=sent.trigger,
        triggered_by=sent.triggered_by,
        outcome=AttemptOutcome.DELIVERED if failure is None else AttemptOutcome.REFUSED,
        started_at=exchange.started_at,
        duration_ms=exchange.duration_ms,
        status=exchange.status,
        error_kind=failure.kind.value if failure is not None else "",
        blame=failure.blame.value if failure is not None else "",
        error=failure.sentence if failure is not None else "",
        webhook_id=sent.webhook_id,
        method=exchange.method,
        url=exchange.url,
        request_headers=dict(exchange.request_headers),
        response_headers=dict(exchange.response_headers),
        response_cut=exchange.response_cut,
        request_body=clear_body(
            sent.data if exchange.request_body is None else exchange.request_body,
            content_type_of(exchange.request_headers),
        ),
        response_body=clear_body(
            exchange.response_body, content_type_of(exchange.response_headers), cut=exchange.response_cut
        ),
    )
