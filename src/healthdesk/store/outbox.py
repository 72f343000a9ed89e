"""Which channels a problem's news goes to, queued in the transaction that makes the news."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.domain.states import AlertEvent, AlertState, Environment, IntegrationKind
from healthdesk.store.schema_desk import alerts, channels, rules
from healthdesk.store.schema_instances import instances
from healthdesk.store.schema_setup import environments, integrations
from healthdesk.store.scope import on_sqlite, scope_of

NEWS_OF_OPENING = (AlertEvent.OPENED, AlertEvent.REOPENED)
NOT_SENT = (AlertState.QUEUED, AlertState.RETRYING)


def announce(conn: Connection, problem: Mapping[str, Any], event: AlertEvent, now: datetime) -> int:
    """Queue the news for every channel it goes to; return how many messages. Repeating it queues nothing."""
    recovering = event is AlertEvent.RECOVERED
    targets = route(conn, problem, recovering=recovering)
    if recovering:
        _supersede(conn, problem["id"], NEWS_OF_OPENING)
        targets &= _told(conn, problem)
    else:
        _supersede(conn, problem["id"], (AlertEvent.RECOVERED,))
        _supersede(conn, problem["id"], NEWS_OF_OPENING, before=problem["episode"])
    rows = [
        {
            "id": scope_of(conn).new_id("alt"),
            "problem_id": problem["id"],
            "channel_id": channel_id,
            "event": event,
            "episode": problem["episode"],
            "state": AlertState.QUEUED,
            "created_at": now,
            "next_at": now,
        }
        for channel_id in sorted(targets)
    ]
    if not rows:
        return 0
    insert = sqlite.insert if on_sqlite(conn) else postgresql.insert
    news = ["problem_id", "channel_id", "episode", "event"]
    conn.execute(insert(alerts).on_conflict_do_nothing(index_elements=news), rows)
    return len(rows)


def route(conn: Connection, problem: Mapping[str, Any], *, recovering: bool) -> set[str]:
    """Return the channels for a problem: those of the rules for its integration or connection, else those of
    the rules for everything, else every channel. A connection's problem concerns each integration that uses it.

    Testing is silent: its problems go to the channels of rules that name it, and nowhere where none does.
    """
    live = set(conn.execute(select(channels.c.id).where(channels.c.deleted_at.is_(None))).scalars())
    enabled = [dict(rule) for rule in conn.execute(select(rules).where(rules.c.enabled)).mappings()]
    routed: set[str] = set()
    for integration_id, environment in _places(conn, problem):
        matching = _matching(enabled, integration_id, problem["connection_id"], environment)
        if not matching and environment is Environment.TESTING:
            continue
        if not matching:
            return live
        for rule in matching:
            if rule["recoveries"] or not recovering:
                routed |= set(rule["channel_ids"])
    return routed & live


def everybody(conn: Connection) -> set[str]:
    """Return the channels of every rule; where there is no rule, every channel."""
    live = set(conn.execute(select(channels.c.id).where(channels.c.deleted_at.is_(None))).scalars())
    enabled = conn.execute(select(rules.c.channel_ids).where(rules.c.enabled)).scalars().all()
    named = {each for ids in enabled for each in ids}
    return live & named if enabled else live


def _places(conn: Connection, problem: Mapping[str, Any]) -> list[tuple[str | None, Environment | None]]:
    """Return the integrations and environments that a problem concerns."""
    if problem["integration_id"] is not None:
        return [(problem["integration_id"], problem["environment"])]
    users = conn.execute(
        select(environments.c.integration_id, environments.c.environment).where(
            environments.c.connection_id == problem["connection_id"]
        )
    )
    working = conn.execute(
        select(integrations.c.id)
        .where(
            integrations.c.kind != IntegrationKind.DELIVERY,
            select(instances.c.id)
            .where(
                instances.c.integration_id == integrations.c.id,
                instances.c.connection_id == problem["connection_id"],
            )
            .exists(),
        )
        .order_by(integrations.c.id)
    )
    places = [(row.integration_id, row.environment) for row in users]
    return [*places, *((each, None) for each in working.scalars())] or [(None, None)]


def _matching(
    enabled: Sequence[Mapping[str, Any]],
    integration_id: str | None,
    connection_id: str | None,
    environment: Environment | None,
) -> list[Mapping[str, Any]]:
    """Return the rules that decide for one place: its own, or else the general ones."""
    covering = [rule for rule in enabled if _covers(rule, environment)]
    own = [
        rule
        for rule in covering
        if (rule["integration_id"] or rule["connection_id"])
        and rule["integration_id"] in {None, integration_id}
        and rule["connection_id"] in {None, connection_id}
    ]
    return own or [rule for rule in covering if not (rule["integration_id"] or rule["connection_id"])]


def _covers(rule: Mapping[str, Any], environment: Environment | None) -> bool:
    """Tell whether a rule is for this environment: production, where it names none."""
    return environment is None or environment.value in (
        rule["environments"] or [Environment.PRODUCTION.value]
    )


def _told(conn: Connection, problem: Mapping[str, Any]) -> set[str]:
    """Return the channels that are told of this opening: only those are told that it is over."""
    return set(
        conn.execute(
            select(alerts.c.channel_id).where(
                alerts.c.problem_id == problem["id"],
                alerts.c.episode == problem["episode"],
                alerts.c.event.in_(NEWS_OF_OPENING),
                alerts.c.state.not_in((AlertState.SUPERSEDED, AlertState.FAILED)),
            )
        ).scalars()
    )


def _supersede(
    conn: Connection, problem_id: str, events: Sequence[AlertEvent], before: int | None = None
) -> None:
    """Take back news that was not sent yet and is no longer true: an opening overtaken by its recovery, or the
    other way round, or an opening by a newer one (`before` that episode). Whom it did not reach needs no word of its
    end either.
    """
    overtaken = update(alerts).where(
        alerts.c.problem_id == problem_id, alerts.c.event.in_(events), alerts.c.state.in_(NOT_SENT)
    )
    if before is not None:
        overtaken = overtaken.where(alerts.c.episode < before)
    conn.execute(overtaken.values(state=AlertState.SUPERSEDED, next_at=None))
