"""Why no request could be authorized, as typed failures."""

from __future__ import annotations

from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.states import Blame, ErrorKind


def misconfigured(sentence: str) -> Failure:
    """Return the failure of a request that the connection's settings do not let us authorize."""
    safe = "The request could not be authorized with the settings of the connection"
    return Failure(
        kind=ErrorKind.CONFIGURATION,
        blame=Blame.CONFIGURATION,
        permanent=True,
        sentence=f"The request could not be authorized: {sentence}",
        safe_sentence=safe,
        next_action="Correct the settings or the credentials of the connection",
        sent=Sent.NO,
    )
