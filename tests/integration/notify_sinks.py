"""Where alerts go in these tests: a real SMTP server and a server that accepts and never says a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as the SMTP server took it."""

    sender: str
    recipients: tuple[str, ...]
    text: str


class SmtpSink:
    """An SMTP server on 127.0.0.1; `refusal` is answered to each recipient instead of taking the message."""

    def __init__(self, *, password: str = "") -> None:
        self.mails: list[Mail] = []
        self.refusal = ""
        self.port = 0
        self._password = password
        self._server: asyncio.Server | None = None
        self._sessions: list[SMTP] = []

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a message."""
        content = envelope.content
        text = content.decode("utf-8") if isinstance(content, bytes) else str(content)
        self.mails.append(Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), text))
        return "250 OK"

    def _authenticate(
        self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        right = isinstance(data, LoginPassword) and data.password == self._password.encode()
        return AuthResult(success=right, handled=right)

    def _protocol(self) -> SMTP:
        session = SMTP(
            self,
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            authenticator=self._authenticate if self._password else None,
        )
        self._sessions.append(session)
        return session

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.get_running_loop().create_server(self._protocol, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop listening."""
        assert self._server is not None
        self._server.close()
        for session in self._sessions:
            if session.transport is not None:
                session.transport.abort()
        await asyncio.sleep(0)


@dataclass(slots=True)
class SilentServer:
    """Accepts connections and never answers."""

    port: int
    connected: asyncio.Event


@asynccontextmanager
async def silent_server() -> AsyncIterator[SilentServer]:
    """Run a server that never answers, until the end of the block."""
    silent = SilentServer(0, asyncio.Event())
    over = asyncio.Event()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent.connected.set()
        await over.wait()
        writer.close()

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    silent.port = server.sockets[0].getsockname()[1]
    try:
        yield silent
    finally:
        over.set()
        server.close()
