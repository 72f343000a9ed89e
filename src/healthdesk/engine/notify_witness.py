"""Sees what plugins do not tell: the answers and errors on the wire, noted while a send is under way.

Apprise's plugins answer yes or no and write the reason, at best, to a debug log that also holds tokens. The
child process is nobody else's, so the few functions every plugin goes through are wrapped here.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests

from healthdesk.domain.states import ErrorKind
from healthdesk.engine.notify_verdict import Evidence, error_evidence, http_evidence, smtp_evidence

KEPT = 50


class Witness:
    """The evidence of the send under way, in order."""

    def __init__(self) -> None:
        self.evidence: list[Evidence] = []

    def reset(self) -> None:
        """Forget what an earlier send left."""
        self.evidence = []

    def note(self, seen: Evidence | None) -> None:
        """Keep one piece of evidence; None is a success and nothing to keep."""
        if seen is not None and len(self.evidence) < KEPT:
            self.evidence.append(seen)

    def blocked(self, reason: str) -> None:
        """Keep a refusal of the guard."""
        self.note(Evidence(ErrorKind.ADDRESS_BLOCKED, "", reason))

    def install(self) -> None:
        """Wrap the ways out of this process."""
        self._watch_http()
        self._watch_smtp()
        self._watch_sockets()

    def _watch_http(self) -> None:
        send = requests.Session.send

        def watched(session: requests.Session, request: Any, **options: Any) -> Any:
            parts = urlsplit(request.url or "")
            host = f"{parts.hostname} port {parts.port}" if parts.port else parts.hostname or ""
            try:
                response = send(session, request, **options)
            except requests.RequestException as error:
                self.note(error_evidence(host, error))
                raise
            self.note(
                http_evidence(
                    host, response.status_code, response.content or b"", response.headers.get("Retry-After")
                )
            )
            return response

        _replace(requests.Session, "send", watched)

    def _watch_smtp(self) -> None:
        getreply = smtplib.SMTP.getreply

        def watched(smtp: smtplib.SMTP) -> tuple[int, bytes]:
            host = str(getattr(smtp, "_host", ""))
            try:
                code, words = getreply(smtp)
            except (OSError, smtplib.SMTPException) as error:
                self.note(error_evidence(host, error))
                raise
            self.note(smtp_evidence(host, code, words))
            return code, words

        _replace(smtplib.SMTP, "getreply", watched)

    def _watch_sockets(self) -> None:
        connect = socket.socket.connect
        resolve = socket.getaddrinfo
        handshake = ssl.SSLSocket.do_handshake

        def watched_connect(sock: socket.socket, address: Any) -> None:
            try:
                connect(sock, address)
            except BlockingIOError:
                raise
            except OSError as error:
                self.note(error_evidence(_place(address), error))
                raise

        def watched_resolve(host: Any, *rest: Any, **options: Any) -> Any:
            try:
                return resolve(host, *rest, **options)
            except OSError as error:
                self.note(error_evidence(str(host), error))
                raise

        def watched_handshake(sock: ssl.SSLSocket, *options: Any) -> None:
            try:
                handshake(sock, *options)
            except OSError as error:
                self.note(error_evidence(sock.server_hostname or "", error))
                raise

        _replace(socket.socket, "connect", watched_connect)
        _replace(socket, "getaddrinfo", watched_resolve)
        _replace(ssl.SSLSocket, "do_handshake", watched_handshake)


def _replace(owner: object, name: str, wrapper: Callable[..., Any]) -> None:
    setattr(owner, name, wrapper)


def _place(address: Any) -> str:
    if isinstance(address, tuple) and len(address) >= 2:
        return f"{address[0]} port {address[1]}"
    return ""
