"""Keeps an endpoint that says something else of every record from making a problem, and an alert, of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, RowMapping, func, select, text

from healthdesk.domain.problem_keys import MOST_ALIKE, ProblemKey, without_message
from healthdesk.store.schema_desk import LIVE, problems

Kind = tuple[object, ...]


def general_prints(keys: Iterable[ProblemKey]) -> set[str]:
    """Return the fingerprints of the problems that these may be folded into without their messages."""
    return {without_message(key).fingerprint for key in keys if key.integration_id is not None}


def crowded(
    conn: Connection, keys: Iterable[ProblemKey], known: Mapping[str, RowMapping]
) -> dict[str, ProblemKey]:
    """Return, by fingerprint, the key instead for those new problems that find enough of their kind.

    `known` are the rows that there are; what fails for a cause that is known stays in its problem.
    """
    room: Counter[Kind] = Counter()
    instead: dict[str, ProblemKey] = {}
    for key in keys:
        if key.integration_id is None or key.fingerprint in known or key.fingerprint in instead:
            continue
        kind = (key.integration_id, key.environment, key.unit, key.kind, key.status)
        if kind not in room:
            room[kind] = MOST_ALIKE - _live(conn, key)
        if room[kind] > 0:
            room[kind] -= 1
        else:
            instead[key.fingerprint] = without_message(key)
    return instead


def _live(conn: Connection, key: ProblemKey) -> int:
    """Return how many problems of this kind are not resolved, counting no further than matters."""
    some = (
        select(problems.c.id)
        .where(
            text(LIVE),
            problems.c.integration_id == key.integration_id,
            problems.c.environment.is_not_distinct_from(key.environment),
            problems.c.unit == key.unit,
            problems.c.fingerprint != without_message(key).fingerprint,
            problems.c.kind == key.kind,
            problems.c.status.is_not_distinct_from(key.status),
        )
        .limit(MOST_ALIKE)
        .subquery()
    )
    return conn.execute(select(func.count()).select_from(some)).scalar_one()
