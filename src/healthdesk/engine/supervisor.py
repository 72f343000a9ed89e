"""Every background task has a name, an owner and a stop path; a death is loud and followed by a restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from healthdesk.clock import Clock
from healthdesk.engine.metrics import Metrics

log = logging.getLogger(__name__)

Loop = Callable[[asyncio.Event], Awaitable[None]]
"""A background loop: runs until the stop event is set, then finishes what it has begun and returns."""

BACKOFF_S = (0.1, 1.0, 5.0, 30.0)

CANCEL_TIMEOUT_S = 5.0
"""How long a cancelled loop may take to clean up after itself."""


class Supervisor:
    """Runs named loops until told to stop."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._stop = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, loop: Loop) -> None:
        """Start `loop` under `name`; names are unique."""
        if name in self._tasks:
            raise ValueError(f"a task named {name} runs already")
        self._tasks[name] = asyncio.create_task(self._keep(name, loop), name=f"healthdesk:{name}")

    async def _keep(self, name: str, loop: Loop) -> None:
        deaths = 0
        while not self._stop.is_set():
            began = self._clock.monotonic()
            try:
                await loop(self._stop)
            except asyncio.CancelledError:
                raise
            except Exception:  # the last line of defence: say it loudly, restart, never die silently
                log.exception("task %s died and is started again", name)
                self._metrics.task_restarts.labels(task=name).inc()
                deaths = 0 if self._clock.monotonic() - began > 60 else deaths + 1
                await self._pause(BACKOFF_S[min(deaths, len(BACKOFF_S)) - 1] if deaths else BACKOFF_S[0])
            else:
                return

    async def _pause(self, seconds: float) -> None:
        sleeper = asyncio.ensure_future(self._clock.sleep(seconds))
        stopper = asyncio.ensure_future(self._stop.wait())
        _, pending = await asyncio.wait({sleeper, stopper}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()

    async def stop(self, grace_s: float) -> list[str]:
        """Ask every loop to finish, wait up to `grace_s`, cancel the rest and return their names.

        One that does not end within CANCEL_TIMEOUT_S of that either is left to the end of the process.
        """
        self._stop.set()
        if not self._tasks:
            return []
        _, pending = await asyncio.wait(self._tasks.values(), timeout=grace_s)
        late = [name for name, task in self._tasks.items() if task in pending]
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending, timeout=CANCEL_TIMEOUT_S)
        if deaf := [name for name, task in self._tasks.items() if not task.done()]:
            log.error(
                "cancelled, and still not ended after %g s: %s; the daemon stops without waiting longer, and what they "
                "had under way is taken up again when it starts",
                CANCEL_TIMEOUT_S,
                ", ".join(deaf),
            )
        return late
