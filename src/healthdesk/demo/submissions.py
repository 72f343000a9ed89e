"""The upstream system: people complete health risk assessments, and each completion is posted to the desk."""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

LEVELS = ("low", "moderate", "high")
SOURCES = ("heart-health", "diabetes-risk", "sleep")
_NAMES = ("Mara Keller", "Jonas Weiss", "Aylin Demir", "Piotr Nowak", "Lucía Romero", "Tom Okafor")
RETRY_S = 0.2


@dataclass(frozen=True, slots=True)
class Intake:
    """Where submissions of one integration are posted."""

    url: str
    key: str


@dataclass(frozen=True, slots=True)
class Submission:
    """One completed assessment, with the key that makes posting it twice harmless."""

    intake: Intake
    idempotency_key: str
    body: bytes


@dataclass(slots=True)
class Posted:
    """What the desk answered: accepted ids, and how often it said something else."""

    accepted: set[str] = field(default_factory=set)
    duplicates: int = 0
    refused: dict[int, int] = field(default_factory=dict)


def submission(rng: random.Random, intake: Intake, number: int, now: datetime) -> Submission:
    """Return a made-up submission. Every other diabetes form is of the new edition, without `risk_level`."""
    source = SOURCES[number % len(SOURCES)]
    level = rng.choice(LEVELS)
    name = rng.choice(_NAMES)
    member = f"P-{rng.randrange(10_000, 99_999)}"
    data: dict[str, Any] = {
        "participant": {"id": member, "name": name},
        "member": member,
        "assessment": source,
        "score": rng.randrange(20, 98),
        "answers": {f"q{index}": rng.choice(("never", "sometimes", "often")) for index in range(1, 6)},
    }
    if source != "diabetes-risk" or number % 2:
        data["risk_level"] = level
    record = {"source": source, "level": level, "completed_at": now.isoformat(), "data": data}
    return Submission(intake, f"hra-{rng.getrandbits(64):016x}", json.dumps(record).encode())


class Upstream:
    """Posts submissions at a steady rate; what the desk cannot take now is posted again with the same key."""

    def __init__(self, intakes: dict[str, Intake], rng: random.Random, rate_per_s: float) -> None:
        self.posted = Posted()
        self._intakes = intakes
        self._rng = rng
        self._pause_s = 1 / rate_per_s
        self._queue: deque[Submission] = deque()
        self._pausing = asyncio.Event()
        self._under_way = 0

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be posted any more."""
        return self._pausing.is_set() and not self._queue and not self._under_way

    def pause(self) -> None:
        """Complete no further assessments."""
        self._pausing.set()

    async def run(self, http: aiohttp.ClientSession) -> None:
        """Post until cancelled."""
        async for completed in self._completions():
            self._queue.append(completed)
            await self._post_queued(http)

    async def _completions(self) -> AsyncIterator[Submission]:
        number = 0
        while not self._pausing.is_set():
            number += 1
            intake = self._intakes["partner" if number % 4 == 0 else "crm"]
            made = submission(self._rng, intake, number, datetime.now(UTC))
            yield made
            if number % 20 == 0:
                yield made
            await asyncio.sleep(self._pause_s * self._rng.uniform(0.5, 1.5))

    async def _post_queued(self, http: aiohttp.ClientSession) -> None:
        while self._queue:
            self._under_way += 1
            try:
                done = await self._post(http, self._queue[0])
            finally:
                self._under_way -= 1
            if done:
                self._queue.popleft()
            else:
                await asyncio.sleep(RETRY_S)

    async def _post(self, http: aiohttp.ClientSession, made: Submission) -> bool:
        """Post once; False when it has to be tried again."""
        headers = {
            "Authorization": f"Bearer {made.intake.key}",
            "Idempotency-Key": made.idempotency_key,
            "Content-Type": "application/json",
        }
        try:
            async with http.post(made.intake.url, data=made.body, headers=headers) as answer:
                if answer.status == 202:
                    record_id = (await answer.json())["id"]
                    self.posted.duplicates += record_id in self.posted.accepted
                    self.posted.accepted.add(record_id)
                    return True
                self.posted.refused[answer.status] = self.posted.refused.get(answer.status, 0) + 1
                return answer.status < 500 and answer.status != 429
        except (aiohttp.ClientError, TimeoutError):
            return False
