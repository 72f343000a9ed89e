"""Alerts: channels, rules and the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from healthdesk.domain.states import AlertEvent, AlertState, Environment
from healthdesk.store.rows import AlertRow, ChannelRow, ClaimedAlert, PageRows, RuleRow


def insert_channel(
    conn: Connection, *, channel_id: str, name: str, url_enc: str, url: str, kind: str, now: datetime, by: str
) -> None:
    """Store a new channel; `url` is the masked form."""
    raise NotImplementedError


def get_channel(conn: Connection, channel_id: str) -> ChannelRow:
    """Return a channel, or raise NotFound."""
    raise NotImplementedError


def channel_url(conn: Connection, channel_id: str) -> str:
    """Return a channel's encrypted URL, or raise NotFound."""
    raise NotImplementedError


def channels(
    conn: Connection, *, after: str | None = None, limit: int = 50, newest_first: bool = False
) -> PageRows[ChannelRow]:
    """Return channels by age."""
    raise NotImplementedError


def delete_channel(conn: Connection, channel_id: str, now: datetime) -> None:
    """Remove a channel, erase its URL, take it out of rules; what it was still to be sent is superseded."""
    raise NotImplementedError


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
    """Store a new rule."""
    raise NotImplementedError


def get_rule(conn: Connection, rule_id: str) -> RuleRow:
    """Return a rule, or raise NotFound."""
    raise NotImplementedError


def rules(
    conn: Connection, *, after: str | None = None, limit: int = 50, newest_first: bool = False
) -> PageRows[RuleRow]:
    """Return rules by age."""
    raise NotImplementedError


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
    raise NotImplementedError


def delete_rule(conn: Connection, rule_id: str) -> None:
    """Delete a rule, or raise NotFound."""
    raise NotImplementedError


def page(
    conn: Connection,
    *,
    problem_id: str | None = None,
    channel_id: str | None = None,
    states: tuple[AlertState, ...] = (),
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
) -> PageRows[AlertRow]:
    """Return messages of the outbox."""
    raise NotImplementedError


def of_problem(conn: Connection, problem_id: str, limit: int = 100) -> list[AlertRow]:
    """Return what was announced of a problem, oldest first."""
    raise NotImplementedError


def enqueue(
    conn: Connection,
    *,
    alert_id: str,
    channel_id: str,
    event: AlertEvent,
    now: datetime,
    problem_id: str | None = None,
    title: str = "",
    body: str = "",
) -> None:
    """Queue a message, such as a test."""
    raise NotImplementedError


def claim(
    conn: Connection, now: datetime, limit: int, *, skip_channels: Sequence[str] = ()
) -> list[ClaimedAlert]:
    """Take messages that are due, their intent committed; a problem's news go to a channel in order, one at a time.

    Nothing is taken for `skip_channels`: the caller is sending to them.
    """
    raise NotImplementedError


def settle(
    conn: Connection,
    alert_id: str,
    now: datetime,
    *,
    ok: bool,
    title: str,
    body: str,
    error: str = "",
    next_at: datetime | None = None,
) -> None:
    """Store what became of a send: sent, retrying at `next_at`, or failed. The channel remembers it."""
    raise NotImplementedError


def record_test(conn: Connection, channel_id: str, now: datetime, *, ok: bool, error: str = "") -> None:
    """Remember on the channel what became of a test."""
    raise NotImplementedError


def recover(conn: Connection, now: datetime, *, daemon_id: str, others_are_dead: bool) -> int:
    """Queue again what dead daemons were sending."""
    raise NotImplementedError


def next_due(conn: Connection) -> datetime | None:
    """Return when the next message is due."""
    raise NotImplementedError
