"""Where the daemon's operator socket may be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

SOCKET_VARIABLE = "HEALTHDESK_OPERATOR__SOCKET"
SYSTEM_SOCKET = Path("/run/healthdesk/operator.sock")


def find_socket(explicit: Path | None, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the sockets to try, in order.

    A socket that somebody named (`--socket`, or the environment) is the only one: falling through to
    another desk would answer about the wrong one.
    """
    if explicit is not None:
        return (explicit.expanduser(),)
    named = environ.get(SOCKET_VARIABLE, "")
    if named:
        return (Path(named).expanduser(),)
    runtime = environ.get("XDG_RUNTIME_DIR", "") or f"/run/user/{os.getuid()}"
    return (SYSTEM_SOCKET, Path(runtime) / "healthdesk" / "operator.sock")
