"""Where things live when nothing says otherwise. Standard library only, so that the CLI can ask cheaply."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SYSTEM_SOCKET = Path("/run/healthdesk/operator.sock")
CREDENTIAL_NAME = "healthdesk-key"
MAX_SOCKET_PATH_BYTES = 107
"""The longest path a Unix socket can have: sun_path is 108 bytes with its closing zero."""


@dataclass(frozen=True, slots=True)
class DefaultPaths:
    """The places of one desk."""

    config: Path
    data_dir: Path
    socket: Path
    key_file: Path


def default_paths(environ: Mapping[str, str], uid: int | None = None) -> DefaultPaths:
    """Return the places of a desk of the whole host (root) or of one user (XDG base directories)."""
    uid = os.getuid() if uid is None else uid
    if uid == 0:
        config = Path("/etc/healthdesk/config.toml")
        return DefaultPaths(
            config, Path("/var/lib/healthdesk"), SYSTEM_SOCKET, config.with_name("healthdesk.key")
        )
    home = Path(environ.get("HOME") or Path.home())
    config = _xdg(environ, "XDG_CONFIG_HOME", home / ".config") / "healthdesk" / "config.toml"
    data_dir = _xdg(environ, "XDG_DATA_HOME", home / ".local" / "share") / "healthdesk"
    # A service without a login session has no runtime directory; /tmp is not safe, the data directory is.
    session = Path(f"/run/user/{uid}")
    runtime = _xdg(environ, "XDG_RUNTIME_DIR", session if session.is_dir() else data_dir / "run")
    socket_dir = runtime / "healthdesk"
    return DefaultPaths(config, data_dir, socket_dir / "operator.sock", config.with_name("healthdesk.key"))


def paths_under(folder: Path) -> DefaultPaths:
    """Return the places of a desk that keeps everything in one folder."""
    return DefaultPaths(
        config=folder / "config.toml",
        data_dir=folder / "data",
        socket=folder / "run" / "operator.sock",
        key_file=folder / "healthdesk.key",
    )


def credential_key_file(environ: Mapping[str, str]) -> Path | None:
    """Return the key file that systemd hands to the service, or None."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    path = Path(folder) / CREDENTIAL_NAME
    return path if path.is_file() else None


def _xdg(environ: Mapping[str, str], name: str, default: Path) -> Path:
    """Return the directory a variable names; the specification says to ignore relative ones."""
    value = environ.get(name, "")
    return Path(value) if value.startswith("/") else default
