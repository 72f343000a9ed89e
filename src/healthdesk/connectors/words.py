"""The words for what apps refuse: the domain's verdicts, said of what an app is asked rather than of records."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.domain import verdicts
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.domain.verdicts import Verdict

_VERDICTS: Mapping[ErrorKind, Verdict] = {
    verdict.kind: verdict
    for verdict in (
        verdicts.AUTHENTICATION,
        verdicts.PERMISSION,
        verdicts.MISSING_FIELD,
        verdicts.FORMAT,
        verdicts.REFUSED,
        verdicts.NOT_FOUND,
        verdicts.GONE,
        verdicts.TOO_LARGE,
        verdicts.REDIRECT,
        verdicts.RATE_LIMITED,
        verdicts.SERVER_ERROR,
        verdicts.UNEXPECTED,
    )
}
# The domain's words are for records that are delivered; these are for what an app is asked.
_WORDS: Mapping[ErrorKind, tuple[str, str]] = {
    ErrorKind.AUTHENTICATION: (
        "{app} refused the credential",
        "Update the credentials of the connection",
    ),
    ErrorKind.PERMISSION: (
        "The account lacks a permission at {app}",
        "Have the account permitted at {app}",
    ),
    ErrorKind.MISSING_FIELD: ("{app} asks for a field that is missing", "Fill the field, then try again"),
    ErrorKind.FORMAT: ("{app} refused the format of a value", "Correct the value, then try again"),
    ErrorKind.REFUSED: ("{app} refused the request", "Read what {app} says, correct it, then try again"),
    ErrorKind.NOT_FOUND: (
        "{app} does not know what was asked for",
        "Check the base URL and the settings, and that the account may see it",
    ),
    ErrorKind.GONE: ("What was asked for is gone from {app}", "Choose another, or remove it here"),
    ErrorKind.TOO_LARGE: ("{app} does not take as much as was sent", "Send less"),
    ErrorKind.REDIRECT: (
        "{app} redirects, and redirects are not followed",
        "Set the address it redirects to as base URL of the connection",
    ),
    ErrorKind.RATE_LIMITED: ("{app} asks to slow down", "Nothing now: it is tried again"),
    ErrorKind.SERVER_ERROR: (
        "{app} failed",
        "Nothing now: it is tried again. If it stays, see its status page",
    ),
    ErrorKind.RESPONSE_TOO_LARGE: (
        "{app} answered with more than is read",
        "Check that the base URL is the one of {app}",
    ),
    ErrorKind.UNEXPECTED_ANSWER: (
        "{app} gave an answer that is not expected",
        "Check that the base URL is the one of {app}",
    ),
}
# A heartbeat is always the same request: refused, it is not the request that is wrong but where it went.
NOT_THE_REQUEST = frozenset(
    {ErrorKind.REFUSED, ErrorKind.FORMAT, ErrorKind.TOO_LARGE, ErrorKind.MISSING_FIELD}
)
UNEXPECTED_HERE = Verdict(
    ErrorKind.UNEXPECTED_ANSWER,
    Blame.CONFIGURATION,
    False,
    "{app} refused the request that shows whether it is well",
    "Check the base URL and the settings of the connection",
)


def verdict_of(kind: ErrorKind) -> Verdict:
    """Return whose fault a kind is, and whether a retry can help."""
    return _VERDICTS.get(kind) or verdicts.verdict_for_transport(kind)


def words(verdict: Verdict, app: str) -> tuple[str, str]:
    """Return the sentence and the next action of a verdict, in the name of an app."""
    said, todo = verdict.safe, verdict.next_action
    if verdict is not UNEXPECTED_HERE:
        said, todo = _WORDS.get(verdict.kind, (said, todo))
    return named(said, app), named(todo, app)


def named(sentence: str, app: str) -> str:
    """Return a sentence about an endpoint with the name of the app."""
    sentence = sentence.replace("the endpoint's owner", "whoever runs {app}")
    for placeholder in ("{app}", "The endpoint", "the endpoint"):
        sentence = sentence.replace(placeholder, app)
    return sentence
