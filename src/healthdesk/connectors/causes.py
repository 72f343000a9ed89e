"""Why no answer came: from what aiohttp raised and how far the request got, to typed data."""

from __future__ import annotations

import asyncio
import errno
import ssl

import aiohttp

from healthdesk.connectors.policy import FIX
from healthdesk.connectors.wire import BadAnswer, Progress, ResendRefused
from healthdesk.domain.exchange import Sent, TransportError
from healthdesk.domain.states import ErrorKind

# What aiohttp may raise for one request, our own faults left out.
NETWORK_ERRORS = (aiohttp.ClientError, OSError, asyncio.TimeoutError, ValueError)

_OUR_HOST = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
_OF_OUR_CERTIFICATE = {
    "UNKNOWN_CA": "does not accept our client certificate",
    "BAD_CERTIFICATE": "does not accept our client certificate",
    "CERTIFICATE_EXPIRED": "says that our client certificate has expired",
    "CERTIFICATE_REVOKED": "says that our client certificate was revoked",
    "CERTIFICATE_UNKNOWN": "does not accept our client certificate",
    "UNSUPPORTED_CERTIFICATE": "does not accept our client certificate",
    "ACCESS_DENIED": "does not let our client certificate in",
    "CERTIFICATE_REQUIRED": "wants a client certificate",
    "NO_CERTIFICATE": "wants a client certificate",
}
"""Alerts that speak of the certificate of whom they are sent to (RFC 8446, section 6.2), as OpenSSL calls them."""
_NO_ROUTE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}


def deadline_error(progress: Progress, *, host: str, flushed: bool, after_s: float) -> TransportError:
    """Return the error of a request whose time was up before an answer came."""
    waited = f"within {after_s:g} s"
    if progress.protocol is None:
        if not progress.sockets:
            return TransportError(
                ErrorKind.DNS, Sent.NO, f"The name of {host} could not be looked up {waited}."
            )
        return TransportError(
            ErrorKind.CONNECT_TIMEOUT, Sent.NO, f"{host} did not accept a connection {waited}."
        )
    if flushed:
        return TransportError(
            ErrorKind.TIMEOUT, Sent.YES, f"{host} received the request and did not answer {waited}."
        )
    sent = Sent.MAYBE if progress.started else Sent.NO
    return TransportError(ErrorKind.TIMEOUT, sent, f"{host} did not take the whole request {waited}.")


def network_error(error: BaseException, progress: Progress, *, host: str) -> TransportError:
    """Return the typed cause of an error that was raised before an answer came."""
    if progress.protocol is None:
        return _before_connection(error, progress, host)
    sent = Sent.MAYBE if progress.started else Sent.NO
    if isinstance(error, aiohttp.ClientResponseError | BadAnswer):
        return TransportError(
            ErrorKind.PROTOCOL,
            Sent.YES,
            f"What {host} answered is not HTTP as it should be: {_short(error.message)}.",
        )
    if isinstance(_root(error), ssl.SSLError):
        return _of_our_certificate(_root(error), host) or TransportError(
            ErrorKind.TLS, sent, f"{host} ended the TLS connection: {_tls_reason(_root(error))}."
        )
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return TransportError(ErrorKind.RESET, sent, f"{host} closed the connection without an answer.")
    if isinstance(error, ResendRefused):
        return TransportError(
            ErrorKind.RESET,
            sent,
            f"The connection to {host} was lost, and the request was not sent a second time.",
        )
    if isinstance(error, ConnectionError | aiohttp.ClientConnectionError | OSError):
        return TransportError(ErrorKind.RESET, sent, f"{host} reset the connection before it answered.")
    if isinstance(error, ValueError) and not progress.started:
        return _unsendable(error)
    return TransportError(
        ErrorKind.PROTOCOL, sent, f"The exchange with {host} failed: {type(error).__name__}."
    )


def body_error(error: BaseException, *, host: str) -> TransportError:
    """Return why the body of an answer broke off after its status had come."""
    if isinstance(error, TimeoutError):
        return TransportError(ErrorKind.TIMEOUT, Sent.YES, f"The answer of {host} did not end in time.")
    return TransportError(ErrorKind.RESET, Sent.YES, f"{host} broke off in the middle of its answer.")


def _before_connection(error: BaseException, progress: Progress, host: str) -> TransportError:
    if progress.refusals and not progress.sockets:
        return blocked(progress.refusals[0], host)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return TransportError(
            ErrorKind.DNS, Sent.NO, f"The name of {host} cannot be looked up: {_os_reason(error)}."
        )
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = _tls_reason(error.certificate_error)
        return TransportError(ErrorKind.TLS, Sent.NO, f"The certificate of {host} is not accepted: {reason}.")
    if isinstance(error, aiohttp.ClientSSLError) or isinstance(_root(error), ssl.SSLError):
        return _of_our_certificate(_root(error), host) or TransportError(
            ErrorKind.TLS, Sent.NO, f"TLS with {host} failed: {_tls_reason(_root(error))}."
        )
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return TransportError(
            ErrorKind.CONNECTION_REFUSED,
            Sent.NO,
            f"The proxy does not connect to {host}: it answered {error.status}.",
        )
    if isinstance(error, OSError):
        return _os_error(error, host)
    if isinstance(error, ValueError | aiohttp.NonHttpUrlClientError):
        return _unsendable(error)
    return TransportError(
        ErrorKind.CONNECTION_REFUSED, Sent.NO, f"No connection to {host}: {type(error).__name__}."
    )


def blocked(refusal: str, host: str) -> TransportError:
    """Return the error of an address that the policy refuses."""
    return TransportError(
        ErrorKind.ADDRESS_BLOCKED, Sent.NO, f"Not connected to {host}, because {refusal}; {FIX}."
    )


def _os_error(error: OSError, host: str) -> TransportError:
    number = error.errno
    via = "The proxy" if isinstance(error, aiohttp.ClientProxyConnectionError) else host
    if number == errno.ECONNREFUSED:
        return TransportError(ErrorKind.CONNECTION_REFUSED, Sent.NO, f"{via} refuses connections.")
    if number == errno.ETIMEDOUT or isinstance(error, TimeoutError):
        return TransportError(
            ErrorKind.CONNECT_TIMEOUT, Sent.NO, f"{via} did not accept a connection in time."
        )
    if number in _NO_ROUTE:
        return TransportError(ErrorKind.CONNECTION_REFUSED, Sent.NO, f"There is no route to {via}.")
    if number in _OUR_HOST:
        return TransportError(
            ErrorKind.INTERNAL, Sent.NO, f"This host cannot open a connection: {_os_reason(error)}."
        )
    if number in (errno.ECONNRESET, errno.EPIPE) or isinstance(_root(error), ConnectionError):
        return TransportError(ErrorKind.RESET, Sent.NO, f"{via} dropped the connection while it was set up.")
    return TransportError(
        ErrorKind.CONNECTION_REFUSED, Sent.NO, f"No connection to {via}: {_os_reason(error)}."
    )


def _unsendable(error: BaseException) -> TransportError:
    """Return the error of a request that HTTP does not allow. The offending value may be secret and is not told."""
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError | UnicodeError):
        return TransportError(ErrorKind.CONFIGURATION, Sent.NO, "The URL is not one that can be requested.")
    return TransportError(
        ErrorKind.CONFIGURATION, Sent.NO, "The method or a header holds characters that HTTP does not allow."
    )


def _root(error: BaseException) -> BaseException:
    """Return the first cause: aiohttp wraps what the operating system or TLS said."""
    seen = 0
    while (cause := error.__cause__) is not None and seen < 8:
        error = cause
        seen += 1
    return error


def _of_our_certificate(error: BaseException, host: str) -> TransportError | None:
    """Return the error of a client certificate that was refused or is missing, where the other side's alert says so.

    It then did not act on the request: with TLS 1.3 the alert may come only once the request was written.
    """
    reason = (error.reason or "") if isinstance(error, ssl.SSLError) else ""
    _, alert, name = reason.partition("_ALERT_")
    says = _OF_OUR_CERTIFICATE.get(name) if alert else None
    if says is None:
        return None
    return TransportError(ErrorKind.AUTHENTICATION, Sent.NO, f"{host} {says}: {_tls_reason(error)}.")


def _tls_reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _short(error.verify_message)
    if isinstance(error, ssl.SSLError) and error.reason:
        words = _short(error.reason.replace("_", " ").lower())
        if error.reason.endswith("_ALERT_HANDSHAKE_FAILURE"):
            words += " (it may want a client certificate, or TLS settings that are not ours)"
        return words
    return "the handshake was not completed"


def _os_reason(error: BaseException) -> str:
    root = _root(error)
    text = root.strerror if isinstance(root, OSError) and root.strerror else str(root)
    return _short(text) or type(root).__name__


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain[:150].rstrip(".")
