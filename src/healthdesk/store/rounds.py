"""What checks found, kept together. Most of a round finds a connection as it was: those take three statements for all.

A statement built for each check costs several times what SQLite does with it (`bulk` says why rows go in together).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from healthdesk.domain.exchange import Failure
from healthdesk.domain.health import HealthChange
from healthdesk.domain.identity import Identity
from healthdesk.domain.problems import ProblemKey
from healthdesk.domain.standing import STANDING_KINDS
from healthdesk.domain.states import ConnectionState
from healthdesk.errors import NotFound
from healthdesk.store.bulk import Row, with_values
from healthdesk.store.checks import set_health
from healthdesk.store.columns import dump_json, dump_texts, load_rows, to_micros
from healthdesk.store.rows import HeartbeatRow, ProblemChanges
from healthdesk.store.scope import driver, on_sqlite

_STANDING = ", ".join(f"'{kind.value}'" for kind in sorted(STANDING_KINDS))

STEADY = f"""
    SELECT json_group_array(json_array(
        id, settings_version, account, identity, identity_connected, expires_at, expires_from, expiry_warned))
    FROM connections
    WHERE id IN (SELECT value FROM json_each(?)) AND deleted_at IS NULL AND state = 'connected'
      AND last_healthy IS NOT NULL AND flapping_since IS NULL
      AND NOT EXISTS (
          SELECT 1 FROM problems
          WHERE problems.connection_id = connections.id AND problems.connection_failing
            AND problems.kind NOT IN ({_STANDING}))
"""  # noqa: S608 - our own words
"""Connections that are well: a good check of them changes neither their state nor a problem."""

KEEP_HEALTHY = """
    WITH v(id, heartbeat_id, at, kept_at, next_check, suspect_checks) AS (VALUES {values})
    UPDATE connections SET last_good_check = v.heartbeat_id, last_checked = v.at, last_healthy = v.kept_at,
        next_check = v.next_check, suspect_checks = v.suspect_checks, failure = NULL, first_bad_check = NULL
    FROM v WHERE connections.id = v.id
"""
KEEP_CHECK = """
    INSERT INTO heartbeats (id, connection_id, at, trigger, ok, status, duration_ms, kind, sentence, state_after,
        response_headers, response_cut, response_body, method, url, identity) VALUES {values}
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check, or the evidence of deliveries, decided: what `set_health` takes. `now` is when it is kept."""

    connection_id: str
    change: HealthChange
    failure: Failure | None
    key: ProblemKey | None
    heartbeat: HeartbeatRow | None
    now: datetime
    version: int
    identity: Identity | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Steady:
    """What a connection that is well knows of its credential. Times are microseconds, identities their JSON."""

    version: int
    account: str
    identity: str | None
    identity_connected: str | None
    expires_at: int | None
    expires_from: str
    expiry_warned: int | None

    def stays(self, found: Finding) -> bool:
        """Tell whether a check changes nothing but when the connection was found well."""
        beat, whose = found.heartbeat, found.identity
        if beat is None or not beat.ok or found.change.state is not ConnectionState.CONNECTED:
            return False
        if found.failure is not None or found.version != self.version:
            return False
        if whose is not None and (
            self.identity != self.identity_connected
            or self.identity != dump_json(whose.to_json())
            or self.account != whose.label
        ):
            return False
        ends_at = found.expires_at or (whose.expires_at if whose else None)
        if ends_at is None or self.expires_from == "entered":
            return True
        return self.expires_at == to_micros(ends_at) and self.expiry_warned is None


def keep_one(conn: Connection, found: Finding) -> ProblemChanges | None:
    """Keep what one check found, as `set_health` does and says."""
    return set_health(
        conn,
        found.connection_id,
        found.change,
        found.failure,
        found.key,
        found.heartbeat,
        found.now,
        version=found.version,
        identity=found.identity,
        expires_at=found.expires_at,
    )


def keep_all(conn: Connection, findings: Sequence[Finding]) -> list[ProblemChanges | NotFound | None]:
    """Keep what several checks found and return for each what `set_health` would, or that its connection is gone."""
    steady = _steady(conn, findings) if on_sqlite(conn) else {}
    kept: list[ProblemChanges | NotFound | None] = []
    checks: list[Row] = []
    healthy: list[Row] = []
    for found in findings:
        known = steady.get(found.connection_id)
        if known is not None and found.heartbeat is not None and known.stays(found):
            checks.append(_check(found.heartbeat))
            healthy.append(_health(found, found.heartbeat))
            kept.append(ProblemChanges())
            continue
        try:
            kept.append(keep_one(conn, found))
        except NotFound as error:  # it looks for its row first, and has changed nothing
            kept.append(error)
    if checks:
        with_values(conn, KEEP_CHECK, checks)
        with_values(conn, KEEP_HEALTHY, healthy)
    return kept


def _steady(conn: Connection, findings: Sequence[Finding]) -> dict[str, Steady]:
    """Return the connections that are well and have one finding: of several each is judged by the one before."""
    once = [each for each, count in Counter(found.connection_id for found in findings).items() if count == 1]
    rows: list[list[Any]] = load_rows(driver(conn).execute(STEADY, (json.dumps(once),)).fetchone()[0])
    return {connection_id: Steady(*facts) for connection_id, *facts in rows}


def _health(found: Finding, beat: HeartbeatRow) -> Row:
    change = found.change
    return (
        found.connection_id,
        beat.id,
        to_micros(beat.at),
        to_micros(found.now),
        to_micros(change.next_check_at),
        change.suspect_checks,
    )


def _check(beat: HeartbeatRow) -> Row:
    return (
        beat.id,
        beat.connection_id,
        to_micros(beat.at),
        beat.trigger.value,
        beat.ok,
        beat.status,
        beat.duration_ms,
        beat.kind,
        beat.sentence,
        beat.state_after.value,
        dump_texts(beat.response_headers),
        beat.response_cut,
        beat.response_body,
        beat.method,
        beat.url,
        None if beat.identity is None else dump_json(beat.identity),
    )
