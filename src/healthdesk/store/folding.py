"""Folds failures into problems inside the transaction that stores them, as `domain.problems` decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.domain.problems import (
    ProblemChange,
    ProblemKey,
    on_cleared,
    on_failure,
    on_reminder,
    on_tick,
)
from healthdesk.domain.standing import STANDING_KINDS
from healthdesk.domain.states import AlertEvent, ProblemState
from healthdesk.domain.units import RECORD
from healthdesk.store import outbox
from healthdesk.store.behind import blocked_behind, held_behind
from healthdesk.store.crowding import crowded, general_prints
from healthdesk.store.gathered import Gathered, Noted, facts_of, note_of, wording
from healthdesk.store.rows import ProblemChanges, Settlement
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_desk import problems
from healthdesk.store.scope import on_sqlite, scope_of


class Folding:
    """Gathers what a transaction does to problems, then carries it out once a problem."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn = conn
        self._now = now
        self._failed: dict[str, Gathered] = {}
        self._noted: list[tuple[Settlement, str | None]] = []
        self._instances: list[Noted] = []
        self._instead: dict[str, ProblemKey] = {}
        self._left: Counter[str] = Counter()
        self._changed: dict[str, None] = {}
        self._opened: list[str] = []
        self._resolved: list[str] = []
        self._alerts = 0

    def note(self, settlement: Settlement, problem_id: str | None) -> None:
        """Take in a settled attempt of a record that is in `problem_id` so far."""
        if settlement.problem is not None or problem_id is not None:
            self._noted.append((settlement, problem_id))

    def note_instance(
        self, instance_id: str, key: ProblemKey | None, problem_id: str | None, failures: int
    ) -> None:
        """Take in a run of an instance that is in `problem_id` so far: it failed for `key`, `failures` times in a row
        by now, or went well.
        """
        if key is not None or problem_id is not None:
            self._instances.append(Noted(instance_id, key, problem_id, failures))

    def leave(self, problem_id: str, count: int = 1) -> None:
        """Say that records or instances are no longer held up by a problem."""
        self._left[problem_id] += count

    def note_connection(self, key: ProblemKey) -> None:
        """Say that a connection fails, whatever its deliveries do."""
        self._gather(key).connection_failing = True

    def stand(self, key: ProblemKey) -> None:
        """Say that a standing problem holds, and is news again: one that is open is announced anew."""
        gathered = self._gather(key)
        gathered.connection_failing, gathered.reminds = True, True

    def stand_down(self, fingerprint: str) -> None:
        """Say that a standing problem holds no more."""
        self.fold()
        for row in self._rows([fingerprint]).values():
            if row["state"] is not ProblemState.RESOLVED:
                self._store(row["id"], {"connection_failing": False})
                self._consider_cleared(dict(row) | {"connection_failing": False})

    def reword(self, key: ProblemKey) -> None:
        """Let a problem that stays as it is say what `key` says; nobody is told."""
        for row in self._rows([key.fingerprint]).values():
            self._store(row["id"], wording(key))

    def fold(self) -> dict[str, str | None]:
        """Carry out what was noted; return the problem each noted record or instance is in from now on."""
        noted = [note_of(*each) for each in self._noted] + self._instances
        self._noted.clear()
        self._instances.clear()
        if not noted and not self._failed:
            return {}
        keys = {each.key.fingerprint: each.key for each in noted if each.key is not None}
        prints = keys.keys() | self._failed.keys() | general_prints(keys.values())
        # locked in one order, those that new ones may be folded into among them
        rows = self._rows(list(prints)) if prints else {}
        self._instead = crowded(self._conn, keys.values(), rows)
        membership: dict[str, str | None] = {}
        for each in noted:
            after = self._join(each, rows)
            membership[each.id] = after
            if each.before is not None and each.before != after:
                self.leave(each.before)
        for fingerprint in sorted(self._failed):
            self._fail(rows.get(fingerprint), self._failed[fingerprint], membership)
        self._failed.clear()
        return membership

    def finish(self) -> ProblemChanges:
        """Clear problems that hold nothing up any more, and say what changed."""
        self.fold()
        self._clear()
        return ProblemChanges(tuple(self._changed), tuple(self._opened), tuple(self._resolved), self._alerts)

    def tick(self, row: RowMapping) -> None:
        """Let time pass for one problem."""
        change = on_tick(facts_of(row), self._now)
        if change is not None:
            self._apply(dict(row), change, {})

    def connection_recovered(self, row: RowMapping) -> None:
        """Say that the connection of this problem is healthy again."""
        values = {
            "connection_failing": False,
            "total": row["total"] + held_behind(self._conn, row),
            "repaired": blocked_behind(self._conn, row) or None,
        }
        self._store(row["id"], values)
        self._consider_cleared(dict(row) | values)

    def _gather(self, key: ProblemKey) -> Gathered:
        gathered = self._failed.get(key.fingerprint)
        if gathered is None:
            gathered = self._failed[key.fingerprint] = Gathered(key)
        elif key.opens_at_once and not gathered.key.opens_at_once:
            gathered.key = key
        return gathered

    def _join(self, noted: Noted, rows: Mapping[str, RowMapping]) -> str | None:
        """Return the problem it is in from now on; a new problem's id is made here."""
        if noted.key is None:
            return None
        key = self._instead.get(noted.key.fingerprint, noted.key)
        gathered = self._gather(key)
        gathered.tries = max(gathered.tries, noted.tries)
        row = rows.get(key.fingerprint)
        after = row["id"] if row is not None else ""
        if noted.before is None or noted.before != after:
            gathered.joining.append((noted.id, noted.attempt_id))
        return after

    def _rows(self, fingerprints: Sequence[str]) -> dict[str, RowMapping]:
        found = select(problems).where(problems.c.fingerprint.in_(fingerprints)).order_by(problems.c.id)
        return {row["fingerprint"]: row for row in self._conn.execute(found.with_for_update()).mappings()}

    def _fail(self, row: RowMapping | None, gathered: Gathered, membership: dict[str, str | None]) -> None:
        fresh = row is None
        if row is None:
            row = self._create(gathered)
            fresh = row["total"] == 0 and row["state"] is ProblemState.FORMING
            for joining_id, _ in gathered.joining:
                membership[joining_id] = row["id"]
        joined = len(gathered.joining)
        count = row["count"] + joined
        failing = (
            row["connection_failing"] if gathered.connection_failing is None else gathered.connection_failing
        )
        again = row["state"] is ProblemState.RESOLVED
        facts = None if fresh else facts_of(dict(row) | {"count": count, "connection_failing": failing})
        change = on_failure(facts, gathered.key, self._now, gathered.tries)
        if gathered.reminds and facts is not None and not (change.opened or change.reopened):
            change = on_reminder(facts, self._now)
        values: dict[str, Any] = {
            "count": count,
            "total": joined if again else row["total"] + joined,
            "last_at": self._now,
            "connection_failing": failing,
        }
        if gathered.reminds:
            values |= wording(gathered.key)
        if fresh or again:
            values |= wording(gathered.key)
            values["first_bad_record_id"] = values["first_bad_attempt_id"] = values["repaired"] = None
        if gathered.joining and gathered.key.unit != RECORD:
            if fresh or again or row["sample_instance_id"] is None:
                values |= {"sample_instance_id": gathered.joining[0][0]}
        elif gathered.joining and (fresh or again or row["sample_record_id"] is None):
            record_id, attempt_id = gathered.joining[0]
            values |= {"sample_record_id": record_id}
            if fresh or again or row["first_bad_record_id"] is None:
                values |= {"first_bad_record_id": record_id, "first_bad_attempt_id": attempt_id}
        self._apply(dict(row), change, values)

    def _create(self, gathered: Gathered) -> RowMapping:
        """Insert the problem, or find the row that another daemon just inserted."""
        key = gathered.key
        values: dict[str, Any] = {
            "id": scope_of(self._conn).new_id("prb"),
            "fingerprint": key.fingerprint,
            "state": ProblemState.FORMING,
            "since": self._now,
            "last_at": self._now,
            "announced": False,
            "connection_failing": False,
            "integration_id": key.integration_id,
            "connection_id": key.connection_id,
            "environment": key.environment,
            "unit": key.unit,
            **wording(key),
        }
        insert = sqlite.insert if on_sqlite(self._conn) else postgresql.insert
        self._conn.execute(
            insert(problems).values(values).on_conflict_do_nothing(index_elements=["fingerprint"])
        )
        return self._rows([key.fingerprint])[key.fingerprint]

    def _clear(self) -> None:
        if not self._left:
            return
        left, self._left = self._left, Counter()
        found = (
            select(problems).where(problems.c.id.in_(list(left))).order_by(problems.c.id).with_for_update()
        )
        for row in self._conn.execute(found).mappings().all():
            count = max(0, row["count"] - left[row["id"]])
            self._store(row["id"], {"count": count})
            self._consider_cleared(dict(row) | {"count": count})

    def _consider_cleared(self, row: Mapping[str, Any]) -> None:
        change = on_cleared(facts_of(row), self._now)
        if change is not None:
            self._apply(row, change, {})

    def _apply(self, row: Mapping[str, Any], change: ProblemChange, values: dict[str, Any]) -> None:
        problem_id: str = row["id"]
        self._changed[problem_id] = None
        if change.vanished:
            self._conn.execute(delete(problems).where(problems.c.id == problem_id))
            return
        values |= {"state": change.state, "since": change.since, "announced": change.announced}
        episode = row["episode"]
        if change.opened or change.reopened or change.reminded:
            episode += 1
            values |= {"episode": episode}
        if change.opened or change.reopened:
            self._opened.append(problem_id)
            values |= {"opened_at": self._now}
        if change.state is not ProblemState.RESOLVED and row["state"] is ProblemState.RESOLVED:
            values |= {"resolved_at": None, "resolved_by": "", "acknowledged_at": None, "acknowledged_by": ""}
        if change.state is ProblemState.RESOLVED:
            values |= {"resolved_at": self._now}
        if change.resolved:
            self._resolved.append(problem_id)
        self._store(problem_id, values)
        if change.announce is not None and not self._is_quiet(row, change.announce):
            told = dict(row) | values | {"episode": episode}
            self._alerts += outbox.announce(self._conn, told, change.announce, self._now)

    def _is_quiet(self, row: Mapping[str, Any], event: AlertEvent) -> bool:
        """Tell whether this news is left out: a connection that flaps is announced as that, not with each outage."""
        of_connection = row["connection_id"] is not None and row["integration_id"] is None
        if event is AlertEvent.RECOVERED or not of_connection or row["kind"] in STANDING_KINDS:
            return False
        flapping = select(connections.c.id).where(
            connections.c.id == row["connection_id"], connections.c.flapping_since.is_not(None)
        )
        return self._conn.execute(flapping).first() is not None

    def _store(self, problem_id: str, values: dict[str, Any]) -> None:
        self._changed[problem_id] = None
        self._conn.execute(update(problems).where(problems.c.id == problem_id).values(values))


def live_problems(conn: Connection, connection_id: str) -> list[RowMapping]:
    """Return and lock what a connection's failing checks hold open."""
    found = (
        select(problems)
        .where(
            problems.c.connection_id == connection_id,
            or_(problems.c.connection_failing, problems.c.state != ProblemState.RESOLVED),
        )
        .order_by(problems.c.id)
        .with_for_update()
    )
    return list(conn.execute(found).mappings())
