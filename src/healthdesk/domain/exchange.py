"""One request and what came of it, as typed data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from healthdesk.domain.states import Blame, ErrorKind


class Sent(StrEnum):
    """Whether the request can have reached the other side."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an exchange did not succeed, and what follows from it.

    `sentence` is for the desk (the other side's words may be in it, without values of the record);
    `safe_sentence` is for alerts and metrics: our own words, the status, at most the name of a field.
    `permanent` is True when a retry of the same request cannot help. `message` is what of `sentence` the other side
    wrote, `pattern` a digest of it without its variable parts: failures with one pattern have one cause.
    """

    kind: ErrorKind
    blame: Blame
    permanent: bool
    sentence: str
    safe_sentence: str
    next_action: str
    sent: Sent
    status: int | None = None
    retry_after_s: float | None = None
    field: str = ""
    message: str = ""
    pattern: str = ""


@dataclass(slots=True)  # not frozen: one is made for every attempt, and that would make it twice as slow
class Exchange:
    """A request as it left and the answer as it came, secrets left out of headers and URL.

    `response_body` is capped; `response_cut` says so. `duration_ms` is from the first byte we wanted to send.
    `status` is None when no answer came. `error` is set by the transport only: None means an answer came,
    whatever its status; who asks decides what a status means.
    """

    method: str
    url: str
    request_headers: Mapping[str, str]
    started_at: datetime
    duration_ms: float
    status: int | None = None
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: bytes = b""
    response_cut: bool = False
    error: TransportError | None = None
    body_error: TransportError | None = None
    """Why the body broke off although a status came; `response_cut` is set then."""
    connect_ms: float | None = None
    """From the beginning, the name lookup included, until a connection made for this was there; None where an open one
    was used again."""
    tls_ms: float | None = None
    """Of TLS on it, after that."""
    first_byte_ms: float | None = None
    """From the beginning until the head of the answer had come."""
    request_body: bytes | None = None
    """What was sent, where that is not the record's data byte for byte."""
    batch_id: str | None = None
    """Of the request, where it carried several records."""


@dataclass(frozen=True, slots=True)
class TransportError:
    """Why no answer came: the kind, whether the request was sent, and one plain sentence."""

    kind: ErrorKind
    sent: Sent
    sentence: str
