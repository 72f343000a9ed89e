"""Channels, and the rules that say which problems go to which."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.states import AlertState, Environment
from healthdesk.errors import Malformed
from healthdesk.store.paging import paged
from healthdesk.store.rows import ChannelRow, PageRows, RuleRow
from healthdesk.store.schema_desk import alerts
from healthdesk.store.schema_desk import channels as channel_table
from healthdesk.store.schema_desk import rules as rule_table
from healthdesk.store.scope import missing

UNFINISHED = (AlertState.QUEUED, AlertState.SENDING, AlertState.RETRYING)


def insert_channel(
    conn: Connection,
    *,
    channel_id: str,
    name: str,
    url_enc: str,
    url: str,
    kind: str,
    now: datetime,
    by: str,
) -> None:
    """Store a new channel; `url` is the masked form."""
    conn.execute(
        sa.insert(channel_table).values(
            id=channel_id, name=name, url_enc=url_enc, url=url, kind=kind, created_at=now, created_by=by
        )
    )


def get_channel(conn: Connection, channel_id: str) -> ChannelRow:
    """Return a channel, or raise NotFound."""
    return _channel(_channel_row(conn, channel_id))


def channel_url(conn: Connection, channel_id: str) -> str:
    """Return a channel's encrypted URL, or raise NotFound."""
    url_enc: str = _channel_row(conn, channel_id).url_enc
    return url_enc


def channels(
    conn: Connection, *, after: str | None = None, limit: int = 50, newest_first: bool = False
) -> PageRows[ChannelRow]:
    """Return channels by age."""
    query = select(channel_table).where(channel_table.c.deleted_at.is_(None))
    return paged(
        conn, query, channel_table.c.id, _channel, after=after, limit=limit, newest_first=newest_first
    )


def delete_channel(conn: Connection, channel_id: str, now: datetime) -> None:
    """Remove a channel, erase its URL, take it out of rules; what was still to be sent is superseded.

    A rule that is left without a channel is deleted: its problems go to every channel again.
    """
    _channel_row(conn, channel_id)
    conn.execute(
        sa.update(channel_table)
        .where(channel_table.c.id == channel_id)
        .values(deleted_at=now, url_enc="", url="")
    )
    conn.execute(
        sa.update(alerts)
        .where(alerts.c.channel_id == channel_id, alerts.c.state.in_(UNFINISHED))
        .values(state=AlertState.SUPERSEDED, next_at=None)
    )
    for rule in conn.execute(select(rule_table)).all():
        if channel_id in rule.channel_ids:
            left = [kept for kept in rule.channel_ids if kept != channel_id]
            here = rule_table.c.id == rule.id
            conn.execute(
                sa.update(rule_table).where(here).values(channel_ids=left)
                if left
                else sa.delete(rule_table).where(here)
            )


def record_test(conn: Connection, channel_id: str, now: datetime, *, ok: bool, error: str = "") -> None:
    """Remember on the channel what became of a message, such as a test."""
    values: dict[str, Any] = {"last_sent_at": now} if ok else {"last_error": error, "last_error_at": now}
    conn.execute(sa.update(channel_table).where(channel_table.c.id == channel_id).values(values))


def insert_rule(
    conn: Connection,
    *,
    rule_id: str,
    name: str,
    integration_id: str | None,
    connection_id: str | None,
    environments: Sequence[Environment],
    channel_ids: Sequence[str],
    recoveries: bool,
    now: datetime,
    by: str,
) -> None:
    """Store a new rule; raise Malformed for a channel that does not exist."""
    _know_channels(conn, channel_ids)
    conn.execute(
        sa.insert(rule_table).values(
            id=rule_id,
            name=name,
            integration_id=integration_id,
            connection_id=connection_id,
            environments=[environment.value for environment in environments],
            channel_ids=list(channel_ids),
            recoveries=recoveries,
            enabled=True,
            created_at=now,
            created_by=by,
        )
    )


def get_rule(conn: Connection, rule_id: str) -> RuleRow:
    """Return a rule, or raise NotFound."""
    row = conn.execute(select(rule_table).where(rule_table.c.id == rule_id)).one_or_none()
    if row is None:
        raise missing("rule", rule_id)
    return _rule(row)


def rules(
    conn: Connection, *, after: str | None = None, limit: int = 50, newest_first: bool = False
) -> PageRows[RuleRow]:
    """Return rules by age."""
    return paged(
        conn,
        select(rule_table),
        rule_table.c.id,
        _rule,
        after=after,
        limit=limit,
        newest_first=newest_first,
    )


def update_rule(
    conn: Connection,
    rule_id: str,
    *,
    name: str | None = None,
    environments: Sequence[Environment] | None = None,
    channel_ids: Sequence[str] | None = None,
    recoveries: bool | None = None,
    enabled: bool | None = None,
) -> None:
    """Change a rule; what is None stays."""
    values: dict[str, Any] = {"name": name, "recoveries": recoveries, "enabled": enabled}
    if environments is not None:
        values["environments"] = [environment.value for environment in environments]
    if channel_ids is not None:
        _know_channels(conn, channel_ids)
        values["channel_ids"] = list(channel_ids)
    get_rule(conn, rule_id)
    given = {column: value for column, value in values.items() if value is not None}
    if given:
        conn.execute(sa.update(rule_table).where(rule_table.c.id == rule_id).values(given))


def delete_rule(conn: Connection, rule_id: str) -> None:
    """Delete a rule, or raise NotFound."""
    if not conn.execute(sa.delete(rule_table).where(rule_table.c.id == rule_id)).rowcount:
        raise missing("rule", rule_id)


def _channel_row(conn: Connection, channel_id: str) -> Any:
    row = conn.execute(
        select(channel_table).where(channel_table.c.id == channel_id, channel_table.c.deleted_at.is_(None))
    ).one_or_none()
    if row is None:
        raise missing("channel", channel_id)
    return row


def _know_channels(conn: Connection, channel_ids: Sequence[str]) -> None:
    known = set(
        conn.execute(
            select(channel_table.c.id).where(
                channel_table.c.id.in_(channel_ids), channel_table.c.deleted_at.is_(None)
            )
        ).scalars()
    )
    for channel_id in channel_ids:
        if channel_id not in known:
            raise Malformed(f"there is no channel {channel_id}", field="channel_ids")


def _channel(row: Any) -> ChannelRow:
    return ChannelRow(
        id=row.id,
        name=row.name,
        url=row.url,
        kind=row.kind,
        created_at=row.created_at,
        created_by=row.created_by,
        last_sent_at=row.last_sent_at,
        last_error=row.last_error,
        last_error_at=row.last_error_at,
    )


def _rule(row: Any) -> RuleRow:
    return RuleRow(
        id=row.id,
        name=row.name,
        integration_id=row.integration_id,
        connection_id=row.connection_id,
        environments=[Environment(word) for word in row.environments],
        channel_ids=list(row.channel_ids),
        recoveries=row.recoveries,
        enabled=row.enabled,
        created_at=row.created_at,
        created_by=row.created_by,
    )
