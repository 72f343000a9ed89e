"""`healthdesk doctor`: checks what a desk needs of its host; each finding says what to do about it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from healthdesk.clock import Clock, SystemClock
from healthdesk.config import Config, load_config
from healthdesk.errors import ConfigError
from healthdesk.host import probes
from healthdesk.host.check import Check, CheckStatus, worst
from healthdesk.host.database import Seen, check_database

# What the store logs about a sick database is in the findings, with its fix.
logging.getLogger("healthdesk").addHandler(logging.NullHandler())

__all__ = ["Check", "CheckStatus", "Report", "examine"]


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order in which a desk is put together."""

    checks: tuple[Check, ...]

    @property
    def status(self) -> CheckStatus:
        """The worst finding."""
        return worst(self.checks)

    @property
    def ok(self) -> bool:
        """Whether nothing failed; the command's exit code says the same."""
        return self.status is not CheckStatus.FAIL

    def as_json(self) -> dict[str, object]:
        """Return the report as JSON values."""
        return {"status": self.status.value, "checks": [check.as_json() for check in self.checks]}


async def examine(
    config_path: Path | None,
    environ: Mapping[str, str],
    *,
    clock: Clock | None = None,
    resolve: Callable[[str], None] = probes.resolve,
    uid: int | None = None,
) -> Report:
    """Run every check. A check that cannot run for want of another one says so."""
    clock = clock or SystemClock()
    uid = os.getuid() if uid is None else uid
    checks: list[Check] = []
    config: Config | None = None
    try:
        config = load_config(config_path, environ, uid=uid)
    except ConfigError as error:
        checks.append(Check("config", CheckStatus.FAIL, str(error), error.fix))
    else:
        checks.append(Check("config", CheckStatus.OK, "every key is known and every value fits"))
    hosts: tuple[str, ...] = ()
    seen = Seen()
    if config is None:
        unknown = "not checked, because the config cannot be read"
        checks.extend(
            Check(name, CheckStatus.WARN, unknown)
            for name in ("key", "database", "socket", "disk", "connectors")
        )
    else:
        finding, seen = await check_database(config, clock)
        checks.append(probes.check_key(config.security.key_file, seen.sealed))
        hosts = (*seen.hosts, *probes.configured_hosts(config))
        checks.append(finding)
        checks.append(await probes.check_socket(config.operator.socket, uid, config_path))
        checks.append(probes.check_disk(config.storage.data_dir))
        checks.append(probes.check_connectors(config.connectors.folders))
    checks.append(await probes.check_clock(clock, seen))
    checks.append(await probes.check_dns(hosts, resolve))
    return Report(tuple(checks))
