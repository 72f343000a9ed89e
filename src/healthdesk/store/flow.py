"""How records move other than by being sent: held, released, recovered, resent."""

from healthdesk.store.holding import hold_some, release_some
from healthdesk.store.recovery import due_environments, next_due, recover_interrupted
from healthdesk.store.resending import resend, resend_all, resend_plan

__all__ = [
    "due_environments",
    "hold_some",
    "next_due",
    "recover_interrupted",
    "release_some",
    "resend",
    "resend_all",
    "resend_plan",
]
