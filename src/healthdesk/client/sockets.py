"""Where the daemon's operator socket may be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from healthdesk.paths import SYSTEM_SOCKET, default_paths

SOCKET_VARIABLE = "HEALTHDESK_OPERATOR__SOCKET"


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
    places = [SYSTEM_SOCKET]
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/"):
        places.append(Path(runtime) / "healthdesk" / "operator.sock")
    places.append(default_paths(environ).socket)
    return tuple(dict.fromkeys(places))
