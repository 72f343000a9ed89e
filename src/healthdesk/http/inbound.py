"""What callbacks and receipts have in common: budget, limits, answers, and what is kept of those that are rejected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import Counter

from healthdesk.domain.masking import redact_headers
from healthdesk.domain.states import CallbackState
from healthdesk.engine.engine import Engine
from healthdesk.errors import RateLimited, StoreUnavailable
from healthdesk.http.bodies import BodyBudget, HungUp, unread
from healthdesk.http.limits import TokenBuckets
from healthdesk.http.outages import Outages
from healthdesk.store.rows import NewCallback

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REJECTED_BODY_BYTES = 4096
REJECTED_HEADER_CHARS = 8192
"""Kept of all headers of a rejected callback: whoever knows the address may send a megabyte of them."""
_LONGEST_CONTENT_TYPE = 200
REJECTED_PER_MINUTE = 60
"""Rejected callbacks kept of a sender; what comes on top is counted and answered, not kept."""


class Inbound:
    """Takes in what outsiders send that proves itself by a signature. `counted` counts it by outcome."""

    def __init__(self, engine: Engine, counted: Counter) -> None:
        self.engine = engine
        self.ctx = engine.ctx
        self.most_bytes = engine.ctx.config.security.max_body_bytes
        # Not the records': whoever fills this one needs no key.
        self.bodies = BodyBudget(self.most_bytes)
        self.counted = counted
        self._rejections = TokenBuckets()
        self._refused = engine.ctx.metrics.records_refused
        self._outages = Outages(engine.ctx.clock)

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer one request; whatever goes wrong is problem details."""
        try:
            return await handler(request)
        except HungUp:
            return unread()
        except Exception as error:  # noqa: BLE001 - the one place errors of these routes become answers
            response = self._outages.respond(error, instance=request.path)
            response.headers.popall("WWW-Authenticate", None)
            self._refused.labels(status=str(response.status)).inc()
            return response

    async def keep_rejected(
        self,
        sender: str,
        request: web.Request,
        headers: dict[str, str],
        body: bytes,
        reason: str,
        integration_id: str | None = None,
    ) -> None:
        """Count what is not authentic, and keep it, cut and no more than so many a minute of one sender."""
        self.counted.labels(outcome="rejected").inc()
        if self._rejections.take(sender, REJECTED_PER_MINUTE, self.ctx.clock.monotonic()) > 0:
            return
        now = self.ctx.clock.now()
        try:
            stored = await self.ctx.store.accept_callback(
                NewCallback(
                    id=self.ctx.ids.new("cbk", now),
                    connection_id=sender,
                    # What an unknown sender claims must not shadow a genuine delivery.
                    delivery_id="",
                    received_at=now,
                    state=CallbackState.REJECTED,
                    headers=cut_headers(kept_headers(headers), REJECTED_HEADER_CHARS),
                    body=body[:REJECTED_BODY_BYTES],
                    reason=reason,
                    body_cut=len(body) > REJECTED_BODY_BYTES,
                    content_type=kept_text(request.headers.get("Content-Type", ""))[:_LONGEST_CONTENT_TYPE],
                    size=len(body),
                    integration_id=integration_id,
                )
            )
        except StoreUnavailable:
            # The sender's signature is wrong either way, and a retry would not mend it.
            return
        self.ctx.bus.publish("callback.changed", stored.id)

    def take(self, buckets: TokenBuckets, sender: str, per_minute: int, what: str) -> None:
        """Raise RateLimited for more than `per_minute` of one sender."""
        wait_s = buckets.take(sender, per_minute, self.ctx.clock.monotonic())
        if wait_s > 0:
            raise RateLimited(f"more than {per_minute} {what}", retry_after_s=wait_s)


def kept_headers(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers as they are kept: secrets hidden, bytes that are no text replaced."""
    return {kept_text(name): kept_text(value) for name, value in redact_headers(headers).items()}


def cut_headers(headers: dict[str, str], most_chars: int) -> dict[str, str]:
    """Return headers of no more than `most_chars` in all: the first ones, the last of them cut."""
    cut: dict[str, str] = {}
    for name, value in headers.items():
        left = most_chars - len(name)
        if left <= 0:
            break
        cut[name] = value if len(value) <= left else f"{value[: left - 1]}…"
        most_chars = left - len(cut[name])
    return cut


def kept_text(text: str) -> str:
    """Return header text with bytes that are not UTF-8 replaced: what is kept must be encodable."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def joined_headers(request: web.Request) -> dict[str, str]:
    """Return the headers as they came, repeated ones joined as HTTP allows."""
    headers: dict[str, str] = {}
    seen: dict[str, str] = {}
    for name, value in request.headers.items():
        first = seen.setdefault(name.lower(), name)
        headers[first] = f"{headers[first]}, {value}" if first in headers else value
    return headers
