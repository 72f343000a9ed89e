"""Where the demo's alerts arrive: a mail server and a chat webhook."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from email.header import decode_header, make_header

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT = 200


class Mailbox:
    """An SMTP server that keeps the subjects of what it gets."""

    def __init__(self) -> None:
        self.count = 0
        self.subjects: list[str] = []
        self.port = 0

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls
        self,
        server: SMTP,  # noqa: ARG002 - as above
        session: Session,  # noqa: ARG002 - as above
        envelope: Envelope,
    ) -> str:
        """Keep a message."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.count += 1
        self.subjects.append(str(make_header(decode_header(message_from_bytes(content)["Subject"] or ""))))
        del self.subjects[:-KEPT]
        return "250 OK"

    async def listen(self, wanted: int = 0) -> asyncio.Server:
        """Listen on the loopback port wanted, or on another when it is taken."""
        loop = asyncio.get_running_loop()

        def protocol() -> SMTP:
            return SMTP(self, enable_SMTPUTF8=True)

        try:
            server = await loop.create_server(protocol, "127.0.0.1", wanted)
        except OSError:
            server = await loop.create_server(protocol, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        return server


class Chat:
    """A chat webhook that keeps the titles of what it gets."""

    def __init__(self) -> None:
        self.count = 0
        self.titles: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        """The chat's routes."""
        return [web.post("/chat/ops", self.take)]

    async def take(self, request: web.Request) -> web.Response:
        """Keep a message."""
        message = await request.json()
        self.count += 1
        self.titles.append(str(message.get("title", "")))
        del self.titles[:-KEPT]
        return web.json_response({"ok": True})
