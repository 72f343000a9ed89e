"""What the window of a connection reads: its app and account, with the cards that are shown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthdesk.api.accounts import AccountView, ConnectionCard, IntegrationRef
from healthdesk.api.connections import Connection
from healthdesk.api.health import Evidence
from healthdesk.api.instances import InstanceFilter
from healthdesk.api.pings import Ping
from healthdesk.domain.health import WORST_FIRST
from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import ConnectionState, IntegrationKind
from healthdesk.errors import ApiRefused
from healthdesk.tui.view.connection import pinged

if TYPE_CHECKING:
    from healthdesk.client.client import Client


@dataclass(frozen=True, slots=True)
class CardDetail:
    """A card with what is shown beside it; `ping` is its push heartbeat, where it has one."""

    card: ConnectionCard
    evidence: Evidence
    ping: Ping | None = None

    @property
    def connection(self) -> Connection:
        """The connection."""
        return self.card.connection


@dataclass(frozen=True, slots=True)
class AccountDetail:
    """An app and account, and the one or two of its connections that have a card."""

    view: AccountView
    cards: Sequence[CardDetail]

    @property
    def worst(self) -> CardDetail | None:
        """The card that the verdict is about; of equals the last, which is the operator's own."""
        return min(
            reversed(self.cards), key=lambda each: WORST_FIRST.index(each.connection.state), default=None
        )

    def card(self, connection_id: str) -> CardDetail | None:
        """Return a card by its connection."""
        return next((each for each in self.cards if each.connection.id == connection_id), None)

    @property
    def others(self) -> list[ConnectionCard]:
        """The connections that have no card here."""
        shown = {each.connection.id for each in self.cards}
        return [card for card in (*self.view.cards, *self.view.others) if card.connection.id not in shown]


def shown_cards(view: AccountView, connection_id: str, *, own: bool) -> list[ConnectionCard]:
    """Return the cards to show: the admin connection and the operator's own, else the one that was asked for.

    With `own` the account was opened, and the connection only names it; without, that connection was meant.
    """
    cards = view.cards
    if any(card.connection.id == connection_id for card in cards) or (
        own and any(card.role in ("mine", "both") for card in cards)
    ):
        return list(cards)
    asked = [card for card in view.others if card.connection.id == connection_id]
    return [*(card for card in cards if card.role == "admin"), *asked] or [*cards, *view.others[:1]]


async def read_account(client: Client, connection_id: str, *, own: bool) -> AccountDetail:
    """Read the app and account of a connection, with the evidence of each card; HealthdeskError when one is refused."""
    view = await client.account(connection_id)
    cards = shown_cards(view, connection_id, own=own)
    return AccountDetail(view, await asyncio.gather(*(_read_card(client, card) for card in cards)))


async def read_without_connection(client: Client, integration_id: str) -> AccountDetail:
    """Read an integration of tasks or proof that has no connection any more, as an account without cards."""
    integration = await client.integration(integration_id)
    of_tasks = integration.kind is IntegrationKind.TASKS
    kind = InstanceKind.TASK if of_tasks else InstanceKind.PROOF
    totals = await client.instances_count(InstanceFilter(kind=kind, integration_id=[integration_id]))
    view = AccountView(
        app=integration.app,
        app_name=integration.app_name,
        account=integration.name,
        state=ConnectionState.UNKNOWN,
        state_word="",
        cards=[],
        integrations=[IntegrationRef(id=integration_id, kind=integration.kind, name=integration.name)],
        tasks=totals if of_tasks else None,
        proof=None if of_tasks else totals,
    )
    return AccountDetail(view, ())


async def _read_card(client: Client, card: ConnectionCard) -> CardDetail:
    evidence = await client.connection_evidence(card.connection.id)
    ping = await _read_ping(client, card.connection.id) if pinged(card.connection) else None
    return CardDetail(card, evidence, ping)


async def _read_ping(client: Client, connection_id: str) -> Ping | None:
    try:
        return await client.connection_ping(connection_id)
    except ApiRefused as error:
        if error.status == 404:  # it was removed meanwhile
            return None
        raise
