"""Look up now: an operator has the endpoint asked whether it has a record."""

from __future__ import annotations

from datetime import timedelta

from healthdesk.api.flow import LookedUp
from healthdesk.domain.activity import Verb
from healthdesk.domain.states import RecordState
from healthdesk.engine.targets import Target
from healthdesk.errors import Conflict, MappingError
from healthdesk.operations.desk import Conn, Desk
from healthdesk.store import look_ups, undecided

LONGEST_WAIT_S = 10.0
"""How long an operator waits for the place of a question at the environment's rate; past that it is asked without them."""


async def look_up(desk: Desk, record_id: str) -> LookedUp:
    """Ask the endpoint for a record, and let its answer have its effect.

    What it has is delivered, and not sent again where it is queued for that. What it does not have is sent again where
    nothing was known of it; one that failed stays.
    Where the endpoint's rate allows no question soon, the answer says when it is asked, and is in the timeline then.
    """
    desk.require("records.look_up")
    row = await desk.read(undecided.get, record_id)
    if row.attempts == 0:
        raise Conflict(
            "this record was not sent yet, so its endpoint cannot have it",
            fix="look it up after its first attempt",
        )
    if row.state is RecordState.SENDING:
        raise Conflict(
            "it is being sent right now", fix="wait for what becomes of it; look it up if no answer comes"
        )
    target = desk.engine.targets.get(row.integration_id, row.environment)
    if target is None or target.delivery.lookup is None:
        raise Conflict(
            f"{row.environment.value} of its integration says nothing of how the endpoint is asked",
            fix="declare a lookup in its delivery settings (docs/delivery.md)",
        )
    wait_s = desk.engine.outcomes.place_in_s(target)
    if wait_s > LONGEST_WAIT_S:
        return await _later(desk, target, record_id, wait_s)
    await desk.engine.outcomes.place(target)
    try:
        answer, decision = await desk.engine.outcomes.look_up(target, row, desk.operator.user)
    except MappingError as error:
        raise Conflict(f"the endpoint cannot be asked: {error.what}", fix=error.fix) from error
    detail = {"found": answer.found, "status": answer.status}
    await desk.write(lambda conn: desk.note(conn, Verb.LOOKED_UP, "record", record_id, detail=detail))
    sentence = decision.sentence if decision is not None else answer.sentence
    return LookedUp(found=answer.found, sentence=sentence, status=answer.status)


async def _later(desk: Desk, target: Target, record_id: str, wait_s: float) -> LookedUp:
    """Keep the look-up until its place comes, whatever stops meanwhile."""
    now = desk.now()
    at = now + timedelta(seconds=wait_s)
    rate = target.rate_per_s
    assert rate is not None, "without a rate nothing waits"
    allowed = f"{rate:g} requests a second" if rate >= 1 else f"one request in {1 / rate:g} s"
    told = (
        f"The rate of {target.environment.value} ({allowed}) allows no question before {at:%Y-%m-%d %H:%M:%S} UTC: "
        "the endpoint is asked then."
    )

    def keep(conn: Conn) -> None:
        if not look_ups.keep(conn, record_id, desk.operator.user, now, told):
            raise Conflict(
                "this record is to be looked up already, when the rate of its environment allows it",
                fix="its timeline says when, and has the answer then",
            )
        desk.note(conn, Verb.LOOKED_UP, "record", record_id, detail={"asked_at": at.isoformat()})

    await desk.write(keep)
    desk.engine.look_ups.wake()
    return LookedUp(found=None, sentence=f"{told} Its answer is in the record's timeline.", asked_at=at)
