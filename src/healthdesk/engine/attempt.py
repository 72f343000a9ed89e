"""One attempt: sign, send, judge. No store and no shared state: a claim goes in, a settlement comes out."""

from __future__ import annotations

import logging
from dataclasses import replace

from healthdesk.connectors.outgoing import NotAuthorized
from healthdesk.connectors.session import Request
from healthdesk.domain.exchange import Exchange, Failure, Sent
from healthdesk.domain.health import REACHABILITY_KINDS
from healthdesk.domain.outcome import judge_response
from healthdesk.domain.states import AttemptOutcome, Blame, ErrorKind, RecordState
from healthdesk.domain.transitions import after_attempt
from healthdesk.engine.context import Context
from healthdesk.engine.lease import LeaseOver
from healthdesk.engine.making import Made, make, signed
from healthdesk.engine.proving import NO_PROOF, send_proven
from healthdesk.engine.refusals import refusal_in
from healthdesk.engine.targets import Target
from healthdesk.errors import MappingError
from healthdesk.store.rows import ClaimedRecord, Settlement

log = logging.getLogger(__name__)


def internal_failure(error: Exception, sent: Sent = Sent.MAYBE) -> Failure:
    """Return the failure of an attempt that a fault of healthdesk itself ended, with what is known of its request."""
    what = f"healthdesk failed while sending: {type(error).__name__}"
    return Failure(
        kind=ErrorKind.INTERNAL,
        blame=Blame.US,
        permanent=False,
        sentence=what,
        safe_sentence=what,
        next_action="Look into the daemon's log; this is a fault of healthdesk.",
        sent=sent,
    )


def unmade(error: Exception) -> Failure:
    """Return the failure of a record that nothing can be made of.

    A MappingError says what is wrong in its data or in the settings; anything else is a fault of healthdesk.
    """
    if not isinstance(error, MappingError):
        return internal_failure(error, Sent.NO)
    what = f"Nothing was sent: {error.what}"
    return Failure(
        kind=ErrorKind.CONFIGURATION,
        blame=Blame.CONFIGURATION,
        permanent=True,
        sentence=what,
        safe_sentence=what,
        next_action=f"{error.fix[:1].upper()}{error.fix[1:]}, then resend.",
        sent=Sent.NO,
        field=error.field,
    )


def untaken(error: NotAuthorized) -> tuple[Exchange | None, Failure]:
    """Return the attempt of a record that was not sent for want of a token: the exchange is that with who gives them."""
    if error.exchange is not None and error.exchange.request_body is None:
        error.exchange.request_body = b""
    return error.exchange, replace(error.failure, sent=Sent.NO)


async def send(
    ctx: Context, target: Target, claimed: ClaimedRecord
) -> tuple[Exchange | None, Failure | None]:
    """Send one claimed record and judge the answer. Raises LeaseOver where it must not leave any more, else only CancelledError."""
    try:
        made, request = _requested(ctx, target, claimed)
    except Exception as error:
        if not isinstance(error, MappingError):
            log.exception("nothing could be made of record %s for attempt %s", claimed.id, claimed.attempt_id)
        return None, unmade(error)
    try:
        if target.proof is NO_PROOF:
            exchange = await ctx.session.send(request)
        else:
            exchange = await send_proven(ctx, target.proof, request)
        if made.body is not claimed.data:
            exchange.request_body = made.body
        said = claimed.data if made.said is None else made.said
        if exchange.status is not None and 200 <= exchange.status < 300 and exchange.error is None:
            refused = target.delivery.refused
            return exchange, refusal_in(refused, exchange, said) if refused else None
        return exchange, judge_response(exchange, said)
    except NotAuthorized as error:
        return untaken(error)
    except LeaseOver:
        raise
    except Exception as error:  # a fault of ours must fail this record's attempt loudly, not kill the engine
        log.exception("attempt %s of record %s died", claimed.attempt_id, claimed.id)
        return None, internal_failure(error)


def _requested(ctx: Context, target: Target, claimed: ClaimedRecord) -> tuple[Made, Request]:
    if claimed.fix_id is not None and claimed.fix is None:
        raise MappingError("the fix of this record is gone", fix="fix it again, or take the fix away")
    made = make(target, claimed, claimed.facts, claimed.fix)
    return made, Request(
        method=made.method,
        url=made.url,
        headers=signed(target, made, int(ctx.clock.now().timestamp())),
        body=made.body,
        timeout_s=target.timeout_s,
        stored_body_bytes=ctx.config.delivery.stored_body_bytes,
        secret_headers=target.secret_headers,
        secrets=target.secrets,
    )


def settle(
    ctx: Context,
    target: Target,
    claimed: ClaimedRecord,
    exchange: Exchange | None,
    failure: Failure | None,
    *,
    offline: bool = False,
    status: int | None = None,
    alone_next: bool = False,
) -> Settlement:
    """Decide what the result means for the record.

    While the desk itself is `offline`, an endpoint that cannot be reached is nobody's problem yet: the record is tried
    again, and only one that is given up counts. Of a record in a batch `status` is what its own result says, None where it
    says none; being sent alone next (`alone_next`) costs it no try.
    """
    now = ctx.clock.now()
    delivery, receipt = ctx.config.delivery, target.delivery.receipt
    later = receipt is not None and exchange is not None and (status or exchange.status) in receipt.statuses
    step = after_attempt(
        failure,
        tries=claimed.tries,
        schedule=delivery.schedule,
        now=now,
        jitter_unit=ctx.jitter_unit(),
        on_unknown=target.on_unknown,
        jitter=delivery.jitter,
        asks=target.delivery.lookup is not None,
        confirmed_within_s=receipt.deadline_s if receipt is not None and later else None,
        alone_next=alone_next,
    )
    problem = None
    unjudged = offline and failure is not None and failure.kind in REACHABILITY_KINDS
    if failure is not None and not (unjudged and step.next_at is not None):
        problem = target.problem_of(failure)
    return Settlement(
        attempt_id=claimed.attempt_id,
        record_id=claimed.id,
        integration_id=claimed.integration_id,
        environment=claimed.environment,
        outcome=step.outcome,
        state=step.state,
        next_at=step.next_at,
        finished_at=now,
        exchange=exchange,
        failure=failure,
        problem=problem,
        tries=claimed.tries - alone_next,
    )


def give_back(ctx: Context, claimed: ClaimedRecord, sentence: str) -> Settlement:
    """Return the settlement of a claim that was never sent: the record is queued again as it was."""
    now = ctx.clock.now()
    failure = replace(
        internal_failure(RuntimeError()),
        kind=ErrorKind.INTERRUPTED,
        sentence=sentence,
        safe_sentence=sentence,
        next_action="Nothing: it is sent again by itself.",
        sent=Sent.NO,
    )
    return Settlement(
        attempt_id=claimed.attempt_id,
        record_id=claimed.id,
        integration_id=claimed.integration_id,
        environment=claimed.environment,
        outcome=AttemptOutcome.INTERRUPTED,
        state=RecordState.QUEUED,
        next_at=now,
        finished_at=now,
        exchange=None,
        failure=failure,
        problem=None,
        tries=max(0, claimed.tries - 1),
    )


def without_answer(settlement: Settlement, target: Target | None, error: Exception) -> Settlement:
    """Return the same result without the texts that came back, which the database does not take.

    What became of the record stays as decided; why is told in our own words.
    """
    failure, problem = settlement.failure, None
    if failure is not None:
        what = f"healthdesk could not store the answer: {type(error).__name__}"
        failure = replace(
            internal_failure(error),
            permanent=failure.permanent,
            sentence=what,
            safe_sentence=what,
            sent=failure.sent,
        )
    if failure is not None and target is not None and settlement.problem is not None:
        problem = target.problem_of(failure)
    return replace(settlement, exchange=None, failure=failure, problem=problem)
