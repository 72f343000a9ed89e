"""The outbox loop: takes due alerts from the store, words them as things are now, sends each, keeps what came of it.

An alert is one problem's news to one channel. Its intent is committed before it is sent and its result after,
so a crash in between sends it again: at least once. Messages of a channel leave one after the other; channels do
not wait for each other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Protocol

from healthdesk.domain.alerts import render_alert, render_test
from healthdesk.domain.retry import next_attempt_at
from healthdesk.domain.states import AlertEvent
from healthdesk.engine.alert_facts import facts_of, is_taken
from healthdesk.engine.channel_url import CheckedChannel, refuse_unsafe
from healthdesk.engine.context import Context
from healthdesk.engine.notify_process import ChildSettings, NotifySender, SendResult
from healthdesk.errors import ChannelError, StoreUnavailable, VaultError
from healthdesk.store import alerts as queries
from healthdesk.store.rows import ClaimedAlert

log = logging.getLogger(__name__)

PARALLEL = 8
"""Channels that are sent to at the same time, each by a process of its own."""

POLL_S = 1.0
STORE_RETRY_S = 0.5
JITTER = 0.2

_TYPES = {
    AlertEvent.OPENED: "failure",
    AlertEvent.REOPENED: "failure",
    AlertEvent.RECOVERED: "success",
    AlertEvent.TEST: "info",
}


class Sends(Protocol):
    """What the loop sends with; tests give their own."""

    async def send(self, url: str, title: str, body: str, *, type_: str, timeout_s: float) -> SendResult:
        """Send one message."""
        ...

    async def check(self, url: str, *, timeout_s: float) -> CheckedChannel:
        """Check a URL."""
        ...

    async def close(self) -> None:
        """Let go of what sending needs; it comes back with the next message."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelTestResult:
    """What became of a test message; `log` is what Apprise said, secrets left out."""

    ok: bool
    sentence: str
    duration_ms: float
    log: str = ""


class Notifier:
    """Sends the outbox."""

    def __init__(self, ctx: Context, *, sender: Sends | None = None, parallel: int = PARALLEL) -> None:
        self._ctx = ctx
        self._sender = sender or NotifySender(child_settings(ctx), ctx.clock)
        self._parallel = parallel
        self._wake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._open: set[str] = set()
        self._in_doubt = False

    def wake(self) -> None:
        """Say that the outbox may hold a new message; never blocks."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due until `stop`, then let messages under way finish."""
        stopper = asyncio.create_task(stop.wait())
        stopper.add_done_callback(lambda _: self._wake.set())
        try:
            while not stop.is_set():
                self._wake.clear()
                if self._ctx.config.alerts.enabled:
                    await self._turn()
                await self._pause(POLL_S)
            await asyncio.gather(*self._busy.values())
        finally:
            stopper.cancel()
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(stopper, *self._busy.values(), return_exceptions=True)
            self._busy.clear()
            self._open.clear()
            self._in_doubt = True  # what was under way when the loop died is sent when it starts again
            await self._sender.close()

    async def close(self) -> None:
        """Let go of what sending needs, where the loop did not: a channel is checked without it, too."""
        await self._sender.close()

    async def test_channel(self, url: str, name: str) -> ChannelTestResult:
        """Send a test message now and tell what became of it; nothing is queued."""
        began = self._ctx.clock.monotonic()
        try:
            refuse_unsafe(url)
        except ChannelError as error:
            return ChannelTestResult(ok=False, sentence=str(error), duration_ms=0.0)
        title, body = render_test(name, self._ctx.clock.now())
        result = await self._send(url, AlertEvent.TEST, title, body)
        took_ms = (self._ctx.clock.monotonic() - began) * 1000
        return ChannelTestResult(result.ok, result.sentence, took_ms, result.log)

    async def check_url(self, url: str) -> CheckedChannel:
        """Return a URL's masked form and service; ChannelError names the wrong part and the right form."""
        return await self._sender.check(url, timeout_s=self._ctx.config.alerts.timeout_s)

    async def _turn(self) -> None:
        """Claim what is due for channels that are free, and start sending it."""
        free = self._parallel - len(self._busy)
        if free <= 0:
            return
        store, now = self._ctx.store, self._ctx.clock.now()
        try:
            if self._in_doubt:
                await self._find_lost(now)
            due = await store.read(queries.next_due)
            if due is None or due > now:
                return
            claimed = await store.write(queries.claim, now, free, skip_channels=tuple(self._busy))
        except StoreUnavailable as error:
            self._in_doubt = True
            log.error("the outbox cannot be read: %s", error)
            return
        self._open.update(message.id for message in claimed)
        by_channel = attrgetter("channel_id")
        for channel_id, messages in groupby(sorted(claimed, key=by_channel), key=by_channel):
            task = asyncio.create_task(self._send_all(list(messages)), name=f"healthdesk:notify:{channel_id}")
            self._busy[channel_id] = task
            task.add_done_callback(partial(self._ended, channel_id))

    async def _find_lost(self, now: datetime) -> None:
        """Queue again messages that the database holds for this daemon and that this daemon knows nothing of."""
        known = tuple(self._open)
        lost = await self._ctx.store.write(
            queries.recover_lost, now, daemon_id=self._ctx.daemon_id, known=known
        )
        self._in_doubt = False
        if lost:
            log.warning("%d messages were claimed and not sent; they are sent now", lost)

    def _ended(self, channel_id: str, task: asyncio.Task[None]) -> None:
        self._busy.pop(channel_id, None)
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            self._in_doubt = True
            log.error("sending to channel %s died", channel_id, exc_info=task.exception())

    async def _send_all(self, messages: Sequence[ClaimedAlert]) -> None:
        """Send the claimed messages of one channel, in order."""
        try:
            for message in messages:
                await self._send_one(message)
        finally:
            self._open.difference_update(message.id for message in messages)

    async def _send_one(self, claimed: ClaimedAlert) -> None:
        store, problem, now = self._ctx.store, claimed.problem, self._ctx.clock.now()
        if problem is not None and is_taken(problem, claimed.event):
            await self._keep_trying(partial(store.write, queries.supersede, claimed.id), claimed)
            self._tell(claimed, "superseded")
            return
        if problem is not None and problem.muted_until is not None and now < problem.muted_until:
            until = problem.muted_until
            await self._keep_trying(partial(store.write, queries.postpone, claimed.id, until), claimed)
            self._ctx.bus.publish("alert.changed", claimed.id, {"state": "queued"})
            return
        title, body = self._word(claimed, now)
        try:
            url = self._ctx.vault.decrypt(claimed.url_enc)
        except VaultError as error:
            result = SendResult(ok=False, sentence=f"{error}. {error.fix}".strip(), retryable=True)
        else:
            result = await self._send(url, claimed.event, title, body)
        next_at = None if result.ok else self._next_at(claimed, result)
        await self._settle(claimed, result, title, body, next_at)

    def _word(self, claimed: ClaimedAlert, now: datetime) -> tuple[str, str]:
        """Return title and body: of the problem as it is now, or what the message was queued with."""
        if claimed.problem is not None:
            resolved_at = claimed.problem.resolved_at if claimed.event is AlertEvent.RECOVERED else None
            return render_alert(claimed.event, facts_of(claimed.problem, resolved_at or now))
        if claimed.title:
            return claimed.title, claimed.body
        return render_test(claimed.channel_name, now)

    async def _send(self, url: str, event: AlertEvent, title: str, body: str) -> SendResult:
        timeout_s = self._ctx.config.alerts.timeout_s
        return await self._sender.send(url, title, body, type_=_TYPES[event], timeout_s=timeout_s)

    def _next_at(self, claimed: ClaimedAlert, result: SendResult) -> datetime | None:
        """Return when a message that failed is sent again, or None: it cannot arrive, or was tried enough."""
        if not result.retryable:
            return None
        return next_attempt_at(
            self._ctx.clock.now(),
            claimed.tries,
            self._ctx.config.alerts.schedule,
            self._ctx.jitter_unit(),
            result.retry_after_s,
            jitter=JITTER,
        )

    async def _settle(
        self, claimed: ClaimedAlert, result: SendResult, title: str, body: str, next_at: datetime | None
    ) -> None:
        """Commit what became of a send."""
        commit = partial(
            self._ctx.store.write,
            queries.settle,
            claimed.id,
            self._ctx.clock.now(),
            ok=result.ok,
            title=title,
            body=body,
            error="" if result.ok else result.sentence,
            next_at=next_at,
        )
        await self._keep_trying(commit, claimed)
        outcome = "sent" if result.ok else "retrying" if next_at else "failed"
        if outcome == "failed":
            log.error("alert %s to %s failed for good: %s", claimed.id, claimed.channel_name, result.sentence)
        self._tell(claimed, outcome)
        self._ctx.bus.publish("channel.changed", claimed.channel_id)

    async def _keep_trying(self, commit: Callable[[], Awaitable[None]], claimed: ClaimedAlert) -> None:
        """Commit, however long the store takes to come back: a sent message must not be sent again."""
        while True:
            try:
                await commit()
            except StoreUnavailable as error:
                log.error("what became of alert %s cannot be stored yet: %s", claimed.id, error)
                await self._ctx.clock.sleep(STORE_RETRY_S)
            else:
                return

    def _tell(self, claimed: ClaimedAlert, outcome: str) -> None:
        self._ctx.metrics.alerts.labels(result=outcome).inc()
        self._ctx.bus.publish("alert.changed", claimed.id, {"state": outcome})

    async def _pause(self, seconds: float) -> None:
        sleeper = asyncio.ensure_future(self._ctx.clock.sleep(seconds))
        waker = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({sleeper, waker}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            waker.cancel()


def child_settings(ctx: Context) -> ChildSettings:
    """Return what the sending process may reach and may not read, from the configuration."""
    security = ctx.config.security
    return ChildSettings(
        allow=security.allow_private_networks,
        protected=(security.key_file, ctx.config.storage.data_dir),
        use_proxy=security.use_proxy,
    )
