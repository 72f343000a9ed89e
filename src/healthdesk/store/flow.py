"""How records move other than by being sent: held, released, due, recovered."""

from healthdesk.store.holding import hold_some, release_some
from healthdesk.store.recovery import due_environments, next_due, recover_interrupted

__all__ = [
    "due_environments",
    "hold_some",
    "next_due",
    "recover_interrupted",
    "release_some",
]
