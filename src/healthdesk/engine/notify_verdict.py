"""What became of a send, as typed data: plugins of Apprise only answer yes or no. Pure."""

from __future__ import annotations

import errno
import json
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from healthdesk.domain.states import ErrorKind

WORDS_MAX = 200
LOG_MAX = 4000
SECRET_MIN = 4
"""Shorter parts of a URL are words such as `v1`; masking them would mask half of every sentence."""

MASK = "••••"

_HTTP_KINDS = {
    401: ErrorKind.AUTHENTICATION,
    403: ErrorKind.PERMISSION,
    404: ErrorKind.NOT_FOUND,
    408: ErrorKind.TIMEOUT,
    410: ErrorKind.GONE,
    413: ErrorKind.TOO_LARGE,
    429: ErrorKind.RATE_LIMITED,
}
_SMTP_AUTHENTICATION = frozenset({530, 534, 535, 538})
_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH})
_PERMANENT = frozenset(
    {
        ErrorKind.AUTHENTICATION,
        ErrorKind.PERMISSION,
        ErrorKind.NOT_FOUND,
        ErrorKind.GONE,
        ErrorKind.TOO_LARGE,
        ErrorKind.REFUSED,
        ErrorKind.REDIRECT,
        ErrorKind.ADDRESS_BLOCKED,
        ErrorKind.CONFIGURATION,
    }
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing seen on the wire while a plugin was at work. `words` are the other side's or the system's."""

    kind: ErrorKind
    who: str
    words: str
    code: int | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a send failed. `retryable` is False when the same send cannot succeed later."""

    kind: ErrorKind
    sentence: str
    retryable: bool
    retry_after_s: float | None = None


def http_evidence(host: str, status: int, content: bytes, retry_after: str | None) -> Evidence | None:
    """Return what an HTTP answer shows, or None when it is a success."""
    if 200 <= status < 300:
        return None
    kind = _HTTP_KINDS.get(status)
    if kind is None:
        if status < 400:
            kind = ErrorKind.REDIRECT
        else:
            kind = ErrorKind.REFUSED if status < 500 else ErrorKind.SERVER_ERROR
    seconds = float(retry_after) if retry_after and retry_after.strip().isdigit() else None
    return Evidence(kind, host, service_words(content), status, seconds)


def smtp_evidence(host: str, code: int, words: bytes) -> Evidence | None:
    """Return what an SMTP reply shows, or None when it refuses nothing."""
    if code < 400:
        return None
    if code in _SMTP_AUTHENTICATION:
        kind = ErrorKind.AUTHENTICATION
    else:
        kind = ErrorKind.SERVER_ERROR if code < 500 else ErrorKind.REFUSED
    return Evidence(kind, host, _plain(words.decode("utf-8", "replace")), code)


def error_evidence(host: str, error: BaseException) -> Evidence:
    """Return what an exception of the network shows, by the deepest cause that is known."""
    for cause in _causes(error):
        kind = _kind_of(cause)
        if kind is not None:
            words = _plain(getattr(cause, "strerror", None) or str(cause))
            return Evidence(kind, host, words)
    return Evidence(ErrorKind.PROTOCOL, host, type(error).__name__)


def judge(evidence: Sequence[Evidence], log_lines: Sequence[str]) -> Verdict:
    """Return why a send failed: a refusal of the guard first, else the last thing seen, else the plugin's words."""
    for seen in evidence:
        if seen.kind is ErrorKind.ADDRESS_BLOCKED:
            return Verdict(seen.kind, f"not sent: {seen.words}", retryable=False)
    if evidence:
        # A server that refused and then hung up refused: what it said is the reason.
        said = [seen for seen in evidence if seen.kind is not ErrorKind.RESET]
        last = (said or evidence)[-1]
        return Verdict(last.kind, _sentence(last), last.kind not in _PERMANENT, last.retry_after_s)
    words = log_lines[-1] if log_lines else "the service did not say why"
    return Verdict(ErrorKind.UNEXPECTED_ANSWER, _plain(words), retryable=True)


def service_words(content: bytes) -> str:
    """Return the message inside an answer's body: a known member of JSON, or short plain text."""
    text = content[:4000].decode("utf-8", "replace").strip()
    try:
        value = json.loads(text)
    except ValueError:
        return "" if text.startswith("<") else _plain(text)
    if isinstance(value, dict):
        for key in ("message", "error", "detail", "description", "error_description", "title"):
            inner = value.get(key)
            if isinstance(inner, dict):
                inner = inner.get("message")
            if isinstance(inner, str) and inner.strip():
                return _plain(inner)
    return _plain(value) if isinstance(value, str) else ""


def secrets_of(url: str, *, host_is_public: bool) -> tuple[str, ...]:
    """Return the parts of an Apprise URL that must not be repeated, longest first; addresses of mail may be."""
    parts = urlsplit(url)
    open_parts = {
        parts.username or "",
        *parts.path.split("/"),
        *(value for _, value in parse_qsl(parts.query)),
    }
    found = {part for part in open_parts if "@" not in unquote(part)} | {parts.password or ""}
    if not host_is_public:
        found |= {parts.netloc.rpartition("@")[2], parts.hostname or ""}
    forms = {form for part in found for form in (part, unquote(part), quote(unquote(part), safe=""))}
    return tuple(sorted((form for form in forms if len(form) >= SECRET_MIN), key=len, reverse=True))


def scrub(text: str, secrets: Sequence[str]) -> str:
    """Return `text` with every secret masked, whatever its case."""
    if not secrets:
        return text
    return re.sub("|".join(re.escape(secret) for secret in secrets), MASK, text, flags=re.IGNORECASE)


def _sentence(seen: Evidence) -> str:
    who = seen.who or "the service"
    words = f": {seen.words}" if seen.words else ""
    if seen.code is not None:
        return f"{who} answered {seen.code}{_phrase(seen)}{words}"
    match seen.kind:
        case ErrorKind.CONNECTION_REFUSED:
            return f"{who} refused the connection"
        case ErrorKind.DNS:
            return f"the name {who} cannot be resolved"
        case ErrorKind.TIMEOUT:
            return f"{who} did not answer in time"
        case ErrorKind.CONNECT_TIMEOUT:
            return f"{who} could not be reached in time"
        case ErrorKind.TLS:
            return f"no trusted TLS connection to {who}{words}"
        case ErrorKind.RESET:
            return f"{who} closed the connection before it answered"
        case _:
            return f"sending to {who} failed{words}"


def _phrase(seen: Evidence) -> str:
    if seen.code is None or seen.words:
        return ""
    try:
        return f" {HTTPStatus(seen.code).phrase}"
    except ValueError:
        return ""


def _plain(text: str) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= WORDS_MAX else line[: WORDS_MAX - 1] + "…"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions an error was made from, the deepest first."""
    chain: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo and len(chain) < 32:
        one = todo.pop(0)
        if one is None or one in chain:
            continue
        chain.append(one)
        inner = [getattr(one, "reason", None), *one.args]
        todo += [one.__cause__, one.__context__, *(arg for arg in inner if isinstance(arg, BaseException))]
    return reversed(chain)


def _kind_of(error: BaseException) -> ErrorKind | None:
    name = type(error).__name__
    if isinstance(error, socket.gaierror):
        return ErrorKind.DNS
    if isinstance(error, ssl.SSLError):
        return ErrorKind.TLS
    if isinstance(error, ConnectionRefusedError):
        return ErrorKind.CONNECTION_REFUSED
    if isinstance(error, ConnectionError | smtplib.SMTPServerDisconnected):
        return ErrorKind.RESET
    if "ConnectTimeout" in name:
        return ErrorKind.CONNECT_TIMEOUT
    if isinstance(error, TimeoutError) or "ReadTimeout" in name:
        return ErrorKind.TIMEOUT
    if isinstance(error, OSError) and error.errno is not None:
        return ErrorKind.CONNECTION_REFUSED if error.errno in _UNREACHABLE else ErrorKind.PROTOCOL
    return None
