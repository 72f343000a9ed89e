"""How many files this process may have open."""

from __future__ import annotations

import logging
import resource

log = logging.getLogger(__name__)

WANTED = 65_536


def raise_open_files() -> None:
    """Take as many open files as the host allows, up to WANTED: 1024, the usual start, is soon full of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:
        log.warning("the limit of open files stays at %d: %s", soft, error)
