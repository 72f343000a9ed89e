"""What a receipt tells: which record it is of, and whether the endpoint processed it."""

from __future__ import annotations

from dataclasses import dataclass

from healthdesk.domain.delivery import Receipt
from healthdesk.domain.undecided import Said
from healthdesk.domain.values import plain

_LONGEST_ID = 200
_LONGEST_MESSAGE = 1000
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Told:
    """A receipt as it is understood; `why` says what of it could not be. `message` is the endpoint's, not scrubbed."""

    webhook_id: str = ""
    said: Said | None = None
    message: str = ""
    why: str = ""


def told(settings: Receipt, found_id: object, found_status: object, found_error: object) -> Told:
    """Return what a receipt tells by what the expressions of its settings find in it.

    A status that is neither a word of success nor one of failure tells nothing: a record must not be taken for
    delivered by accident.
    """
    webhook_id = _word(found_id)
    if not webhook_id:
        return Told(why="It names no record: nothing is where `id` of the integration's receipts looks.")
    if len(webhook_id) > _LONGEST_ID:
        return Told(why="The id it names is too long to be that of a record.")
    if not settings.status:
        return Told(webhook_id, Said.DELIVERED)
    status = _word(found_status).lower()
    if status in {word.lower() for word in settings.delivered}:
        return Told(webhook_id, Said.DELIVERED)
    if status in {word.lower() for word in settings.failed}:
        return Told(webhook_id, Said.FAILED, message=_word(found_error)[:_LONGEST_MESSAGE])
    if not status:
        return Told(webhook_id, why="It has no status where `status` of the integration's receipts looks.")
    return Told(
        webhook_id, why=f"Its status {_shown(status)} is neither a word of success nor one of failure."
    )


def _word(found: object) -> str:
    """Return what an expression found as one line; what is neither text, number nor boolean says nothing."""
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, str | int | float):
        return plain(str(found))
    return ""


def _shown(status: str) -> str:
    return f"“{status}”" if len(status) <= _SHOWN else f"“{status[:_SHOWN]}…”"
