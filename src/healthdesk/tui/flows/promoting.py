"""Promoting testing to production: the difference first, then what is confirmed and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthdesk.api.integrations import Integration
from healthdesk.api.samples import Promote, Promotion
from healthdesk.domain.states import Environment
from healthdesk.errors import ApiRefused
from healthdesk.tui.flows.environments import apart_from, deliverable
from healthdesk.tui.flows.own_connections import choose_among
from healthdesk.tui.flows.secrets import show_secrets
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.view.trying import promotion_lines
from healthdesk.tui.view.words import plural

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

CONFLICT = 409


async def promote(screen: DeskScreen, integration: Integration) -> str:
    """Show how testing differs from production, and copy it once that is confirmed. What changed meanwhile is shown anew."""
    while True:
        promotion = await screen.client.integration_promotion(integration.id)
        if not promotion.copied and not promotion.creates:
            return f"Production of {integration.name} is as TESTING is already."
        confirmed = await _confirm(screen, integration, promotion)
        if confirmed is None:
            return ""
        try:
            saved = await screen.client.integration_promote(integration.id, confirmed)
        except ApiRefused as error:
            if error.status != CONFLICT:
                raise
            screen.desk.tell("The settings have changed meanwhile. This is the difference now.", ok=False)
            continue
        await show_secrets(screen, saved.name, saved.new_signing_secrets)
        return f"Production of {integration.name} is as TESTING is: {plural(promotion.copied, 'setting')} copied."


async def _confirm(screen: DeskScreen, integration: Integration, promotion: Promotion) -> Promote | None:
    connection_id = None
    if promotion.creates:
        found = apart_from(integration, Environment.PRODUCTION, await deliverable(screen))
        title = f"Promote {integration.name} · the connection of production"
        chosen = await choose_among(screen, title, found)
        if chosen is None:
            return None
        connection_id = chosen.id
    question = Question(
        f"Promote TESTING of {integration.name} to production",
        promotion_lines(promotion),
        (("promote", f"Promote {plural(promotion.copied, 'setting')}"),),
        ascii_only=screen.ascii_only,
    )
    if await screen.ask(question) is None:
        return None
    return Promote(version=promotion.version, connection_id=connection_id)
