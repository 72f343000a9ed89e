"""Why no request could be authorized, as typed failures: what a token endpoint's refusal means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from healthdesk.domain.exchange import Exchange, Failure, Sent
from healthdesk.domain.outcome import capped, judge_check
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.domain.values import plain

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_AADSTS = re.compile(r"\bAADSTS[0-9]{3,8}\b")


@dataclass(frozen=True, slots=True)
class _Meaning:
    kind: ErrorKind
    blame: Blame
    permanent: bool
    what: str
    fix: str


def _credential(what: str, fix: str) -> _Meaning:
    return _Meaning(ErrorKind.AUTHENTICATION, Blame.CREDENTIAL, True, what, fix)


def _busy(what: str) -> _Meaning:
    fix = "Nothing now: it is tried again. If it stays, ask the app's owner whether it is up"
    return _Meaning(ErrorKind.SERVER_ERROR, Blame.THEM, False, what, fix)


_SLOWER = _Meaning(
    ErrorKind.RATE_LIMITED, Blame.THEM, False, "asks to slow down", "Nothing now: it is tried again"
)
AUTHORIZE_AGAIN = "Authorize the connection again: update its credentials and open the URL that is shown"

# RFC 6749, section 5.2, RFC 8628, section 3.5, and OpenID Connect Core, section 3.1.2.6
_BY_CODE: Mapping[str, _Meaning] = {
    "invalid_grant": _credential(
        "does not accept the grant any more",
        "Authorize the connection again; with a service account, check that its key, its subject and the clock are right",
    ),
    "invalid_client": _credential(
        "does not accept the client",
        "Enter the client id and secret again; if the secret expired, create a new one at the app",
    ),
    "access_denied": _credential("was told to deny access", AUTHORIZE_AGAIN),
    "interaction_required": _credential("wants somebody to log in again", AUTHORIZE_AGAIN),
    "login_required": _credential("wants somebody to log in again", AUTHORIZE_AGAIN),
    "consent_required": _credential("wants its consent to be given again", AUTHORIZE_AGAIN),
    "expired_token": _credential("says that the code has expired", AUTHORIZE_AGAIN),
    "unauthorized_client": _Meaning(
        ErrorKind.PERMISSION,
        Blame.PERMISSION,
        True,
        "does not let the client use this way of getting a token",
        "Allow it for the client at the app, or have its administrator approve it",
    ),
    "invalid_scope": _Meaning(
        ErrorKind.PERMISSION,
        Blame.PERMISSION,
        True,
        "does not grant the scopes that are asked for",
        "Allow the scopes for the client at the app",
    ),
    "unsupported_grant_type": _Meaning(
        ErrorKind.CONFIGURATION,
        Blame.CONFIGURATION,
        True,
        "does not know this way of getting a token",
        "Choose another authentication, or correct the token URL",
    ),
    "invalid_request": _Meaning(
        ErrorKind.CONFIGURATION,
        Blame.CONFIGURATION,
        True,
        "does not understand the request for a token",
        "Correct the settings of the connection: token URL, client id, scopes",
    ),
    "server_error": _busy("failed while it made a token"),
    "temporarily_unavailable": _busy("gives no tokens now"),
    "slow_down": _SLOWER,
    # https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
    "AccessDenied": _Meaning(
        ErrorKind.PERMISSION,
        Blame.PERMISSION,
        True,
        "does not let the keys assume the role",
        "Allow sts:AssumeRole on the role to these keys, and check the external id in the role's trust policy",
    ),
    "InvalidClientTokenId": _credential(
        "does not know the access key", "Enter the access key id and secret again, or create a new access key"
    ),
    "SignatureDoesNotMatch": _credential(
        "says that the secret access key is wrong", "Enter the secret access key again"
    ),
    "ExpiredToken": _credential(
        "says that the session token has expired", "Enter keys that last, or a new session token"
    ),
    "Throttling": _SLOWER,
    "ThrottlingException": _SLOWER,
}
# https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
_BY_AADSTS: Mapping[str, _Meaning] = {
    "AADSTS7000222": _credential(
        "says that the client secret has expired",
        "Create a new client secret in Microsoft Entra (App registrations, Certificates & secrets) and update the "
        "credentials",
    ),
    "AADSTS7000215": _credential(
        "says that the client secret is wrong",
        "Enter the secret's value again, not its id: Microsoft Entra shows it once, when it is created",
    ),
}
_FIX_BY_STATUS = {
    401: "Check the credentials of the connection at the app",
    404: "Correct the token URL in the settings of the connection",
}
_UNKNOWN_CODE = _credential("refused to give a token", "Check the credentials of the connection at the app")


def misconfigured(sentence: str) -> Failure:
    """Return the failure of a request that the connection's settings do not let us authorize."""
    return Failure(
        kind=ErrorKind.CONFIGURATION,
        blame=Blame.CONFIGURATION,
        permanent=True,
        sentence=f"The request could not be authorized: {sentence}",
        safe_sentence="The request could not be authorized with the settings of the connection",
        next_action="Correct the settings or the credentials of the connection",
        sent=Sent.NO,
    )


def not_authorized_yet(app_name: str) -> Failure:
    """Return the failure of a connection that was never authorized, or whose token cannot be renewed."""
    sentence = f"{app_name} gave no token that can be renewed, and the one there is counts no more"
    return Failure(
        kind=ErrorKind.AUTHENTICATION,
        blame=Blame.CREDENTIAL,
        permanent=True,
        sentence=sentence,
        safe_sentence=sentence,
        next_action=AUTHORIZE_AGAIN,
        sent=Sent.NO,
    )


def grant_refused(app_name: str, code: str, description: str) -> Failure:
    """Return what it means that a browser came back with an error (RFC 6749, section 4.1.2.1)."""
    meaning = _BY_CODE.get(code) or _UNKNOWN_CODE
    told = capped(plain(": ".join(part for part in (code, description) if part)))
    return Failure(
        kind=meaning.kind,
        blame=meaning.blame,
        permanent=meaning.permanent,
        sentence=f"{app_name} {meaning.what}" + (f": {told}" if told else ""),
        safe_sentence=f"{app_name} {meaning.what}",
        next_action=meaning.fix,
        sent=Sent.YES,
        message=told,
    )


def is_known(code: str, description: str) -> bool:
    """Tell whether a refusal's code says what is wrong."""
    found = _AADSTS.search(description)
    return code in _BY_CODE or (found is not None and found[0] in _BY_AADSTS)


def token_refused(app_name: str, exchange: Exchange, code: str, description: str) -> Failure:
    """Return what a refusal means. `code` and `description` are the app's, without secrets; empty where it said none."""
    status = exchange.status or 0
    judged = judge_check(exchange, 200)
    told = capped(plain(": ".join(part for part in (code, description) if part)))
    if judged is not None and (
        exchange.status is None or status >= 500 or status in (408, 425, 429) or not code
    ):
        return _by_status(app_name, judged, told)
    found = _AADSTS.search(description)
    meaning = _BY_AADSTS.get(found[0]) if found else None
    meaning = meaning or _BY_CODE.get(code) or _UNKNOWN_CODE
    shown = f" ({found[0] if found else code})" if found or _CODE.fullmatch(code) else ""
    return Failure(
        kind=meaning.kind,
        blame=meaning.blame,
        permanent=meaning.permanent,
        sentence=f"{app_name} {meaning.what}" + (f": {told}" if told else ""),
        safe_sentence=f"{app_name} {meaning.what}{shown}",
        next_action=meaning.fix,
        sent=Sent.YES,
        status=exchange.status,
        retry_after_s=judged.retry_after_s if judged else None,
        message=told,
    )


def unexpected(app_name: str, exchange: Exchange, what: str) -> Failure:
    """Return the failure of an answer that holds no token although it is none of a refusal; `what` came instead."""
    sentence = f"{app_name} answered the request for a token with {what}"
    return Failure(
        kind=ErrorKind.UNEXPECTED_ANSWER,
        blame=Blame.THEM,
        permanent=False,
        sentence=sentence,
        safe_sentence=sentence,
        next_action="Check that the token URL is the right one; else ask the app's owner",
        sent=Sent.YES,
        status=exchange.status,
    )


def _by_status(app_name: str, judged: Failure, told: str) -> Failure:
    """Return the verdict on the status or on what kept an answer from coming, said of the token."""
    if judged.status is None:
        return replace(judged, sentence=f"No token from {app_name}: {judged.sentence}")
    told = told or judged.message
    fix = _FIX_BY_STATUS.get(judged.status, judged.next_action)
    safe = f"{app_name} gave no token ({judged.status})"
    sentence = f"{safe}: {told}" if told else safe
    return replace(judged, sentence=sentence, safe_sentence=safe, next_action=fix, message=told)
