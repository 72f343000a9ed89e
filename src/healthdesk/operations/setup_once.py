"""The desk within one transaction: operations that change it in many steps become one, which is there whole or not at all.

Operations are written for a store that each of their steps waits for. Here every step is taken at once, on the connection of
the transaction that is open, so that nothing is waited for; what is to be begun or told after a change is left for later.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar, cast

from healthdesk.domain.states import Environment, HoldReason, Trigger
from healthdesk.engine.bus import EventBus
from healthdesk.engine.channel_url import CheckedChannel
from healthdesk.engine.context import Context
from healthdesk.engine.engine import Engine
from healthdesk.operations.desk import Conn, Desk
from healthdesk.store.database import Store

T = TypeVar("T")

Told = tuple[str, str]
"""Topic and id of something that changed."""


class _Store:
    """Reads and writes on the open connection."""

    def __init__(self, conn: Conn) -> None:
        self._conn = conn

    async def read(self, query: Callable[..., T], *args: Any, **kw: Any) -> T:
        return query(self._conn, *args, **kw)

    async def write(self, query: Callable[..., T], *args: Any, **kw: Any) -> T:
        return query(self._conn, *args, **kw)


class _Bus:
    """Keeps what is to be told once the transaction is there."""

    def __init__(self) -> None:
        self.told: dict[Told, None] = {}

    def publish(self, topic: str, object_id: str = "") -> None:
        self.told[topic, object_id] = None


class _Loop:
    """A loop of the engine: it is woken when the transaction is there."""

    def wake(self) -> None:
        """Do nothing yet."""

    def put_off_since(self, _connection_id: str) -> datetime | None:
        """Return that no check was put off: of what is new there was none."""
        return None


@dataclass(slots=True)
class _Engine:
    """What operations ask of the engine while they change the set-up."""

    ctx: Context
    urls: Mapping[str, CheckedChannel]
    heartbeats: _Loop = field(default_factory=_Loop)
    instances: _Loop = field(default_factory=_Loop)
    pings: _Loop = field(default_factory=_Loop)
    silence: _Loop = field(default_factory=_Loop)
    templates: _Loop = field(default_factory=_Loop)

    async def refresh(self) -> None:
        """Read nothing again yet."""

    async def check_now(self, connection_id: str, trigger: Trigger = Trigger.OPERATOR) -> None:
        """Check nothing yet: what is due is checked when the engine is woken."""

    async def check_channel_url(self, url: str) -> CheckedChannel:
        """Return what was found of a channel's URL before the transaction."""
        return self.urls[url]

    def hold_state(self, _integration_id: str, _environment: Environment) -> HoldReason | None:
        """Return no reason: it is for what is shown, and nothing is."""
        return None


@dataclass(frozen=True, slots=True)
class Once:
    """A desk whose operations all happen on one connection; `told` is what changed."""

    desk: Desk
    bus: _Bus

    @property
    def told(self) -> list[Told]:
        """Return what is to be told once the transaction is there."""
        return list(self.bus.told)


def within(desk: Desk, conn: Conn, urls: Mapping[str, CheckedChannel]) -> Once:
    """Return the desk within the transaction of a connection; `urls` are those of channels, checked before."""
    bus = _Bus()
    ctx = replace(desk.ctx, store=cast("Store", _Store(conn)), bus=cast("EventBus", bus))
    return Once(replace(desk, engine=cast("Engine", _Engine(ctx, urls))), bus)


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Return what operations come to that wait for nothing: the transaction they are in holds up every other write."""
    try:
        work.send(None)
    except StopIteration as done:
        found: T = done.value
        return found
    work.close()
    raise AssertionError("an operation waited within a transaction")
