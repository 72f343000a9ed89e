"""The kinds of value config.toml can hold. Each says what is wrong with a value, and the likely fix."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Strict, ValidationInfo
from pydantic_core import PydanticCustomError

from healthdesk.paths import MAX_SOCKET_PATH_BYTES

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*")
_PRINCIPAL = re.compile(r"@?[^\s@,:]+")


def wrong(what: str, fix: str) -> PydanticCustomError:
    """Return the error for a wrong value; the loader adds the file and the key."""
    return PydanticCustomError("setting", "{what}", {"what": what, "fix": fix})


def _duration(value: Any) -> float:
    fix = 'write a number with a unit, such as "30s", "5m", "2h" or "1d", or a number of seconds'
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value)
    elif isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        seconds = float(match[1]) * _UNITS_S[match[2] or "s"]
    else:
        raise wrong(f"{value!r} is not a duration", fix)
    if not math.isfinite(seconds) or seconds < 0:
        raise wrong(f"{value!r} is not a duration", fix)
    return seconds


def _path(value: Any, info: ValidationInfo) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip():
        raise wrong(f"{value!r} is not a path", 'write a path in quotes, such as "/var/lib/healthdesk"')
    try:
        path = Path(value).expanduser()
    except RuntimeError:
        raise wrong(f"{value!r} names a home directory that is not known", "write the whole path") from None
    base = (info.context or {}).get("base")
    return base / path if base is not None else path


def _socket_path(value: Any, info: ValidationInfo) -> Path:
    path = _path(value, info)
    length = len(str(path).encode())
    if length > MAX_SOCKET_PATH_BYTES:
        raise wrong(
            f"the path is {length} bytes long and a Unix socket can have at most {MAX_SOCKET_PATH_BYTES}",
            "choose a directory with a shorter path",
        )
    return path


def _network(value: Any) -> IPv4Network | IPv6Network:
    fix = 'write a network such as "10.0.0.0/8", "127.0.0.1" or "fd00::/8"'
    if isinstance(value, (IPv4Network, IPv6Network)):
        return value
    if not isinstance(value, str):
        raise wrong(f"{value!r} is not a network", fix)
    try:
        return ip_network(value.strip(), strict=True)
    except ValueError as error:
        raise wrong(f"{value!r} is not a network ({error})", fix) from None


def split_address(text: str) -> tuple[str, int]:
    """Return the host and the port of `host:port` or `[v6]:port`; ValueError where it is neither."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(text)
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1], int(port)
    if not host or ":" in host or re.search(r"[\s/]", host):
        raise ValueError(text)
    return host, int(port)


def _address(value: Any) -> str:
    fix = 'write host and port in quotes, such as "127.0.0.1:8085" or "[::1]:8085"'
    if not isinstance(value, str):
        raise wrong(f"{value!r} is not an address", fix)
    try:
        split_address(value.strip())
    except ValueError:
        raise wrong(f"{value!r} is not an address", fix) from None
    return value.strip()


def check_public_url(value: Any) -> str:
    """Return the URL without a closing slash; "" stands for the address the daemon listens on."""
    fix = 'write the address outsiders use, such as "https://desk.example.org"'
    if not isinstance(value, str):
        raise wrong(f"{value!r} is not a URL", fix)
    text = value.strip().rstrip("/")
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise wrong(f"{value!r} is not an http or https URL", fix)
    return text


def check_database_url(value: Any, base: Path | None) -> str:
    """Return the URL of an SQLite file, made absolute, or of a PostgreSQL database. Never repeats the value."""
    fix = 'write "sqlite:////absolute/path.db" or "postgresql://user:password@host/database"'
    if not isinstance(value, str):
        raise wrong("this is not a database URL", fix)
    scheme, colon, rest = value.strip().partition("://")
    kind = scheme.partition("+")[0]
    if not colon or kind not in ("sqlite", "postgresql", "postgres"):
        raise wrong(f"{scheme if colon else 'this'!r} is no database that healthdesk knows", fix)
    if kind != "sqlite":
        return f"postgresql://{rest}"
    name = rest.removeprefix("/")
    if not rest.startswith("/") or not name or name.startswith(":memory:"):
        raise wrong("a desk needs a database file: what is in memory is lost at the next stop", fix)
    file = Path(name).expanduser()
    return f"sqlite:///{base / file if base is not None else file}"


def _principals(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise wrong(f"{value!r} is not a list", 'write a list, such as ["anna", "@desk-operators"]')
    for name in value:
        if not isinstance(name, str) or not _PRINCIPAL.fullmatch(name):
            raise wrong(
                f"{name!r} is neither a user nor an @group", 'write "anna" for a user or "@desk" for a group'
            )
    return tuple(value)


def _schedule(value: Any) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)) or not value:
        raise wrong(
            f"{value!r} is not a list of waiting times",
            'write the wait before each try, such as ["0s", "5s", "5m"]',
        )
    return tuple(value)


Seconds = Annotated[float, BeforeValidator(_duration)]
Schedule = Annotated[tuple[Seconds, ...], BeforeValidator(_schedule)]
Directory = Annotated[Path, BeforeValidator(_path)]
SocketPath = Annotated[Path, BeforeValidator(_socket_path)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Address = Annotated[str, BeforeValidator(_address)]
PublicUrl = Annotated[str, BeforeValidator(check_public_url)]
Principals = Annotated[tuple[str, ...], BeforeValidator(_principals)]
Whole = Annotated[int, Strict()]
Switch = Annotated[bool, Strict()]
