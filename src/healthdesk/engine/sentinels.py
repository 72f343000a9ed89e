"""Whether the desk itself is offline: then nothing it cannot reach is to blame, and nothing is judged.

A sentinel is a host and port: those of `[heartbeat] sentinels`, else the last three that answered. The desk is offline
when none of them accepts a TCP connection. The host at hand is no witness in its own case, and without any other the
desk cannot tell, so it takes itself for online.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import platform
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

from healthdesk.connectors.policy import AddressPolicy
from healthdesk.engine.context import Context
from healthdesk.errors import StoreUnavailable
from healthdesk.store import offline, past_checks

log = logging.getLogger(__name__)

HOSTS = 3
REMEMBERED = 8
"""More than are asked, so that three are left without the host at hand."""

CONNECT_S = 3.0
ASK_EVERY_S = 5.0
"""An answer of the sentinels is taken for true this long."""

Place = tuple[str, int]
Connects = Callable[[str, int], Awaitable[bool]]


@lru_cache(maxsize=4096)
def place_of(url: str) -> Place | None:
    """Return host and port of a URL, or None where it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname:
        return None
    return parts.hostname, port or (80 if parts.scheme == "http" else 443)


class Sentinels:
    """Answers whether this daemon is offline, and remembers since when."""

    def __init__(self, ctx: Context, connects: Connects | None = None) -> None:
        self._ctx = ctx
        self._connects = connects or GuardedConnects(ctx)
        self._configured = tuple(_configured(ctx.config.heartbeat.sentinels))
        self._answered: OrderedDict[Place, None] = OrderedDict()
        self._learnt_from_store = False
        self._accepted: tuple[Place, float] | None = None
        self._asked_at: float | None = None
        self._one_at_a_time = asyncio.Lock()
        self.host = platform.node()
        self.offline_since: datetime | None = None

    def answered(self, url: str) -> None:
        """Say that the host of this URL answered: it is a sentinel, and the desk online, unless others are configured.

        With sentinels configured only they tell: a host of our own network answers while the way out is closed.
        """
        place = place_of(url)
        if place is None or (self._configured and place not in self._configured):
            return
        self._answered[place] = None
        self._answered.move_to_end(place)
        while len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)
        self._accepted = (place, self._ctx.clock.monotonic())

    async def offline(self, url: str) -> bool:
        """Tell whether the desk is offline, now that the host of `url` could not be reached."""
        async with self._one_at_a_time:
            if self.offline_since is not None:
                return not await self._back()
            accused = place_of(url)
            if self._lately_accepted(accused):
                return False
            places = await self._witnesses(accused)
            if not places or await self._any_accepts(places):
                return False
            self.offline_since = self._ctx.clock.now()
            log.warning("the desk is offline: none of %s accepts a connection", _named(places))
            try:
                await self._ctx.store.write(offline.remember, self.host, self.offline_since)
            except StoreUnavailable as error:
                log.warning("a restart would forget that the desk is offline: %s", error)
            return True

    async def recall(self) -> None:
        """Take up what a daemon on this host that was stopped meanwhile had not told yet. Raises StoreUnavailable."""
        since = await self._ctx.store.read(offline.remembered, self.host)
        if self.offline_since is None:
            self.offline_since = since

    async def back(self) -> bool:
        """Look whether a desk that is offline is online again; ask no more often than every few seconds."""
        async with self._one_at_a_time:
            return await self._back()

    def forget(self) -> None:
        """Say that what had to be done once the desk is back is done."""
        self.offline_since = None

    async def _back(self) -> bool:
        since = self._asked_at
        if self._lately_accepted(None):
            return True
        if since is not None and self._ctx.clock.monotonic() - since < ASK_EVERY_S:
            return False
        return await self._any_accepts(await self._witnesses(None))

    def _lately_accepted(self, accused: Place | None) -> bool:
        if self._accepted is None:
            return False
        place, at = self._accepted
        return place != accused and self._ctx.clock.monotonic() - at < ASK_EVERY_S

    async def _witnesses(self, accused: Place | None) -> list[Place]:
        if self._configured:
            return [place for place in self._configured if place != accused]
        if self._ctx.config.security.use_proxy:
            return []  # who answered is reached through a proxy, and a connection of our own says nothing
        if not self._learnt_from_store:
            await self._learn()
        places = [place for place in reversed(self._answered) if place != accused]
        return places[:HOSTS]

    async def _learn(self) -> None:
        """Take the hosts that answered before this daemon started, older than those it heard itself."""
        try:
            urls = await self._ctx.store.read(past_checks.answered_urls)
        except StoreUnavailable as error:
            log.warning("which hosts answered lately is not known: %s", error)
            return
        self._learnt_from_store = True
        places = dict.fromkeys(place for url in urls if (place := place_of(url)) is not None)
        for place in list(places)[:REMEMBERED]:
            if place not in self._answered:
                self._answered[place] = None
                self._answered.move_to_end(place, last=False)

    async def _any_accepts(self, places: Sequence[Place]) -> bool:
        """Ask all at once; the first that accepts is enough."""
        asked = {asyncio.ensure_future(self._connects(*place)): place for place in places}
        try:
            async with asyncio.timeout(CONNECT_S):
                waiting = set(asked)
                while waiting:
                    done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        if task.result():
                            self._accepted = (asked[task], self._ctx.clock.monotonic())
                            return True
        except TimeoutError:
            log.debug("no sentinel accepted a connection within %d s", CONNECT_S)
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            self._asked_at = self._ctx.clock.monotonic()
        return False


class GuardedConnects:
    """Opens a TCP connection under the address policy and closes it again."""

    def __init__(self, ctx: Context) -> None:
        self._policy = AddressPolicy(ctx.config.security.allow_private_networks)

    async def __call__(self, host: str, port: int) -> bool:
        """Tell whether one of the host's allowed addresses accepts a connection."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
        except OSError:
            return False
        for address in dict.fromkeys(str(each[4][0]) for each in found):
            if not self._policy.allows(address):
                continue
            try:
                _, writer = await asyncio.open_connection(address, port)
            except OSError:
                continue
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return True
        return False


def _configured(sentinels: Iterable[str]) -> Iterable[Place]:
    for each in sentinels:
        host, _, port = each.rpartition(":")
        yield host.strip("[]"), int(port)


def _named(places: Iterable[Place]) -> str:
    return ", ".join(f"{host}:{port}" for host, port in places)
