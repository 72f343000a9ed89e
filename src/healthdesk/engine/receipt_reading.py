"""What a receipt tells, by the settings of its environment."""

from __future__ import annotations

import json

from healthdesk.connectors.paths import find
from healthdesk.domain.delivery import Receipt
from healthdesk.domain.receipts import Told, told

NO_RECEIPTS = Told(why="Its integration takes no receipts any more.")


def read_receipt(settings: Receipt | None, body: bytes) -> Told:
    """Return what a receipt tells by the settings of its environment."""
    if settings is None:
        return NO_RECEIPTS
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return Told(why="Its body is no JSON.")
    status = find(settings.status, document) if settings.status else None
    error = find(settings.error, document) if settings.error else None
    return told(settings, find(settings.id, document), status, error)
