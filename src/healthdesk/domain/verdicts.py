"""What each status and each transport error means: kind, whose fault, whether a retry can help, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from healthdesk.domain.states import Blame, ErrorKind


@dataclass(frozen=True, slots=True)
class Verdict:
    """`safe` is a sentence of our own words; `next_action` tells the operator what helps."""

    kind: ErrorKind
    blame: Blame
    permanent: bool
    safe: str
    next_action: str


AUTHENTICATION = Verdict(
    ErrorKind.AUTHENTICATION,
    Blame.CREDENTIAL,
    True,
    "The endpoint refused the credential",
    "Update the credentials of the connection, then resend what failed",
)
PERMISSION = Verdict(
    ErrorKind.PERMISSION,
    Blame.PERMISSION,
    True,
    "The credential lacks a permission at the endpoint",
    "Have the account permitted at the endpoint, then resend what failed",
)
MISSING_FIELD = Verdict(
    ErrorKind.MISSING_FIELD,
    Blame.CONFIGURATION,
    True,
    "The endpoint refused the record: a required field is missing",
    "Fill the field in the form or the mapping, or make it optional at the endpoint; then resend",
)
FORMAT = Verdict(
    ErrorKind.FORMAT,
    Blame.CONFIGURATION,
    True,
    "The endpoint refused the record: its format is wrong",
    "Fix the format in the form or the mapping, then resend",
)
REFUSED = Verdict(
    ErrorKind.REFUSED,
    Blame.CONFIGURATION,
    True,
    "The endpoint refused the record",
    "Read what the endpoint says, fix the mapping or have the endpoint fixed; then resend",
)
NOT_FOUND = Verdict(
    ErrorKind.NOT_FOUND,
    Blame.CONFIGURATION,
    True,
    "The endpoint does not know the address",
    "Correct the base URL or the path, then resend",
)
METHOD = Verdict(
    ErrorKind.REFUSED,
    Blame.CONFIGURATION,
    True,
    "The endpoint does not allow the method",
    "Correct the method or the path of the integration, then resend",
)
GONE = Verdict(
    ErrorKind.GONE,
    Blame.THEM,
    True,
    "The endpoint is gone for good",
    "Ask the endpoint's owner for the new address, or pause the integration",
)
TOO_LARGE = Verdict(
    ErrorKind.TOO_LARGE,
    Blame.CONFIGURATION,
    True,
    "The record is larger than the endpoint takes",
    "Send less, or have the limit raised at the endpoint; then resend",
)
REDIRECT = Verdict(
    ErrorKind.REDIRECT,
    Blame.CONFIGURATION,
    True,
    "The endpoint redirects, and redirects are not followed",
    "Set the address it redirects to (its Location header) as base URL, then resend",
)
RATE_LIMITED = Verdict(
    ErrorKind.RATE_LIMITED,
    Blame.THEM,
    False,
    "The endpoint asks to slow down",
    "Nothing now: it is tried again. If it stays, lower the rate of the integration",
)
SERVER_ERROR = Verdict(
    ErrorKind.SERVER_ERROR,
    Blame.THEM,
    False,
    "The endpoint failed",
    "Nothing now: it is tried again. If it stays, tell the endpoint's owner",
)
SLOW = Verdict(
    ErrorKind.TIMEOUT,
    Blame.THEM,
    False,
    "The endpoint gave up waiting for the request",
    "Nothing now: it is tried again. If it stays, tell the endpoint's owner",
)
UNEXPECTED = Verdict(
    ErrorKind.UNEXPECTED_ANSWER,
    Blame.THEM,
    False,
    "The endpoint gave an answer that is not expected",
    "Check that the address is the right one",
)

_BY_STATUS: Mapping[int, Verdict] = {
    401: AUTHENTICATION,
    403: PERMISSION,
    404: NOT_FOUND,
    405: METHOD,
    407: AUTHENTICATION,
    408: SLOW,
    410: GONE,
    413: TOO_LARGE,
    415: FORMAT,
    425: RATE_LIMITED,
    429: RATE_LIMITED,
}

_THEIRS = "Nothing now: it is tried again. If it stays, ask the endpoint's owner whether it is up"

_BY_TRANSPORT: Mapping[ErrorKind, Verdict] = {
    verdict.kind: verdict
    for verdict in (
        Verdict(ErrorKind.TIMEOUT, Blame.THEM, False, "The endpoint did not answer in time", _THEIRS),
        Verdict(ErrorKind.CONNECT_TIMEOUT, Blame.THEM, False, "The endpoint's host did not answer", _THEIRS),
        Verdict(
            ErrorKind.RESET,
            Blame.THEM,
            False,
            "The endpoint closed the connection without an answer",
            _THEIRS,
        ),
        Verdict(
            ErrorKind.CONNECTION_REFUSED,
            Blame.THEM,
            False,
            "The endpoint's host refused the connection",
            _THEIRS,
        ),
        Verdict(
            ErrorKind.DNS,
            Blame.CONFIGURATION,
            False,
            "The endpoint's host name cannot be resolved",
            "Check the host name in the base URL and the DNS of this host",
        ),
        Verdict(
            ErrorKind.TLS,
            Blame.THEM,
            False,
            "No trusted TLS connection to the endpoint was possible",
            "Have the certificate of the endpoint's host renewed or corrected",
        ),
        Verdict(
            ErrorKind.AUTHENTICATION,
            Blame.CREDENTIAL,
            True,
            "The endpoint refused the client certificate, or wants one",
            "Give the connection a client certificate that the endpoint accepts, then resend what failed",
        ),
        Verdict(
            ErrorKind.ADDRESS_BLOCKED,
            Blame.CONFIGURATION,
            True,
            "The endpoint's address is in a network that is not allowed",
            "Correct the base URL, or list the network in [security] allow_private_networks",
        ),
        Verdict(ErrorKind.PROTOCOL, Blame.THEM, False, "The endpoint's answer is not valid HTTP", _THEIRS),
        Verdict(
            ErrorKind.RESPONSE_TOO_LARGE,
            Blame.THEM,
            False,
            "The endpoint's answer is larger than what is taken",
            "Tell the endpoint's owner",
        ),
        Verdict(
            ErrorKind.CONFIGURATION,
            Blame.CONFIGURATION,
            True,
            "The request could not be made from the settings",
            "Correct the settings of the connection and the integration",
        ),
        Verdict(
            ErrorKind.INTERRUPTED,
            Blame.US,
            False,
            "The attempt was interrupted",
            "Nothing: it is tried again by itself",
        ),
    )
}

_INTERNAL = Verdict(
    ErrorKind.INTERNAL,
    Blame.US,
    False,
    "healthdesk failed while sending",
    "Look into the daemon's log: this is a fault of healthdesk",
)


def verdict_for_status(status: int) -> Verdict:
    """Return what a status other than 2xx means."""
    special = _BY_STATUS.get(status)
    if special is not None:
        return special
    if 300 <= status < 400:
        return REDIRECT
    if 400 <= status < 500:
        return REFUSED
    return SERVER_ERROR if 500 <= status < 600 else UNEXPECTED


def verdict_for_transport(kind: ErrorKind) -> Verdict:
    """Return what it means that no answer came."""
    return _BY_TRANSPORT.get(kind, _INTERNAL)


def phrase(status: int) -> str:
    """Return what HTTP calls the status, or nothing."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
