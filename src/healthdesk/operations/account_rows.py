"""Rows of Connected accounts: an app and account with its status, the health of its instances, and the worst thing.

Pure: rows in, rows out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from healthdesk.api.accounts import AccountRow
from healthdesk.api.common import Explanation
from healthdesk.domain.expiry import near_words
from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.instance_words import counted
from healthdesk.domain.states import Blame, ConnectionState, IntegrationKind
from healthdesk.operations.account_groups import Account, Totals, without_connection
from healthdesk.operations.explain import explain_connection, sentence, word_of
from healthdesk.store.rows import ConnectionRow, IntegrationRow, ProblemRow
from healthdesk.store.rows_instances import InstanceTotals
from healthdesk.store.standing import drift_of

AppName = Callable[[str], str]

DISCONNECTED = "Disconnected"
MOST_ACCOUNTS_NAMED = 2
_UNITS = {InstanceKind.TASK: "tasks", InstanceKind.PROOF: "proof syncs"}
_KINDS = {IntegrationKind.TASKS: InstanceKind.TASK, IntegrationKind.PROOF: InstanceKind.PROOF}


def account_rows(
    accounts: Sequence[Account],
    app_name: AppName,
    now: datetime,
    *,
    integrations: Iterable[IntegrationRow] = (),
    totals: Totals | None = None,
    problems: Iterable[ProblemRow] = (),
) -> list[AccountRow]:
    """Return a row an account, and one for each integration whose connections are all gone."""
    known = list(problems)
    left = without_connection(integrations, accounts, totals or {})
    return [
        *(_row(account, app_name(account.worst.app), known, now) for account in accounts),
        *(_row_without(row, numbers, app_name(row.app)) for row, numbers in left),
    ]


def account_of(row: ConnectionRow) -> str:
    """Return whose account a connection is: what the app said, or the host it lives on."""
    return row.account or urlsplit(row.base_url).netloc.rpartition("@")[2] or row.name


def account_words(account: Account) -> str:
    """Return whose account it is; of several, those of the admin connections first, and how many there are more."""
    rows = sorted(account.connections, key=lambda row: (row.id not in account.admin_ids, row.id))
    names = list(dict.fromkeys(account_of(row) for row in rows))
    more = len(names) - MOST_ACCOUNTS_NAMED
    return ", ".join(names[:MOST_ACCOUNTS_NAMED]) + (f" +{more}" if more > 0 else "")


def blocked_words(account: Account) -> str:
    """Return `11 tasks of alice are blocked; they are synced again when it is repaired.`, or an empty string."""
    parts = []
    number = 0
    for row in account.connections:
        for kind in InstanceKind:
            blocked = account.counted(kind, row.id).blocked
            if blocked:
                parts.append(f"{counted(kind, blocked)} of {row.owner}")
                number += blocked
    if not parts:
        return ""
    verb, they = ("is", "it is") if number == 1 else ("are", "they are")
    return f"{' and '.join(parts)} {verb} blocked; {they} synced again when this is repaired."


def explain_account(
    account: Account, app_name: str, problems: Iterable[ProblemRow], now: datetime
) -> Explanation | None:
    """Return the worst thing: a connection that fails, then what failed though it is connected, then what is to be done."""
    worst = account.worst
    if worst.state is ConnectionState.FAILING:
        told = explain_connection(worst)
        if told is not None and (blocked := blocked_words(account)):
            told.sentence = f"{told.sentence} {sentence(blocked)}"
        return told
    numbers = account.counted()
    if numbers.failed > numbers.blocked:
        return _failed(account, app_name, problems)
    if worst.state is ConnectionState.SUSPECT:
        return explain_connection(worst)
    return _incomplete(account, app_name) or explain_connection(worst, now)


def _failed(account: Account, app_name: str, problems: Iterable[ProblemRow]) -> Explanation:
    """Return what failed though the connection works, by the problem that counts most."""
    numbers = [(kind, account.counted(kind)) for kind in InstanceKind]
    failed = " and ".join(
        counted(kind, each.failed - each.blocked) for kind, each in numbers if each.failed > each.blocked
    )
    ids = {each.id for each in account.integrations}
    mine = [each for each in problems if each.integration_id in ids and each.count]
    worst = max(mine, key=lambda each: each.count, default=None)
    connected = account.worst.state is ConnectionState.CONNECTED
    told = f"{app_name} is connected, and yet {failed} failed" if connected else f"{failed} failed"
    if worst is None:
        return Explanation(
            sentence=f"{told}: a heartbeat proves who you are, each of them whether it can do its work.",
            next_action="Open it and look at what their errors say.",
            key="enter",
        )
    return Explanation(
        sentence=f"{told}: {sentence(worst.cause)}",
        since=worst.since,
        blame=worst.blame,
        next_action=worst.next_action,
        key="enter",
    )


def _incomplete(account: Account, app_name: str) -> Explanation | None:
    """Return what lost a connection here, though others work."""
    for each in account.integrations:
        if each.kind is IntegrationKind.TASKS and each.connection_id not in account.ids:
            return _needs_admin(each.name)
    lost = sum(each.total for (used, _, _), each in account.totals.items() if used is None)
    if not lost:
        return None
    return Explanation(
        sentence=f"{counted(InstanceKind.TASK, lost)} in {app_name} lost their connection: it was disconnected.",
        blame=Blame.CONFIGURATION.value,
        next_action="Open one of them and reconnect it: that repairs all of the same user.",
        key="enter",
    )


def _needs_admin(name: str) -> Explanation:
    return Explanation(
        sentence=f"{name} has no admin connection any more: it was disconnected.",
        blame=Blame.CONFIGURATION.value,
        next_action="Edit the integration and give it another one.",
        key="e",
    )


def _row(account: Account, app: str, problems: Sequence[ProblemRow], now: datetime) -> AccountRow:
    worst, numbers = account.worst, account.counted()
    expires_at, expires_in = _first_end(account.connections, now)
    kinds = {kind for _, _, kind in account.totals}
    return AccountRow(
        kind="connection",
        id=worst.id,
        name=worst.name,
        app=app,
        account=account_words(account),
        state=worst.state,
        state_word=word_of(worst),
        suspect_checks=worst.suspect_checks,
        failed=numbers.failed,
        blocked=numbers.blocked,
        total=numbers.total,
        unit=_UNITS[next(iter(kinds))] if len(kinds) == 1 else "instances" if kinds else "",
        checked_at=worst.last_checked,
        expires_at=expires_at,
        expires_in=expires_in,
        previous_until=worst.previous_until,
        flapping=any(each.flapping_since is not None for each in account.connections),
        drifted=bool(drift_of(worst.identity, worst.identity_connected)),
        explanation=explain_account(account, app, problems, now),
        details={
            "owner": worst.owner,
            "connections": [each.id for each in account.connections],
            "integrations": [each.id for each in account.integrations],
        },
    )


def _row_without(row: IntegrationRow, numbers: InstanceTotals, app: str) -> AccountRow:
    """Return the row of an integration whose connections were all disconnected."""
    kind = _KINDS[row.kind]
    explanation = _needs_admin(row.name)
    if row.kind is IntegrationKind.PROOF:
        explanation = Explanation(
            sentence=f"{counted(kind, numbers.total)} of {row.name} lost their connection: it was disconnected.",
            blame=Blame.CONFIGURATION.value,
            next_action="Change the connection of each to another one of the app.",
            key="enter",
        )
    return AccountRow(
        kind="integration",
        id=row.id,
        name=row.name,
        app=app,
        account=row.name,
        state=ConnectionState.UNKNOWN,
        state_word=DISCONNECTED,
        failed=numbers.failed,
        total=numbers.total,
        unit=_UNITS[kind],
        explanation=explanation,
        details={"connections": [], "integrations": [row.id]},
    )


def _first_end(rows: Sequence[ConnectionRow], now: datetime) -> tuple[datetime | None, str]:
    """Return when the first of these credentials ends and how long that is, where it is near."""
    ends = [each.expires_at for each in rows if each.expires_at is not None]
    if not ends:
        return None, ""
    words = near_words(min(ends), now)
    return (min(ends), words) if words else (None, "")
