"""Checking, adding, changing and ending connections; pausing integrations."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.connections import AccountRow, Connection
from healthdesk.api.integrations import Integration
from healthdesk.domain.states import HoldReason, IntegrationState
from healthdesk.errors import HealthdeskError
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.connection_forms import (
    check_connection,
    check_credentials,
    connection_create,
    connection_edit,
    connection_fields,
    credential_fields,
    credentials_update,
)
from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.messages import RowAdded
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.forms import Form

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


async def add_connection(screen: DeskScreen) -> str:
    """Ask for a new connection to an HTTP endpoint, and add it."""
    form = partial(
        Form,
        "New connection · HTTP endpoint",
        connection_fields(None),
        button="Connect",
        check=check_connection,
    )

    async def send(values: Mapping[str, str]) -> Connection:
        return await screen.client.connection_create(connection_create(values))

    added = await ask_until_taken(screen, form, send)
    if added is None:
        return ""
    screen.post_message(RowAdded("accounts-region", f"connection:{added.id}"))
    return told(added)


async def edit_connection(screen: DeskScreen, connection_id: str) -> str:
    """Ask for changes of a connection."""
    connection = await screen.client.connection(connection_id)
    title = f"Edit connection · {connection.name}"
    form = partial(Form, title, connection_fields(connection), check=check_connection)

    async def send(values: Mapping[str, str]) -> str:
        changes = connection_edit(values, connection)
        if not changes.model_fields_set:
            return "Nothing was changed."
        return told(await screen.client.connection_edit(connection_id, changes))

    return await ask_until_taken(screen, form, send) or ""


async def update_credentials(screen: DeskScreen, connection_id: str) -> str:
    """Ask for new credentials; they are checked at once."""
    connection = await screen.client.connection(connection_id)
    form = partial(
        Form,
        f"Update credentials · {connection.name}",
        credential_fields(connection.auth),
        button="Update and check",
        intro=[line(dim(f"{connection.base_url} · now {connection.auth} {connection.credential_hint}"))],
        check=check_credentials,
    )

    async def send(values: Mapping[str, str]) -> Connection:
        update = credentials_update(values)
        return await screen.client.connection_update_credentials(connection_id, update)

    updated = await ask_until_taken(screen, form, send)
    return told(updated) if updated is not None else ""


async def _delivering_through(screen: DeskScreen, connection_id: str) -> list[str]:
    """Return the names of the integrations for which the daemon would refuse to end a connection."""
    names: list[str] = []
    after: str | None = None
    while True:
        page = await screen.client.integrations_list(after=after, limit=500)
        names += [
            item.name
            for item in page.items
            if connection_id in {each.connection_id for each in item.environments}
        ]
        if page.next is None:
            return names
        after = page.next


async def disconnect(screen: DeskScreen, connection_id: str) -> str:
    """End a connection, after naming it and what is lost."""
    connection = await screen.client.connection(connection_id)
    if users := await _delivering_through(screen, connection_id):
        verb = "delivers" if len(users) == 1 else "deliver"
        raise HealthdeskError(
            f"{', '.join(users)} {verb} through {connection.name}.",
            fix="Give their environments another connection first.",
        )
    lines = [
        line(f"{connection.app_name} · {connection.name} · {connection.base_url}"),
        (),
        line(Span("Its credentials are erased and cannot be brought back.", Tone.BAD)),
        line("Its callbacks are refused."),
    ]
    question = Question(
        f"Disconnect {connection.name}", lines, (("disconnect", "Disconnect"),), ascii_only=screen.ascii_only
    )
    if await screen.ask(question) is None:
        return ""
    await screen.client.connection_disconnect(connection_id)
    return f"{connection.name} is disconnected."


async def pause_or_resume(screen: DeskScreen, integration_id: str) -> str:
    """Pause an integration after a question about which environment, or resume it."""
    integration: Integration = await screen.client.integration(integration_id)
    paused = [item for item in integration.environments if item.state is IntegrationState.PAUSED]
    if paused:
        for item in paused:
            await screen.client.integration_resume(integration_id, item.environment)
        return f"{integration.name} delivers again; what was held is sent."
    choices = [
        (item.environment.value, f"Pause {item.environment.value}") for item in integration.environments
    ]
    if len(choices) > 1:
        choices.append(("both", "Pause both"))
    told = f"{integration.name} stops delivering. Records are still accepted, kept and held, and sent when it is resumed."
    answer = await screen.ask(
        Question(f"Pause {integration.name}", [line(told)], choices, ascii_only=screen.ascii_only)
    )
    if answer is None:
        return ""
    which = next(
        (item.environment for item in integration.environments if item.environment.value == answer), None
    )
    await screen.client.integration_pause(integration_id, which)
    return f"{integration.name} is paused ({answer}); its records are held."
