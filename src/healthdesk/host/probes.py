"""What `healthdesk doctor` looks at. Each probe returns a finding and raises nothing for a sick host."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import stat
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from healthdesk.clock import Clock
from healthdesk.config import Config
from healthdesk.config_values import split_address
from healthdesk.connectors.policy import is_literal
from healthdesk.connectors.registry import Registry
from healthdesk.domain.clocks import SKEW_FIX, SKEW_S, skew_sentence
from healthdesk.errors import VaultError
from healthdesk.host.check import Check, CheckStatus
from healthdesk.host.database import Seen
from healthdesk.host.lock import unsafe_directory
from healthdesk.vault import RESTORE_KEY, Vault, lost_key

OK, WARN, FAIL = CheckStatus.OK, CheckStatus.WARN, CheckStatus.FAIL

RELEASED = datetime(2025, 1, 1, tzinfo=UTC)
"""No clock that is right shows an earlier time."""

DISK_FAIL_BYTES = 100 * 1024**2
DISK_WARN_BYTES = 1024**3
PROBE_TIMEOUT_S = 5.0

SET_BACK = timedelta(minutes=1)
"""What the database has seen further ahead than this came of another clock."""


def check_key(key_file: Path, sealed: Sequence[str] = ()) -> Check:
    """Read the key file, send a word through it, and open secrets of the database with it."""
    try:
        vault = Vault.open(key_file)
        sound = vault.decrypt(vault.encrypt("word")) == "word"
        for token in sealed:
            vault.decrypt(token)
    except VaultError as error:
        if sealed and not key_file.exists():
            return Check("key", FAIL, lost_key(key_file), RESTORE_KEY)
        return Check("key", FAIL, str(error), error.fix)
    if not sound:
        return Check("key", FAIL, f"{key_file}: the key does not give back what it encrypted")
    if stat.S_IMODE(key_file.stat().st_mode) & 0o070 and "CREDENTIALS_DIRECTORY" not in os.environ:
        return Check("key", WARN, f"{key_file} can be read by its group", f"chmod 600 {key_file}")
    opens = ", and opens the secrets of the database" if sealed else ""
    return Check("key", OK, f"{key_file} encrypts and decrypts{opens}")


async def check_socket(path: Path, uid: int, config_path: Path | None = None) -> Check:
    """Look whether a daemon answers on the operator socket, and whether its directory is safe."""
    return await asyncio.to_thread(_look_at_socket, path, uid, config_path)


def _look_at_socket(path: Path, uid: int, config_path: Path | None) -> Check:
    option = f" --config {config_path}" if config_path else ""
    start = f"start `healthdesk daemon{option}`"
    try:
        if not path.parent.exists():
            return Check("socket", WARN, f"no daemon is running: {path} is not there", start)
        # The daemon's user owns the socket; before there is one, whoever asks will own it.
        owner = path.stat().st_uid if path.exists() else uid
        if reason := unsafe_directory(path.parent.stat(), owner):
            return Check("socket", FAIL, f"{path.parent}: {reason}", f"chmod 750 {path.parent}")
        if not path.exists():
            return Check("socket", WARN, f"no daemon is running: {path} is not there", start)
        if not path.is_socket():
            return Check("socket", FAIL, f"{path} is no socket", "move it away: the daemon never replaces it")
        status = _ask(path)
    except ConnectionRefusedError:
        return Check("socket", WARN, f"no daemon is running: {path} is a dead socket", start)
    except TimeoutError:
        return Check(
            "socket",
            FAIL,
            f"{path} is open, but no answer came in time",
            "look at the daemon's log, and restart it",
        )
    except OSError as error:
        return Check(
            "socket",
            FAIL,
            f"{path}: {error.strerror}",
            "join the group of the socket, or ask an administrator of this host",
        )
    if status == HTTPStatus.FORBIDDEN:
        return Check(
            "socket",
            WARN,
            f"a daemon answers on {path}, but this user has no role",
            "ask an administrator to add the user to [roles]",
        )
    if status != HTTPStatus.OK:
        return Check(
            "socket",
            FAIL,
            f"what answers on {path} is no healthy daemon (status {status})",
            "look at the daemon's log",
        )
    return Check("socket", OK, f"a daemon answers on {path}")


def _ask(path: Path) -> int:
    """Return the status of the desk's status page, or 0 for what is not HTTP."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_TIMEOUT_S)
        probe.connect(str(path))
        probe.sendall(b"GET /v1/status HTTP/1.1\r\nHost: healthdesk\r\nConnection: close\r\n\r\n")
        line = probe.makefile("rb").readline(200)
    match = re.match(rb"HTTP/1\.[01] (\d{3}) ", line)
    return int(match[1]) if match else 0


async def check_clock(clock: Clock, seen: Seen) -> Check:
    """Compare the clock with what is possible and with the database, and ask the host whether it is kept right."""
    now = clock.now()
    if not RELEASED <= now < RELEASED.replace(year=2100):
        return Check(
            "clock",
            FAIL,
            f"the clock says {now:%Y-%m-%d}: signatures and retries would be wrong",
            "set the host's clock, and keep it right with NTP",
        )
    if clock.monotonic() > clock.monotonic():
        return Check(
            "clock", FAIL, "the monotonic clock went backwards", "look at the host's kernel or hypervisor"
        )
    if abs(seen.ahead_s) > SKEW_S:
        return Check("clock", WARN, skew_sentence(seen.ahead_s), SKEW_FIX)
    if seen.newest is not None and seen.newest - now > SET_BACK:
        return Check(
            "clock",
            WARN,
            f"the clock says {now:%Y-%m-%d %H:%M} UTC, and the database holds something of "
            f"{seen.newest:%Y-%m-%d %H:%M} UTC: the clock was set back, or was ahead then",
            "set the host's clock, and keep it right with NTP; a restart of the daemon judges planned retries again",
        )
    synchronised = await _ntp_synchronised()
    if synchronised is None:
        return Check(
            "clock", OK, f"the clock says {now:%Y-%m-%d %H:%M} UTC; whether NTP keeps it is not known here"
        )
    if not synchronised:
        return Check(
            "clock",
            WARN,
            f"the clock says {now:%Y-%m-%d %H:%M} UTC, and NTP does not keep it",
            "timedatectl set-ntp true: signed callbacks are refused once the clock is 5 minutes off",
        )
    return Check("clock", OK, f"the clock says {now:%Y-%m-%d %H:%M} UTC, kept by NTP")


async def check_dns(hosts: Iterable[str], resolve: Callable[[str], None]) -> Check:
    """Resolve the hosts that the desk calls; with none, this host's own name for itself."""
    names = sorted({host for host in hosts if host and not is_literal(host)}) or ["localhost"]
    results = await asyncio.gather(*(_resolves(name, resolve) for name in names))
    lost = [f"{name} ({reason})" for name, reason in zip(names, results, strict=True) if reason]
    if lost:
        return Check(
            "dns",
            FAIL if len(lost) == len(names) else WARN,
            f"cannot be resolved: {', '.join(lost)}",
            "check /etc/resolv.conf, and the base URL of the connections that use these names",
        )
    return Check("dns", OK, f"resolved: {', '.join(names[:5])}" + (" and others" if len(names) > 5 else ""))


def check_connectors(folders: Sequence[Path]) -> Check:
    """Read every connector; one that cannot be used is left out by the daemon too."""
    apps = Registry.everything(folders)
    if not apps.refused:
        return Check("connectors", OK, f"{len(apps.list())} apps can be connected")
    first, *others = apps.refused
    more = f" (and {len(others)} more, see the daemon's log)" if others else ""
    return Check("connectors", WARN, f"left out: {first.what}{more}", first.fix)


def check_disk(data_dir: Path) -> Check:
    """Look how much room the file system of the data directory has."""
    place = next(path for path in (data_dir.absolute(), *data_dir.absolute().parents) if path.exists())
    usage = shutil.disk_usage(place)
    room = f"{usage.free / 1024**3:.1f} GiB free for {data_dir}"
    fix = "free some room, move [storage] data_dir, or shorten [storage] retention_days"
    if not os.access(place, os.W_OK | os.X_OK):
        return Check("disk", FAIL, f"{place} cannot be written", "make it writable for the daemon's user")
    if usage.free < DISK_FAIL_BYTES:
        return Check("disk", FAIL, f"only {room}", fix)
    if usage.free < DISK_WARN_BYTES:
        return Check("disk", WARN, f"only {room}", fix)
    return Check("disk", OK, room)


def resolve(host: str) -> None:
    """Resolve a host the way the daemon does; OSError where that fails."""
    socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)


def configured_hosts(config: Config) -> tuple[str, ...]:
    """Return the hosts that the config itself names."""
    sentinels = (split_address(sentinel)[0] for sentinel in config.heartbeat.sentinels)
    database = urlsplit(config.storage.database_url).hostname or ""
    return (*sentinels, database)


async def _resolves(host: str, resolve: Callable[[str], None]) -> str:
    """Return why a name cannot be resolved, or an empty string."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await asyncio.to_thread(resolve, host)
    except TimeoutError:
        return "no answer in time"
    except OSError as error:
        return error.strerror or str(error)
    except UnicodeError:
        return "not a host name"
    return ""


async def _ntp_synchronised() -> bool | None:
    """Ask systemd; None where it is not there or does not say."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            process = await asyncio.create_subprocess_exec(
                "timedatectl",
                "show",
                "--property=NTPSynchronized",
                "--value",
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                stdin=asyncio.subprocess.DEVNULL,
            )
            answer, _ = await process.communicate()
    except (OSError, TimeoutError):
        return None
    return {b"yes": True, b"no": False}.get(answer.strip())
