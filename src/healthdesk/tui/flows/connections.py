"""Checking, changing and ending connections; pausing integrations."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.accounts import AccountRow
from healthdesk.api.connections import Connection
from healthdesk.api.integrations import Integration
from healthdesk.domain.states import Environment, HoldReason, IntegrationState
from healthdesk.errors import HealthdeskError
from healthdesk.tui.flows.app_fields import HTTP_ENDPOINT, edit_fields
from healthdesk.tui.flows.app_values import app_edit, check_edit
from healthdesk.tui.flows.apps import app_of
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.connection_forms import (
    check_connection,
    connection_edit,
    connection_fields,
)
from healthdesk.tui.format import line
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.environment import TITLES

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen


def told(connection: Connection) -> str:
    """Return what a check or a change left behind."""
    sentence = connection.explanation.sentence if connection.explanation else ""
    if sentence.startswith(connection.name):
        return sentence
    return f"{connection.name}: {connection.state_word}." + (f" {sentence}" if sentence else "")


async def connection_of(screen: DeskScreen, row: AccountRow) -> str:
    """Return the connection that a row is about: of an integration the one that keeps it, else production's."""
    if row.kind == "connection":
        return row.id
    integration = await screen.client.integration(row.id)
    held = [item for item in integration.environments if item.hold_reason is HoldReason.CONNECTION]
    for item in (*held, *integration.environments):
        return item.connection_id
    raise _delivers_nowhere(row.app)


async def choose_connection(screen: DeskScreen, integration_id: str) -> str:
    """Return the connection that an integration delivers on; asked for when its environments have two."""
    integration: Integration = await screen.client.integration(integration_id)
    environments: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for item in integration.environments:
        environments.setdefault(item.connection_id, []).append(item.environment.value)
        names[item.connection_id] = item.connection_name
    if not environments:
        raise _delivers_nowhere(integration.name)
    if len(environments) == 1:
        return next(iter(environments))
    choices = [(known, f"{names[known]} ({', '.join(which)})") for known, which in environments.items()]
    told = line("Its environments deliver on different connections.")
    question = Question(f"Connections of {integration.name}", [told], choices, ascii_only=screen.ascii_only)
    return await screen.ask(question) or ""


def _delivers_nowhere(name: str) -> HealthdeskError:
    return HealthdeskError(
        f"{name} delivers nowhere yet", fix="`healthdesk integrations edit` gives it a connection."
    )


async def check_now(screen: DeskScreen, connection_id: str) -> str:
    """Check a connection now."""
    screen.desk.tell("Checking…")
    return told(await screen.client.connection_check(connection_id))


async def edit_connection(screen: DeskScreen, connection_id: str) -> str:
    """Ask for changes of a connection; what decides its health is tried before it is saved."""
    connection = await screen.client.connection(connection_id)
    if connection.app == HTTP_ENDPOINT:
        fields, check = connection_fields(connection), check_connection
        edit = partial(connection_edit, before=connection)
    else:
        app, view = await app_of(screen, connection), screen.view()
        fields, check = edit_fields(app, connection, view), partial(check_edit, app)
        edit = partial(app_edit, app=app, before=connection, view=view)
    form = partial(
        Form,
        f"Edit connection · {connection.name}",
        fields,
        doing="Saving… what decides its health is tried first.",
        check=check,
    )

    async def send(values: Mapping[str, str]) -> str:
        changes = edit(values)
        if not changes.model_fields_set - {"unchecked"}:
            return "Nothing was changed."
        return told(await screen.client.connection_edit(connection_id, changes))

    return await ask_until_taken(screen, form, send) or ""


async def pause_or_resume(screen: DeskScreen, integration_id: str, which: Environment | None = None) -> str:
    """Pause one environment after a question, or resume it; without `which` all that are paused, or those one chooses."""
    integration: Integration = await screen.client.integration(integration_id)
    of = [item for item in integration.environments if which in (None, item.environment)]
    paused = [item for item in of if item.state is IntegrationState.PAUSED]
    if paused:
        for item in paused:
            await screen.client.integration_resume(integration_id, item.environment)
        name = integration.name if which is None else f"{TITLES[which]} of {integration.name}"
        return f"{name} delivers again; what was held is sent."
    choices = [(item.environment.value, f"Pause {TITLES[item.environment]}") for item in of]
    if len(choices) > 1:
        choices.append(("both", "Pause both"))
    told = f"{integration.name} stops delivering. Records are still accepted, kept and held, and sent when it is resumed."
    answer = await screen.ask(
        Question(f"Pause {integration.name}", [line(told)], choices, ascii_only=screen.ascii_only)
    )
    if answer is None:
        return ""
    chosen = next((item.environment for item in of if item.environment.value == answer), None)
    await screen.client.integration_pause(integration_id, chosen)
    words = TITLES[chosen] if chosen is not None else "both"
    return f"{integration.name} is paused ({words}); its records are held."
