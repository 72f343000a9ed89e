"""Builds one daemon's engine from its configuration."""

from __future__ import annotations

import logging
import os
import random
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from healthdesk.clock import Clock, SystemClock
from healthdesk.config import Config
from healthdesk.connectors.registry import Registry
from healthdesk.connectors.session import GuardedSession
from healthdesk.domain.ids import IdFactory
from healthdesk.engine.bus import EventBus
from healthdesk.engine.context import Context
from healthdesk.engine.engine import Engine
from healthdesk.engine.metrics import Metrics
from healthdesk.store.database import Store
from healthdesk.vault import Vault

log = logging.getLogger(__name__)


class Randomness:
    """The kernel's random bytes, fetched in large pieces: an id needs five, and each fetch is a system call.

    Any thread may call it; no byte is given out twice.
    """

    PIECE = 4096

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._piece = b""
        self._at = 0

    def __call__(self, count: int) -> bytes:
        """Return `count` random bytes."""
        if count > self.PIECE // 16:
            return os.urandom(count)
        with self._lock:
            if self._at + count > len(self._piece):
                self._piece, self._at = os.urandom(self.PIECE), 0
            self._at += count
            return self._piece[self._at - count : self._at]


def read_apps(config: Config) -> Registry:
    """Return the apps there are; a connector that cannot be used is logged with its reason, and left out."""
    apps = Registry.everything(config.connectors.folders)
    for refused in apps.refused:
        log.error("connector left out: %s; fix: %s", refused.what, refused.fix)
    return apps


@asynccontextmanager
async def built_engine(config: Config, clock: Clock | None = None) -> AsyncIterator[Engine]:
    """Open key, database and network and yield an engine that is not started yet.

    Raises VaultError for the key file and StoreError for the database; what was opened is closed again.
    """
    clock = clock or SystemClock()
    vault = Vault.open(config.security.key_file)
    ids = IdFactory(Randomness())
    daemon_id = ids.new("dmn", clock.now())
    store = await Store.open(config.storage.database_url, daemon_id=daemon_id, clock=clock, ids=ids)
    try:
        async with GuardedSession(
            config.security.allow_private_networks, use_proxy=config.security.use_proxy, clock=clock
        ) as session:
            engine = Engine(
                Context(
                    config=config,
                    clock=clock,
                    ids=ids,
                    store=store,
                    vault=vault,
                    bus=EventBus(clock, epoch=daemon_id),
                    session=session,
                    apps=read_apps(config),
                    metrics=Metrics(),
                    daemon_id=daemon_id,
                    jitter_unit=random.random,
                    random_bytes=os.urandom,
                )
            )
            try:
                yield engine
            finally:
                await engine.notifier.close()
    finally:
        await store.close()
