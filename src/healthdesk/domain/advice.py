"""What to do next about a failure, as its records are now: a verdict knows only whether a retry can help."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.domain.states import ErrorKind

_MENDED = "have the endpoint mended, then resend"

_WHEN_OVER: Mapping[str, str] = {
    ErrorKind.RATE_LIMITED: "lower the rate of the integration, then resend",
    ErrorKind.SERVER_ERROR: _MENDED,
    ErrorKind.TIMEOUT: _MENDED,
    ErrorKind.CONNECT_TIMEOUT: _MENDED,
    ErrorKind.RESET: _MENDED,
    ErrorKind.CONNECTION_REFUSED: _MENDED,
    ErrorKind.PROTOCOL: _MENDED,
    ErrorKind.RESPONSE_TOO_LARGE: _MENDED,
    ErrorKind.DNS: "check the host name in the base URL and the DNS of this host, then resend",
    ErrorKind.TLS: "have the certificate of the endpoint's host renewed or corrected, then resend",
    ErrorKind.UNEXPECTED_ANSWER: "check that the address is the right one, then resend",
    ErrorKind.INTERRUPTED: "resend",
    ErrorKind.INTERNAL: "look into the daemon's log, this is a fault of healthdesk; then resend",
}
"""By kind, what helps once the tries of a failure that could pass by itself are used up."""


def next_action(kind: str, said: str, *, final: bool, again: bool = False) -> str:
    """Return what to do next. `said` is the verdict's word, for while it is tried again.

    `final`: a record is not tried any more; `again`: another one of the same cause still is.
    """
    when_over = _WHEN_OVER.get(kind) if final else None
    if when_over is None:
        return said
    return f"{'Some are not tried again' if again else 'No more tries'}: {when_over}"
