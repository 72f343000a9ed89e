"""What keeps a task and its issue apart, in plain words: creations in doubt, issues that are gone, statuses not taken."""

from __future__ import annotations

from dataclasses import replace

from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.states import Blame, ErrorKind

_IN_DOUBT = frozenset(
    {
        ErrorKind.UNEXPECTED_ANSWER,
        ErrorKind.RESPONSE_TOO_LARGE,
        ErrorKind.SERVER_ERROR,
        ErrorKind.TIMEOUT,
        ErrorKind.RESET,
        ErrorKind.PROTOCOL,
    }
)
_REQUEST_TIMEOUT = 408
_SERVER_ERRORS = 500


def may_have_created(failure: Failure) -> bool:
    """Tell whether a creation that failed so may have made an issue: its answer is missing, broken or none of the app's.

    A refusal (4xx, an error in a GraphQL answer) made none, and neither did a request that did not leave.
    """
    if failure.sent is Sent.NO:
        return False
    status = failure.status
    if status is None or status >= _SERVER_ERRORS or status == _REQUEST_TIMEOUT:
        return True
    return status < 300 and failure.kind in _IN_DOUBT


def issue_is_gone(failure: Failure) -> bool:
    """Tell whether an app says that it knows no such issue, or shows none to this account."""
    return failure.kind in (ErrorKind.NOT_FOUND, ErrorKind.GONE)


def in_doubt(failure: Failure, app: str, noun: str) -> Failure:
    """Return what is said of a creation whose answer was lost."""
    said = f"It is not known whether {app} created the {noun}"
    return replace(
        failure,
        permanent=False,
        sentence=f"{said}: {failure.sentence}",
        safe_sentence=f"{said}: {failure.safe_sentence}",
        next_action=f"Nothing now: it is looked up in {app} before anything is created again",
    )


def not_there_yet(app: str, noun: str) -> Failure:
    """Return what is said while the issue of a creation in doubt was not found, and may still turn up."""
    said = f"{app} does not list the {noun} whose creation it did not confirm"
    return _failure(
        ErrorKind.NOT_FOUND,
        Blame.THEM,
        said,
        "Nothing now: it is looked up once more, as new ones may be listed late, and created then if it is not there",
        permanent=False,
    )


def not_looked_up(failure: Failure, app: str, noun: str) -> Failure:
    """Return what is said of a creation in doubt that could not be looked up."""
    said = f"Whether {app} created the {noun} could not be looked up"
    return replace(
        failure,
        sentence=f"{said}: {failure.sentence}",
        safe_sentence=f"{said}: {failure.safe_sentence}",
    )


def several(app: str, noun: str, number: int) -> Failure:
    """Return what is said where a creation in doubt may have made one of several issues."""
    return _failure(
        ErrorKind.CONFIGURATION,
        Blame.CONFIGURATION,
        f"{number} {noun}s in {app} have the title of this task, and any may be the one that was created for it",
        f"Attach the right one; if it is none of them, unlink the task and create a new {noun}",
    )


def too_many(app: str, noun: str) -> Failure:
    """Return what is said where a creation is in doubt and the app has more issues than could be looked through."""
    return _failure(
        ErrorKind.CONFIGURATION,
        Blame.CONFIGURATION,
        f"{app} did not answer whether it created the {noun}, and has more than could be looked through for it",
        f"Look for it in {app} and attach it; where it is not there, create it there and attach that",
    )


def taken(app: str, noun: str, called: str) -> Failure:
    """Return what is said of an issue that was found for a creation and belongs to another task by now."""
    return _failure(
        ErrorKind.CONFIGURATION,
        Blame.CONFIGURATION,
        f"The {noun} {called} of {app} is linked with another task",
        f"Unlink it there, or sync again to have another {noun} created",
        permanent=False,
    )


def deleted(failure: Failure, app: str, noun: str, called: str) -> Failure:
    """Return what is said of an issue that is gone while the account may work where it was."""
    said = f"The {noun} {called} was deleted in {app}, or moved to where this account does not see it"
    return replace(
        failure,
        blame=Blame.CONFIGURATION,
        permanent=True,
        sentence=said,
        safe_sentence=f"The {noun} of a task was deleted in {app}, or is hidden from the account",
        message=f"{noun} deleted, or hidden from the account",
        next_action=f"Create a new {noun}, attach an existing one, or unlink the task",
    )


def hidden(failure: Failure, probed: Failure, app: str, noun: str, called: str) -> Failure:
    """Return what is said of an issue that is not shown, where the account does not see its place either."""
    said = f"{app} no longer shows this account {called}, nor the place where it is"
    return replace(
        probed,
        kind=ErrorKind.PERMISSION,
        blame=Blame.PERMISSION,
        permanent=True,
        sentence=f"{said}: {probed.sentence}",
        safe_sentence=f"{app} no longer shows the account the {noun} of a task, nor the place where it is",
        next_action=f"Give the account access again, then sync now; the {noun} is likely still there",
        status=probed.status if probed.status is not None else failure.status,
    )


def status_left(app: str, noun: str, called: str, wanted: str, left: str) -> Failure:
    """Return what is said of an app that took a change of status and left the status as it was."""
    return _failure(
        ErrorKind.REFUSED,
        Blame.CONFIGURATION,
        f"{app} took the change of {called} to {wanted} and left it {left or 'as it was'}",
        f"See in {app} what the {noun} lacks for that status, or correct the status mapping of the integration; then sync now",
    )


def no_status(app: str, wanted: str) -> Failure:
    """Return what is said where no status of theirs is known for one of ours."""
    return _failure(
        ErrorKind.CONFIGURATION,
        Blame.CONFIGURATION,
        f"{app} has no status that is known to mean {wanted}",
        "Choose one in the status mapping of the integration",
        sent=Sent.NO,
    )


def _failure(
    kind: ErrorKind,
    blame: Blame,
    sentence: str,
    next_action: str,
    *,
    permanent: bool = True,
    sent: Sent = Sent.YES,
) -> Failure:
    return Failure(
        kind=kind,
        blame=blame,
        permanent=permanent,
        sentence=sentence,
        safe_sentence=sentence,
        next_action=next_action,
        sent=sent,
    )
