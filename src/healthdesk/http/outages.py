"""What outsiders read of a fault of the database or the key: that there is one. What it is, the log tells operators."""

from __future__ import annotations

import logging

from aiohttp import web

from healthdesk.clock import Clock
from healthdesk.errors import StoreError, VaultError
from healthdesk.http.problem_details import respond_any

log = logging.getLogger(__name__)

LOGGED_EVERY_S = 10.0

WHAT = "the database cannot be used now"
FIX = "Try again after the time that Retry-After names. The daemon's log says what is wrong."

KEY_FIX = "Tell whoever runs this desk. The daemon's log says what is wrong."


class Outages:
    """Answers of the public listener. A driver's message may name the database's address, file or user; the vault's, its
    key file.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._logged_at: float | None = None

    def respond(self, error: Exception, *, instance: str) -> web.Response:
        """Return the answer for whatever a handler raised; a fault of the database or the key is logged and not told."""
        if isinstance(error, StoreError):
            self._log(error)
            error = type(error)(WHAT, fix=FIX)
        elif isinstance(error, VaultError):
            log.error("%s: %s", instance, error)
            error = VaultError("a secret that this needs cannot be read", fix=KEY_FIX)
        return respond_any(error, instance=instance)

    def _log(self, error: StoreError) -> None:
        """Log what is wrong, now and then: while a database is away every request is about it."""
        now = self._clock.monotonic()
        if self._logged_at is None or now - self._logged_at >= LOGGED_EVERY_S:
            self._logged_at = now
            log.warning("requests are answered 503: %s", error)
