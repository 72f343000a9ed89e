"""Which problem a failure belongs to: failures with the same fingerprint have the same cause."""

from __future__ import annotations

from dataclasses import dataclass, replace

from healthdesk.domain.exchange import Failure
from healthdesk.domain.folding import digest, pattern
from healthdesk.domain.health import REACHABILITY_KINDS
from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import Blame, Environment, ErrorKind
from healthdesk.domain.units import RECORD
from healthdesk.domain.values import plain
from healthdesk.domain.verdicts import phrase

_MESSAGE_TELLS_CAUSE = frozenset(
    {
        ErrorKind.MISSING_FIELD,
        ErrorKind.REFUSED,
        ErrorKind.FORMAT,
        ErrorKind.NOT_FOUND,
        ErrorKind.PERMISSION,
        ErrorKind.CONFIGURATION,
        ErrorKind.UNEXPECTED_ANSWER,
        ErrorKind.INTERNAL,
    }
)
"""Kinds whose message says what is wrong. That of a failing or slow server is noise (traces, request ids): one
outage must not become a problem, and an alert, for every record."""

_ANSWERED_KINDS = frozenset(
    {
        ErrorKind.REFUSED,
        ErrorKind.NOT_FOUND,
        ErrorKind.GONE,
        ErrorKind.REDIRECT,
        ErrorKind.UNEXPECTED_ANSWER,
        ErrorKind.CONFIGURATION,
    }
)
"""Kinds of a heartbeat's failure that mean a wrong request rather than an outage."""

_CAUSES = {
    ErrorKind.AUTHENTICATION: "credential refused",
    ErrorKind.PERMISSION: "permission missing",
    ErrorKind.TIMEOUT: "no answer in time",
    ErrorKind.CONNECT_TIMEOUT: "host does not answer",
    ErrorKind.RESET: "connection closed without an answer",
    ErrorKind.CONNECTION_REFUSED: "connection refused",
    ErrorKind.DNS: "host name not found",
    ErrorKind.TLS: "no trusted TLS connection",
    ErrorKind.ADDRESS_BLOCKED: "address not allowed",
    ErrorKind.PROTOCOL: "answer is not valid HTTP",
    ErrorKind.RESPONSE_TOO_LARGE: "answer too large",
    ErrorKind.REDIRECT: "redirect, not followed",
    ErrorKind.GONE: "endpoint is gone",
    ErrorKind.TOO_LARGE: "record too large for the endpoint",
    ErrorKind.RATE_LIMITED: "asked to slow down",
    ErrorKind.INTERRUPTED: "interrupted",
}


MOST_ALIKE = 20
"""Problems of one integration, environment, kind and status that may be live at once; the rest is one more."""


@dataclass(frozen=True, slots=True)
class ProblemKey:
    """Which problem a failure belongs to, and what the problem says when it is new.

    `cause` is for the desk, `safe_cause` for alerts. A problem of the connection has neither integration nor
    environment, and `where` is the connection's name; else it is empty, and the integration's name goes there.
    """

    fingerprint: str
    kind: ErrorKind
    blame: Blame
    status: int | None
    cause: str
    safe_cause: str
    next_action: str
    owner: str
    integration_id: str | None
    connection_id: str | None
    environment: Environment | None
    opens_at_once: bool
    where: str = ""
    unit: str = RECORD
    """What it holds up: `record`, `task` or `proof`."""


def key_for_delivery(
    failure: Failure,
    integration_id: str,
    environment: Environment,
    connection_id: str,
    connection_name: str,
    owner: str,
) -> ProblemKey:
    """Return the problem of a failed delivery.

    A refused credential and an unreachable host are the connection's, whatever was to be delivered. Everything else
    is the integration's in that environment, by kind, status, missing field and the pattern of the message.
    """
    if failure.kind is ErrorKind.AUTHENTICATION or failure.kind in REACHABILITY_KINDS:
        return _key(
            failure, _connection_fingerprint(failure, connection_id), connection_name, owner, connection_id
        )
    fingerprint = digest(
        "delivery", integration_id, environment.value, failure.kind.value, failure.status, _detail(failure)
    )
    return _key(failure, fingerprint, "", owner, connection_id, integration_id, environment)


def key_for_instance(
    failure: Failure, kind: InstanceKind, integration_id: str, connection_id: str, owner: str
) -> ProblemKey:
    """Return the problem of a task or proof sync that failed by itself, while its connection is well.

    It is the integration's, by kind, status, missing field and the pattern of the message: what fails for one cause
    is one problem, whoever's it is.
    """
    fingerprint = digest(
        "instance", integration_id, kind.value, failure.kind.value, failure.status, _detail(failure)
    )
    key = _key(failure, fingerprint, "", owner, connection_id, integration_id)
    return replace(key, unit=kind.value)


def _detail(failure: Failure) -> str:
    if failure.field:
        return f"field {failure.field.lower()}"
    if failure.kind in _MESSAGE_TELLS_CAUSE:
        return failure.pattern or pattern(failure.sentence)
    return ""


def key_for_connection(failure: Failure, connection_id: str, name: str, owner: str) -> ProblemKey:
    """Return the problem of a connection whose failing is confirmed, so it opens at once.

    Its fingerprint is that of deliveries which fail for the same reason.
    """
    fingerprint = _connection_fingerprint(failure, connection_id)
    return _key(failure, fingerprint, name, owner, connection_id, confirmed=True)


def without_message(key: ProblemKey) -> ProblemKey:
    """Return the key of whatever fails in this way, for an endpoint that says something else of every record."""
    environment = key.environment.value if key.environment else ""
    work = "delivery" if key.unit == RECORD else f"instance {key.unit}"
    what = "many different messages"
    said = key.kind.value if key.status is None else f"{key.status} {phrase(key.status)}".rstrip()
    return replace(
        key,
        fingerprint=digest(
            work, key.integration_id, environment, key.kind.value, key.status, "", "any message"
        ),
        cause=f"{key.status or key.kind.value} {what}",
        safe_cause=f"Failed with {what} ({said})",
    )


def _connection_fingerprint(failure: Failure, connection_id: str) -> str:
    """Return one fingerprint an outage: while a host is down, its errors change from minute to minute."""
    if failure.kind in {ErrorKind.AUTHENTICATION, ErrorKind.PERMISSION}:
        reason = failure.kind.value
    else:
        reason = "answer" if failure.kind in _ANSWERED_KINDS else "reachability"
    return digest("connection", connection_id, reason)


def _key(
    failure: Failure,
    fingerprint: str,
    connection_name: str,
    owner: str,
    connection_id: str,
    integration_id: str | None = None,
    environment: Environment | None = None,
    *,
    confirmed: bool = False,
) -> ProblemKey:
    return ProblemKey(
        fingerprint=fingerprint,
        kind=failure.kind,
        blame=failure.blame,
        status=failure.status,
        cause=_cause(failure),
        safe_cause=plain(failure.safe_sentence),
        next_action=failure.next_action,
        owner=owner,
        integration_id=integration_id,
        connection_id=connection_id,
        environment=environment,
        opens_at_once=confirmed or failure.permanent,
        where=connection_name,
    )


def _cause(failure: Failure) -> str:
    """Return the cause as a row shows it: `422 risk_level is required`, `credential refused (401)`."""
    known = _CAUSES.get(failure.kind)
    if known is not None:
        return f"{known} ({failure.status})" if failure.status is not None else known
    if failure.status is None:
        return failure.sentence
    said = failure.message if failure.kind in _MESSAGE_TELLS_CAUSE else ""
    if not said and failure.kind is ErrorKind.UNEXPECTED_ANSWER:
        said = f"{phrase(failure.status)}, not what was asked for".lstrip()  # "200 OK" says that all is well
    said = said or phrase(failure.status)
    return f"{failure.status} {said}" if said else failure.safe_sentence
