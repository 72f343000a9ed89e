"""Tell systemd how the daemon is (sd_notify protocol: datagrams to $NOTIFY_SOCKET). Silent without systemd."""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping

from healthdesk.clock import Clock

log = logging.getLogger(__name__)

ALIVE = "WATCHDOG=1"
"""Said again soon, so it need not be heard each time."""

PATIENCE_S = 1.0
"""How long a service manager that is behind with reading is waited for, where it must hear what it is told."""


class ServiceManager:
    """READY=1, STOPPING=1 and WATCHDOG=1; source: systemd's sd_notify(3)."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        interval_us = environ.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(interval_us) / 1_000_000 if interval_us.isdigit() else 0.0

    def tell(self, state: str) -> None:
        """Send one state line; a service manager that is gone, or does not read, is logged and not waited for."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.settimeout(0 if state == ALIVE else PATIENCE_S)
                channel.sendto(state.encode(), address)
        except OSError as error:
            log.warning("systemd could not be told %s: %s", state, error)

    async def keep_watchdog(self, clock: Clock) -> None:
        """Say that the loop lives, twice per watchdog period, for ever."""
        while self.watchdog_s > 0:
            self.tell(ALIVE)
            await clock.sleep(self.watchdog_s / 2)
