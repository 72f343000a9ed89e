"""The apps that send signed callbacks: receipts by Standard Webhooks, tickets with an HMAC of its own, Asana's events."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from healthdesk.domain.signing import sign

HMAC_HEADER = "X-Demo-Signature"
ID_HEADER = "X-Demo-Delivery"
EVENT_HEADER = "X-Demo-Event"
RETRY_S = 0.2


@dataclass(frozen=True, slots=True)
class Hook:
    """Where an app's callbacks go, and how they are signed: `standard_webhooks`, `hmac` or `asana`."""

    url: str
    scheme: str
    secret: str


def signed(hook: Hook, delivery: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers of a callback."""
    headers = {"Content-Type": "application/json"}
    if hook.scheme == "standard_webhooks":
        stamp = int(now.timestamp())
        signature = sign([hook.secret], delivery, stamp, body)
        return headers | {
            "webhook-id": delivery,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature,
        }
    digest = hmac.new(hook.secret.encode(), body, hashlib.sha256).hexdigest()
    if hook.scheme == "asana":
        return headers | {"X-Hook-Signature": digest}
    return headers | {
        HMAC_HEADER: f"sha256={digest}",
        ID_HEADER: delivery,
        EVENT_HEADER: "ticket.closed",
    }


def asana_event(task: str, now: datetime) -> bytes:
    """Return the body of Asana's callback about a change of a task, which names no delivery.

    Source: https://developers.asana.com/docs/webhooks-guide
    """
    event = {
        "action": "changed",
        "created_at": now.isoformat(),
        "resource": {"gid": task, "resource_type": "task", "resource_subtype": "default_task"},
        "parent": None,
        "change": {"field": "completed", "action": "changed"},
    }
    return json.dumps({"events": [event]}).encode()


class EventApp:
    """Posts callbacks in turn; every ninth is sent twice, every thirteenth is forged."""

    def __init__(self, hooks: list[Hook], rng: random.Random, every_s: float) -> None:
        self.accepted: set[str] = set()
        self.forged = 0
        self.forged_taken = 0
        self._hooks = hooks
        self._rng = rng
        self._run_number = rng.randrange(10**9, 10**10)
        self._run = f"{self._run_number:x}"
        self._every_s = every_s
        self._pausing = asyncio.Event()
        self._telling = False

    @property
    def idle(self) -> bool:
        """Whether no callback is under way or to come."""
        return self._pausing.is_set() and not self._telling

    def pause(self) -> None:
        """Send no further callbacks."""
        self._pausing.set()

    async def run(self, http: aiohttp.ClientSession) -> None:
        """Post until paused or cancelled."""
        number = 0
        while not self._pausing.is_set():
            number += 1
            self._telling = True
            await self._tell(http, number)
            self._telling = False
            await asyncio.sleep(self._every_s * self._rng.uniform(0.5, 1.5))

    async def _tell(self, http: aiohttp.ClientSession, number: int) -> None:
        hook = self._hooks[number % len(self._hooks)]
        now = datetime.now(UTC)
        body = self._body(hook, number, now)
        headers = signed(hook, f"msg_{self._run}_{number}", body, now)
        if number % 13 == 0:
            self.forged += 1
            body += b" "
            self.forged_taken += await self._post(http, hook, headers, body)
            return
        for _ in range(2 if number % 9 == 0 and hook.scheme != "asana" else 1):
            if await self._post(http, hook, headers, body):
                self.accepted.add(f"{hook.scheme}:{number}")

    def _body(self, hook: Hook, number: int, now: datetime) -> bytes:
        if hook.scheme == "asana":
            # A task of its own: Asana names no delivery, and a repeat after a crash must be known by something.
            return asana_event(f"{self._run_number}{number:05}", now)
        event = {"type": "receipt.stored", "timestamp": now.isoformat(), "data": {"ticket": number}}
        return json.dumps(event).encode()

    async def _post(
        self, http: aiohttp.ClientSession, hook: Hook, headers: dict[str, str], body: bytes
    ) -> bool:
        """Post until the desk answers: what it took before it died it must have, and a repeat has the same id."""
        while True:
            try:
                async with http.post(hook.url, data=body, headers=headers) as answer:
                    if answer.status < 500:
                        return answer.status < 300
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(RETRY_S)
