"""The connection window: an app and account with the admin connection, yours, those of others, and what they work for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from healthdesk.api.accounts import AccountView, ConnectionCard, IntegrationRef
from healthdesk.api.instances import InstanceTotals
from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import IntegrationKind
from healthdesk.operations.account_groups import Account
from healthdesk.operations.account_rows import account_words, blocked_words, explain_account
from healthdesk.operations.accounts import app_name, read_everything
from healthdesk.operations.connections import view as connection_view
from healthdesk.operations.desk import Desk
from healthdesk.operations.explain import word_of
from healthdesk.operations.paging import model_of
from healthdesk.store.rows import ConnectionRow, IntegrationRow
from healthdesk.store.scope import missing

Role = Literal["admin", "mine", "both", "other"]

TITLES: dict[Role, str] = {
    "admin": "Admin connection",
    "mine": "My connection",
    "both": "Admin and my connection",
    "other": "Connection",
}


@dataclass(frozen=True, slots=True)
class Card:
    """A connection in the window and what it is to who looks."""

    role: Role
    row: ConnectionRow


async def show(desk: Desk, connection_id: str) -> AccountView:
    """Return the window of the account that a connection belongs to; NotFound for one that is not there."""
    desk.require("accounts.show")
    everything = await read_everything(desk)
    account = next((each for each in everything.accounts if connection_id in each.ids), None)
    if account is None:
        raise missing("connection", connection_id)
    called = app_name(desk, account.worst.app)
    shown, others = cards_of(account, desk.operator.user)
    kinds = {each.kind for each in account.integrations}
    return AccountView(
        app=account.worst.app,
        app_name=called,
        account=account_words(account),
        state=account.worst.state,
        state_word=word_of(account.worst),
        cards=[_card(desk, account, each) for each in shown],
        others=[_card(desk, account, each) for each in others],
        integrations=[
            _ref(each) for each in (*account.integrations, *delivering(account, everything.integrations))
        ],
        tasks=_totals(account, InstanceKind.TASK) if IntegrationKind.TASKS in kinds else None,
        proof=_totals(account, InstanceKind.PROOF) if IntegrationKind.PROOF in kinds else None,
        explanation=explain_account(account, called, everything.problems, desk.now()),
        blocked=blocked_words(account),
    )


def cards_of(account: Account, user: str) -> tuple[list[Card], list[Card]]:
    """Return the connections that the window opens with, and those of other people.

    First the admin connections of its task integrations, then those of `user`: what they own, else what they hold a
    grant on. One card says both where the user is the admin and has no other there. The window never opens with none.
    """
    rows = sorted(account.connections, key=lambda row: row.id)
    admins = [row for row in rows if row.id in account.admin_ids]
    rest = [row for row in rows if row.id not in account.admin_ids]
    own = [row for row in rest if row.owner == user]
    owns_admin = any(row.owner == user for row in admins)
    if not own and not owns_admin:
        own = [row for row in rest if any(member.user == user for member in row.members)]
    shown = [Card("both" if row.owner == user and not own else "admin", row) for row in admins]
    shown += [Card("mine", row) for row in own]
    others = [Card("other", row) for row in account.connections if row not in own and row not in admins]
    return (shown, others) if shown else (others[:1], others[1:])


def connected_on(account: Account, card: Card) -> datetime | None:
    """Return the day that a card names: of the admin connection when it was established, of one of tasks when it last
    configured or synced one, of one of proof when it last collected.
    """
    row = card.row
    kinds = {each.kind for each in account.integrations}
    if card.role in ("admin", "both") or not kinds:
        return row.connected_on
    if account.counted(InstanceKind.TASK, row.id).total:
        return row.used_at
    collects = account.counted(InstanceKind.PROOF, row.id).total or IntegrationKind.TASKS not in kinds
    return row.collected_at if collects else row.used_at


def delivering(account: Account, integrations: Iterable[IntegrationRow]) -> list[IntegrationRow]:
    """Return the integrations that deliver records through the account's connections."""
    return [
        each
        for each in integrations
        if account.ids.intersection(place.connection_id for place in each.environments)
    ]


def _card(desk: Desk, account: Account, card: Card) -> ConnectionCard:
    row = card.row
    numbers = account.counted(connection_id=row.id)
    connection = connection_view(desk, row)
    if card.role == "admin":
        names = _administered(account.integrations, row.id)
        connection.refused.setdefault(
            "disconnect",
            f"It is the admin connection of {names}: give that another one first. {_ask(desk, row)}".strip(),
        )
    return ConnectionCard(
        role=card.role,
        title=TITLES[card.role],
        connection=connection,
        connected_on=connected_on(account, card),
        instances=numbers.total,
        blocked=numbers.blocked,
        ask=_ask(desk, row),
    )


def _ask(desk: Desk, row: ConnectionRow) -> str:
    """Return whom to ask about a connection of somebody else."""
    if row.owner == desk.operator.user:
        return ""
    refusal = desk.refusal("connections.check", desk.standing_on(row))
    return f"{refusal.fix if refusal is not None and refusal.fix else f'Ask {row.owner}'}."


def _administered(integrations: Sequence[IntegrationRow], connection_id: str) -> str:
    return ", ".join(each.name for each in integrations if each.connection_id == connection_id)


def _ref(row: IntegrationRow) -> IntegrationRef:
    return IntegrationRef(id=row.id, kind=row.kind, name=row.name, connection_id=row.connection_id)


def _totals(account: Account, kind: InstanceKind) -> InstanceTotals:
    return model_of(InstanceTotals)(account.counted(kind))
