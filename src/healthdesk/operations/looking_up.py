"""Look up now: an operator has the endpoint asked whether it has a record."""

from __future__ import annotations

from healthdesk.api.flow import LookedUp
from healthdesk.domain.activity import Verb
from healthdesk.domain.states import RecordState
from healthdesk.errors import Conflict, MappingError
from healthdesk.operations.desk import Desk
from healthdesk.store import undecided

_NOT_NOW = {
    RecordState.SENDING: "It is being sent right now.",
    RecordState.QUEUED: "It is queued, and is sent in a moment.",
}


async def look_up(desk: Desk, record_id: str) -> LookedUp:
    """Ask the endpoint for a record, and let its answer have its effect.

    What it has is delivered. What it does not have is sent again where nothing was known of it; one that failed stays.
    """
    desk.require("records.look_up")
    row = await desk.read(undecided.get, record_id)
    if row.attempts == 0:
        raise Conflict("this record was not sent yet", fix="nothing can be known of it at the endpoint")
    if row.state in _NOT_NOW:
        raise Conflict(_NOT_NOW[row.state], fix="Wait for what becomes of it.")
    target = desk.engine.targets.get(row.integration_id, row.environment)
    if target is None or target.delivery.lookup is None:
        raise Conflict(
            f"{row.environment.value} of its integration says nothing of how the endpoint is asked",
            fix="declare a lookup in its delivery settings (docs/delivery.md)",
        )
    try:
        answer, decision = await desk.engine.outcomes.look_up(target, row, desk.operator.user)
    except MappingError as error:
        raise Conflict(f"the endpoint cannot be asked: {error.what}", fix=error.fix) from error
    detail = {"found": answer.found, "status": answer.status}
    await desk.write(lambda conn: desk.note(conn, Verb.LOOKED_UP, "record", record_id, detail=detail))
    words = {
        True: f"The endpoint has it: {answer.said}.",
        False: f"The endpoint does not have it: {answer.said}.",
        None: f"The endpoint left it open: {answer.said}.",
    }
    return LookedUp(
        found=answer.found,
        sentence=decision.sentence if decision is not None else words[answer.found],
        status=answer.status,
    )
