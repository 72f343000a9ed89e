"""Refusals with an answer of success: endpoints that say in the body of a 200 that they did not take a record."""

from __future__ import annotations

import json

from healthdesk.connectors.paths import find, holds, one_line
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.domain.outcome import judge_refusal

_MOST_SAID = 1000


def refusal_in(refused: str, exchange: Exchange, data: object | None) -> Failure | None:
    """Return the failure where `refused`, JMESPath over the body of a 2xx, finds something: a text is what was said.

    None for a body that is no JSON, or of which only the beginning was read: the status is all that is known then.
    """
    try:
        document = json.loads(exchange.response_body)
    except (ValueError, RecursionError):
        return None
    if not holds(refused, document):
        return None
    found = find(refused, document)
    return judge_refusal(exchange, data, one_line(found, _MOST_SAID) if isinstance(found, str) else "")
