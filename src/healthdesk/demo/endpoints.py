"""The endpoints that records are delivered to: a CRM that misbehaves in turns, and a partner whose token expires."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from healthdesk.demo.faults import Fault, Misbehaviour
from healthdesk.domain.signing import verify_standard_webhook

HINT_HEADER = "Demo-Hint"
"""A header, because bodies are masked until they are revealed."""

HINT = "run `healthdesk demo repair` in another terminal, then resend"
HANG_S = 30.0
RETRY_AFTER_S = 1
TOKEN_LASTS = 3
"""Records the partner takes before its first token expires."""

FIRST_TOKEN = "partner-token-1"  # noqa: S105 - a demo's, shown to whoever runs it
NEW_TOKEN = "partner-token-2"  # noqa: S105 - as above


@dataclass(slots=True)
class Received:
    """What an endpoint took: each `webhook-id` once, and how often one came again."""

    ids: set[str] = field(default_factory=set)
    again: int = 0

    def take(self, webhook_id: str) -> None:
        """Note a record."""
        if webhook_id in self.ids:
            self.again += 1
        self.ids.add(webhook_id)


class Crm:
    """`POST /crm/hra` takes HRA submissions, `GET /crm/health` is always well."""

    def __init__(self) -> None:
        self.received = Received()
        self.mood = Misbehaviour()
        self.signing_secret = ""
        self.unsigned = 0

    def routes(self) -> list[web.RouteDef]:
        """The CRM's routes."""
        return [web.post("/crm/hra", self.take), web.get("/crm/health", self.health)]

    async def health(self, _request: web.Request) -> web.Response:
        """Answer a heartbeat."""
        return web.json_response({"status": "ok"})

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take a submission, or misbehave."""
        body = await request.read()
        reason = verify_standard_webhook([self.signing_secret], request.headers, body, datetime.now(UTC))
        if reason is not None:
            self.unsigned += 1
            return web.json_response({"error": f"signature: {reason}"}, status=400)
        webhook_id = request.headers["webhook-id"]
        fault = self.mood.fault_for(webhook_id, json.loads(body))
        if fault is None:
            self.received.take(webhook_id)
            return web.json_response({"status": "stored"}, status=201)
        return await _misbehave(request, fault)


class Sandbox:
    """`POST /crm-test/hra` takes what is tried before launch; `GET /crm-test/health` is always well."""

    def __init__(self) -> None:
        self.received = Received()
        self.samples = 0

    def routes(self) -> list[web.RouteDef]:
        """The sandbox's routes."""
        return [web.post("/crm-test/hra", self.take), web.get("/crm-test/health", self.health)]

    async def health(self, _request: web.Request) -> web.Response:
        """Answer a heartbeat."""
        return web.json_response({"status": "ok", "environment": "test"})

    async def take(self, request: web.Request) -> web.Response:
        """Take anything."""
        self.received.take(request.headers["webhook-id"])
        self.samples += request.headers.get("healthdesk-sample") == "true"
        return web.json_response({"status": "stored", "environment": "test"}, status=201)


async def _misbehave(request: web.Request, fault: Fault) -> web.StreamResponse:
    match fault:
        case Fault.MISSING_FIELD:
            return _problem(422, "risk_level is required", errors={"risk_level": ["is required"]})
        case Fault.SERVER_ERROR:
            return _problem(500, "Internal Server Error")
        case Fault.TOO_MANY:
            answer = _problem(429, "Too many submissions, slow down")
            answer.headers["Retry-After"] = str(RETRY_AFTER_S)
            return answer
        case Fault.TIMEOUT:
            await asyncio.sleep(HANG_S)
        case Fault.RESET:
            _reset(request)
    return web.Response(status=204)


def _problem(status: int, message: str, **more: Any) -> web.Response:
    return web.json_response({"message": message, **more}, status=status, headers={HINT_HEADER: HINT})


def _reset(request: web.Request) -> None:
    """Drop the connection so that the other side sees a reset, not an end."""
    if request.transport is not None:
        sock = request.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()


class Partner:
    """`POST /partner/records` and `GET /partner/health`, with a bearer token that expires after a few records."""

    def __init__(self) -> None:
        self.received = Received()
        self.refused = 0
        self._tokens = {FIRST_TOKEN, NEW_TOKEN}
        self._repaired = False

    def routes(self) -> list[web.RouteDef]:
        """The partner's routes."""
        return [web.post("/partner/records", self.take), web.get("/partner/health", self.health)]

    def repair(self) -> None:
        """Take the first token again, for good."""
        self._repaired = True
        self._tokens = {FIRST_TOKEN, NEW_TOKEN}

    async def health(self, request: web.Request) -> web.Response:
        """Answer a heartbeat."""
        return self._refusal(request) or web.json_response({"status": "ok"})

    async def take(self, request: web.Request) -> web.Response:
        """Take a record, or refuse its token."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        self.received.take(request.headers.get("webhook-id", ""))
        if len(self.received.ids) >= TOKEN_LASTS and not self._repaired:
            self._tokens = {NEW_TOKEN}
        return web.json_response({"status": "stored"})

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") in self._tokens:
            return None
        self.refused += 1
        hint = f"update the connection's credentials (key u) with the bearer token {NEW_TOKEN}"
        return web.json_response({"error": "token expired"}, status=401, headers={HINT_HEADER: hint})
