"""What is likely wrong with a record that an endpoint did not take: a guess, with a sentence and the next step.

The verdict on an attempt says what happened and whether a retry helps; this says where an operator looks first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from healthdesk.domain.states import ErrorKind


class Cause(StrEnum):
    """The common causes of a failed record."""

    CREDENTIAL = "credential"
    MISSING_FIELD = "missing_field"
    ENDPOINT = "endpoint"
    FORMAT = "format"
    DOWNSTREAM = "downstream"


@dataclass(frozen=True, slots=True)
class Likely:
    """A cause in words. `field` is named where the answer names it; `key` is the TUI key that helps."""

    cause: Cause
    sentence: str
    next_action: str
    field: str = ""
    key: str = ""


_CREDENTIAL = frozenset({ErrorKind.AUTHENTICATION, ErrorKind.PERMISSION})
_FORMAT = frozenset({ErrorKind.FORMAT, ErrorKind.TOO_LARGE, ErrorKind.REFUSED})
_UNKNOWN_TO_US = frozenset({ErrorKind.INTERNAL, ErrorKind.INTERRUPTED})

_ENDPOINT: Mapping[str, tuple[str, str]] = {
    ErrorKind.NOT_FOUND: ("The endpoint does not know this address", "Correct the base URL or the path"),
    ErrorKind.GONE: ("The endpoint is gone for good", "Ask its owner for the new address"),
    ErrorKind.REDIRECT: (
        "The endpoint has moved: it redirects, and redirects are not followed",
        "Set the address in its Location header",
    ),
    ErrorKind.DNS: ("The host name of the endpoint is not known", "Check the host name in the base URL"),
    ErrorKind.TLS: (
        "The endpoint's certificate is not trusted",
        "Have the certificate renewed or corrected by its owner",
    ),
    ErrorKind.ADDRESS_BLOCKED: (
        "The endpoint is in a network that this desk may not reach",
        "Correct the base URL, or list the network in [security] allow_private_networks",
    ),
    ErrorKind.CONNECTION_REFUSED: (
        "Nothing listens at the endpoint's address",
        "Ask its owner whether it is up, and check host and port",
    ),
    ErrorKind.CONNECT_TIMEOUT: (
        "The endpoint's host does not answer",
        "Ask its owner whether it is up, and whether a firewall lets this desk through",
    ),
    ErrorKind.CONFIGURATION: (
        "The request cannot be made from the integration's settings",
        "Correct its path, headers or mapping",
    ),
}
_WRONG_METHOD = ("The endpoint does not allow this method at this path", "Correct the method or the path")
_DOWNSTREAM: Mapping[str, str] = {
    ErrorKind.RATE_LIMITED: "The endpoint asks to slow down",
    ErrorKind.TIMEOUT: "The endpoint took the request and did not answer in time",
    ErrorKind.RESET: "The endpoint closed the connection without an answer",
    ErrorKind.PROTOCOL: "What answered does not speak valid HTTP",
    ErrorKind.RESPONSE_TOO_LARGE: "The endpoint answers more than is taken",
    ErrorKind.UNEXPECTED_ANSWER: "The endpoint gave an answer that nobody expects of it",
}

_BEHIND_IT = frozenset({502, 503, 504})
_CONFLICTS = frozenset({409, 423, 424, 429})
_EXPIRED = re.compile(
    r"(?<![a-z])expired?(?:token)?(?:exception)?\b|\bno longer valid\b|\bexpiry\b", re.IGNORECASE
)
# what OAuth (RFC 6749, 6750), Salesforce, AWS and Google call it
_CREDENTIAL_CODES = re.compile(
    r"(?<![a-z])(?:invalid_(?:grant|client|token)|(?:expired_token|token_expired)|invalid_session_id|session_expired|invalid_auth"
    r"|api_key_invalid|InvalidAuthenticationToken|invalid_api_key|ExpiredToken(?:Exception)?|UnrecognizedClientException|InvalidSignatureException"
    r"|InvalidClientTokenId|InvalidAccessKeyId|not_authed|token_revoked|unauthenticated)(?![a-z])",
    re.IGNORECASE,
)
_CREDENTIAL_HEADER = re.compile(
    r"authori[sz]ation|api[-_]?key|token|(?:^|[-_])auth(?:$|[-_])|^auth", re.IGNORECASE
)
_OF_CREDENTIALS = re.compile(
    r"\b(?:access[ _-]?token|auth(?:entication|orization)?[ _-]?token|bearer|api[ _-]?key|credentials?|client[ _-]?secret"
    r"|refresh[ _-]?token|security[ _-]?token|(?:json web|jwt|oauth|id)[ _-]?token|unauthori[sz]ed|not authori[sz]ed|invalid[_ ]token"
    r"|(?:expired|revoked) token|(?<!csrf )(?<!xsrf )token (?:has |is |was )?(?:been )?(?:expired|revoked|no longer valid)|jwt|signature"
    r"|session (?:has |is )?expired|expired session|not (?:a )?valid session|auth(?:entication|orization) (?:is )?(?:required|missing))\b",
    re.IGNORECASE,
)
_REFUSES = re.compile(
    r"\b(?:expired?|invalid|revoked|missing|required|refused|denied|wrong|bad|malformed|unauthori[sz]ed|not (?:valid|authori[sz]ed)"
    r"|no longer valid)\b",
    re.IGNORECASE,
)


def likely_cause(
    *,
    kind: str,
    status: int | None,
    message: str = "",
    field: str = "",
    missing: bool = False,
    unknown: bool = False,
    keys: Sequence[str] | None = None,
    connection: str = "",
    others: Sequence[str] = (),
    header: str = "",
    code: str = "",
) -> Likely | None:
    """Return what is likely wrong, or None where the desk itself failed or nothing failed.

    `message` is what the endpoint said (it is only looked into, never quoted), `field` the field it names and `missing`
    whether it misses it, `unknown` whether it has none of that name, `others` more fields that it misses, `header` a header
    that it misses and `code` what it calls the error; `keys` are the fields that were sent, None where those are not known.
    """
    if not kind or kind in _UNKNOWN_TO_US:
        return None
    answered = f" ({status})" if status is not None else ""
    if header and kind in _FORMAT | {ErrorKind.MISSING_FIELD}:
        return _missing_header(header, answered, connection)
    of_credentials = status == 400 and not field and _is_of_credentials(message, code)
    if kind in _CREDENTIAL or of_credentials:
        return _credential(kind, answered, f"{code} {message}", connection)
    if kind == ErrorKind.MISSING_FIELD or (missing and field and status is not None and status >= 400):
        failed = status is not None and status >= 500
        if field and others:
            return _missing_fields(answered, (field, *others), keys, failed=failed)
        return _missing_field(answered, field, keys, failed=failed)
    if kind == ErrorKind.REFUSED and status == 405:
        return _endpoint(*_WRONG_METHOD, answered)
    if kind in _ENDPOINT:
        return _endpoint(*_ENDPOINT[kind], answered)
    if kind == ErrorKind.REFUSED and status in _CONFLICTS:
        return Likely(
            Cause.DOWNSTREAM,
            f"The endpoint is in a state in which it does not take this record{answered}.",
            "Have its owner look at the record there, then resend.",
            key="s",
        )
    if unknown and field and status is not None and 400 <= status < 500:
        return Likely(
            Cause.FORMAT,
            f"The endpoint has no field {field}{answered}.",
            f"Rename or remove {field} in the mapping, or have the field made there; then resend.",
            field,
            "f",
        )
    if kind in _FORMAT:
        return _format(kind, answered, field)
    return _downstream(kind, status, answered)


def _is_of_credentials(message: str, code: str) -> bool:
    if _CREDENTIAL_CODES.search(f"{code} {message}"):
        return True
    return bool(_OF_CREDENTIALS.search(message) and _REFUSES.search(message))


def _missing_header(header: str, answered: str, connection: str) -> Likely:
    if _CREDENTIAL_HEADER.search(header):
        whose = f" of {connection}" if connection else ""
        return Likely(
            Cause.CREDENTIAL,
            f"The endpoint finds no credential{whose} in the request: it requires the header {header}{answered}.",
            "Set how the connection authenticates, and its credentials; then resend.",
            key="u",
        )
    return Likely(
        Cause.MISSING_FIELD,
        f"The endpoint requires the header {header} of the request{answered}.",
        f"Add {header} to the headers of the integration, or to those of a fix; then resend.",
        key="f",
    )


def _credential(kind: str, answered: str, message: str, connection: str) -> Likely:
    whose = f" of {connection}" if connection else ""
    if kind == ErrorKind.PERMISSION:
        return Likely(
            Cause.CREDENTIAL,
            f"The endpoint knows the credential{whose}, and it may not do this{answered}.",
            "Have its account permitted at the endpoint, or update the credentials; then resend.",
            key="u",
        )
    if kind == ErrorKind.AUTHENTICATION and not answered:
        return Likely(
            Cause.CREDENTIAL,
            f"The endpoint did not accept the credential{whose}, before any answer.",
            "Update the credentials of the connection, then resend what failed.",
            key="u",
        )
    what = "has expired" if _EXPIRED.search(message) else "has expired, was revoked or is wrong"
    return Likely(
        Cause.CREDENTIAL,
        f"The endpoint refuses the credential{whose}{answered}: the token {what}.",
        "Update the credentials of the connection, then resend what failed.",
        key="u",
    )


def _missing_field(answered: str, field: str, keys: Sequence[str] | None, *, failed: bool) -> Likely:
    if not field:
        return Likely(
            Cause.MISSING_FIELD,
            f"The endpoint misses a required field{answered}, and does not say which.",
            "Compare what was sent with what the endpoint requires, then fix and resend.",
            key="f",
        )
    verb = "fails without" if failed else "requires"
    sentence = f"The endpoint {verb} the field {field}{answered}"
    name = field.rsplit(".", 1)[-1]
    if keys is not None and field in keys:
        sentence += ": it was sent, but empty or not in the form it wants"
        action = f"Set a value for {field}, then resend."
    elif keys is not None and field.partition(".")[0] in keys:
        # within something that was sent: nobody looks whether it is there
        action = f"Set a value for {field}, then resend."
    elif keys is not None and (near := _near(name, keys)):
        sentence += f": it was sent as {near}"
        action = f"Rename {near} to {field} in the mapping, then resend."
    else:
        sentence += ": it was not sent" if keys is not None else ""
        action = f"Set {field}, or a default for it, or have the form ask for it; then resend."
    return Likely(Cause.MISSING_FIELD, sentence + ".", action, field, "f")


def _missing_fields(
    answered: str, fields: Sequence[str], keys: Sequence[str] | None, *, failed: bool
) -> Likely:
    named = f"{', '.join(fields[:-1])} and {fields[-1]}"
    verb = "fails without" if failed else "requires"
    sentence = f"The endpoint {verb} the fields {named}{answered}"
    sent = set(keys or ())
    if keys is not None and not any(
        each in sent or each.partition(".")[0] in sent or _near(each.rpartition(".")[2], keys)
        for each in fields
    ):
        sentence += ": they were not sent"
    action = "Set them, or defaults for them, or have the form ask for them; then resend."
    return Likely(Cause.MISSING_FIELD, sentence + ".", action, fields[0], "f")


def _near(name: str, keys: Sequence[str]) -> str:
    """Return the key that is likely meant: the same name in another spelling."""
    spelled = {_bare(key): key for key in keys}
    if _bare(name) in spelled:
        return spelled[_bare(name)]
    found = get_close_matches(_bare(name), list(spelled), n=1, cutoff=0.85)
    return spelled[found[0]] if found else ""


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _endpoint(what: str, action: str, answered: str) -> Likely:
    return Likely(Cause.ENDPOINT, f"{what}{answered}.", f"{action}; then resend.", key="e")


def _format(kind: str, answered: str, field: str) -> Likely:
    if kind == ErrorKind.TOO_LARGE:
        return Likely(
            Cause.FORMAT,
            f"The record is larger than the endpoint takes{answered}.",
            "Send less of it (remove what it does not need in the mapping), then resend.",
            key="f",
        )
    of_field = f" of the field {field}" if field else ""
    what = f"The endpoint does not accept the format{of_field}{answered}"
    if kind == ErrorKind.REFUSED:
        what = f"The endpoint does not accept the value{of_field or 's'} of this record{answered}"
        what = f"The endpoint does not accept the value of the field {field}{answered}" if field else what
    action = (
        f"Format {field} in the mapping"
        if field
        else "Compare it with one that went through; fix the mapping"
    )
    return Likely(Cause.FORMAT, f"{what}.", f"{action}, then resend.", field, "f")


def _downstream(kind: str, status: int | None, answered: str) -> Likely:
    what = _DOWNSTREAM.get(kind, "")
    if status in _BEHIND_IT:
        what = "The endpoint cannot reach a system behind it, or is overloaded"
    what = what or "The endpoint failed over this record"
    action = (
        "Lower the rate of the integration if it stays."
        if kind == ErrorKind.RATE_LIMITED
        else "Tell its owner, with the time and the webhook-id of the attempt; resend once it is mended."
    )
    return Likely(Cause.DOWNSTREAM, f"{what}{answered}.", action, key="s")
