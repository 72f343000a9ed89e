"""Changing, pausing and removing integrations of kinds tasks and proof."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from healthdesk.api.integrations import (
    Integration,
    IntegrationEdit,
    ProofSettings,
)
from healthdesk.domain.durations import format_span, parse_duration
from healthdesk.domain.states import IntegrationKind, IntegrationState
from healthdesk.errors import HealthdeskError
from healthdesk.tui.flows.asked_fields import asked_fields, asked_values
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.mapping import check_mapping, mapping_fields, mapping_of
from healthdesk.tui.flows.own_connections import usable_connections
from healthdesk.tui.format import Span, Tone, line
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import UNCHECKED, Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.words import plural

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

WHERE = "container"
LEAST_S = {IntegrationKind.TASKS: 60, IntegrationKind.PROOF: 300}
MOST_S = 366 * 86_400


def every_field(now_s: float) -> Field:
    """Return the field for how often it runs."""
    return Field("every_s", "Every", format_span(now_s), "15m, 1h, 1d", required=True)


def check_every(values: Values, least_s: int) -> dict[str, str]:
    """Return what is wrong with how often it runs."""
    try:
        seconds = parse_duration(values.get("every_s", "").strip())
    except ValueError:
        return {"every_s": "is a time like 15m, 1h or 1d"}
    return {} if least_s <= seconds <= MOST_S else {"every_s": f"is between {format_span(least_s)} and 366d"}


async def edit_mapping(screen: DeskScreen, integration: Integration) -> str:
    """Change which way fields are synced and which status is which; the app is asked what it offers."""
    settings = integration.tasks
    if settings is None:
        raise HealthdeskError(
            f"{integration.name} is of kind {integration.kind.value}.", fix="Only tasks have a mapping."
        )
    if integration.connection_id is None:
        raise HealthdeskError(f"{integration.name} needs an admin connection.", fix="`e` gives it one.")
    choices = await screen.client.integration_choices(integration.connection_id, settings.container)

    fields, known = mapping_fields(choices, settings), [each.id for each in choices.statuses]
    before = mapping_of({each.name: each.value for each in fields}, settings, known)

    async def send(values: Values) -> str:
        changed = mapping_of(values, settings, known)
        if changed == before:
            return "Nothing was changed."
        edit = IntegrationEdit(tasks=changed, unchecked=UNCHECKED in values)
        saved = await screen.client.integration_edit(integration.id, edit)
        return " ".join([f"{saved.name} is saved.", *saved.notes])

    form = partial(
        Form,
        f"{integration.name} · fields and statuses",
        fields,
        doing=f"Saving… {integration.app_name} is asked first.",
        check=check_mapping,
    )
    return await ask_until_taken(screen, form, send) or ""


async def edit_integration(screen: DeskScreen, integration: Integration) -> str:
    """Change name, how often, and of tasks where issues are created and the admin connection."""
    kind = integration.kind
    every_s = (integration.tasks or integration.proof or ProofSettings()).every_s
    fields = [Field("name", "Name", integration.name, required=True)]
    if integration.tasks is not None:
        app = next((each for each in await screen.client.apps() if each.id == integration.app), None)
        where = app.tasks.container if app is not None and app.tasks is not None else []
        fields += asked_fields(where, WHERE, "tasks.container", integration.tasks.container)
        fields.append(await _connection_field(screen, integration))
    fields.append(every_field(every_s))
    form = partial(
        Form,
        f"Edit integration · {integration.name}",
        fields,
        doing=f"Saving… {integration.app_name} is asked first."
        if kind is IntegrationKind.TASKS
        else "Saving…",
        check=partial(check_every, least_s=LEAST_S[kind]),
    )

    async def send(values: Values) -> str:
        changes = integration_changes(values, integration)
        if not changes.model_fields_set - {"unchecked"}:
            return "Nothing was changed."
        return f"{(await screen.client.integration_edit(integration.id, changes)).name} is saved."

    return await ask_until_taken(screen, form, send) or ""


async def _connection_field(screen: DeskScreen, integration: Integration) -> Field:
    options = [
        (each.id, f"{each.name} · {each.owner}") for each in await usable_connections(screen, integration.app)
    ]
    if integration.connection_id is None:
        options.insert(0, ("", "none: choose one"))
    elif integration.connection_id not in dict(options):
        options.insert(0, (integration.connection_id, f"{integration.connection_name} · {integration.admin}"))
    return Field("connection_id", "Admin connection", integration.connection_id or "", options=tuple(options))


def integration_changes(values: Values, before: Integration) -> IntegrationEdit:
    """Return what was changed of an integration, and nothing else."""
    known: dict[str, Any] = {}
    if (name := values["name"].strip()) != before.name:
        known["name"] = name
    every_s = float(parse_duration(values["every_s"].strip()))
    if before.tasks is not None:
        where: Mapping[str, str] = asked_values(values, WHERE)
        if where != before.tasks.container or every_s != before.tasks.every_s:
            known["tasks"] = before.tasks.model_copy(update={"container": dict(where), "every_s": every_s})
        if (chosen := values["connection_id"]) and chosen != before.connection_id:
            known["connection_id"] = chosen
    elif before.proof is not None and every_s != before.proof.every_s:
        known["proof"] = ProofSettings(every_s=every_s)
    if UNCHECKED in values:
        known["unchecked"] = True
    return IntegrationEdit(**known)


async def pause_or_resume_syncs(screen: DeskScreen, integration: Integration) -> str:
    """Pause what is synced or collected through an integration, or let it go on."""
    does = "collects" if integration.kind is IntegrationKind.PROOF else "syncs"
    if integration.state is IntegrationState.PAUSED:
        await screen.client.integration_resume(integration.id)
        return f"{integration.name} {does} again."
    told = line(
        f"{integration.name} {does} nothing until it is resumed, on schedule, by callback or by hand."
    )
    question = Question(
        f"Pause {integration.name}", [told], (("pause", "Pause"),), ascii_only=screen.ascii_only
    )
    if await screen.ask(question) is None:
        return ""
    await screen.client.integration_pause(integration.id)
    return f"{integration.name} is paused."


async def remove_integration(screen: DeskScreen, integration: Integration) -> str:
    """Remove an integration; its tasks are parted from it, and stay."""
    total = integration.totals.total if integration.totals is not None else 0
    tasks = integration.kind is IntegrationKind.TASKS
    lines = [line(f"{integration.name} · {integration.app_name}"), ()]
    if tasks and total:
        stay = "stays" if total == 1 else "stay"
        lines.append(
            line(Span(f"{plural(total, 'task')} {stay}, parted from the issues, which stay too.", Tone.BAD))
        )
    lines.append(line("Nothing is synced or collected through it any more."))
    question = Question(
        "Remove the integration", lines, (("remove", "Remove"),), ascii_only=screen.ascii_only
    )
    if await screen.ask(question) is None:
        return ""
    await screen.client.integration_remove(integration.id, unlink=tasks and bool(total))
    return f"{integration.name} is removed."
