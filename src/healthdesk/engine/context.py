"""What every engine loop and every operation is given: configuration, time, ids, store, secrets, network, news."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from healthdesk.clock import Clock
from healthdesk.config import Config
from healthdesk.connectors.registry import Registry
from healthdesk.connectors.session import GuardedSession
from healthdesk.domain.ids import IdFactory
from healthdesk.engine.apps import Authorizers
from healthdesk.engine.bus import EventBus
from healthdesk.engine.metrics import Metrics
from healthdesk.store.database import Store
from healthdesk.vault import Vault


@dataclass(frozen=True, slots=True)
class Context:
    """Everything injected. `jitter_unit()` answers a float in [0, 1); `random_bytes(n)` n random bytes."""

    config: Config
    clock: Clock
    ids: IdFactory
    store: Store
    vault: Vault
    bus: EventBus
    session: GuardedSession
    apps: Registry
    metrics: Metrics
    daemon_id: str
    jitter_unit: Callable[[], float]
    random_bytes: Callable[[int], bytes]
    authorizers: Authorizers = field(default_factory=Authorizers)

    def new_id(self, prefix: str) -> str:
        """Return a new time-ordered id, such as `rec_01JD…`."""
        return self.ids.new(prefix, self.clock.now())
