"""Adding integrations of kinds tasks and proof: what for, where, then the mapping of what the app offers there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.apps import App
from healthdesk.api.connections import Connection
from healthdesk.api.integrations import Choices, Integration, IntegrationCreate, ProofSettings
from healthdesk.domain.durations import parse_duration
from healthdesk.domain.states import IntegrationKind
from healthdesk.errors import HealthdeskError
from healthdesk.tui.flows.app_integrations import LEAST_S, WHERE, check_every, every_field
from healthdesk.tui.flows.apps import choose_app
from healthdesk.tui.flows.asked_fields import asked_fields, asked_values
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.mapping import check_mapping, mapping_fields, mapping_of
from healthdesk.tui.flows.own_connections import choose_among, usable_connections
from healthdesk.tui.format import dim, line
from healthdesk.tui.messages import RowAdded
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import UNCHECKED, Field, Values
from healthdesk.tui.screens.forms import Form

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

TASKS_S, PROOF_S = 3600.0, 86_400.0


async def add_integration(screen: DeskScreen, region: str = "") -> str:
    """Ask what the new integration is for, then for what it needs."""
    question = Question(
        "New integration",
        [
            line("Tasks: the desk's tasks get issues in an app, and both are kept in line."),
            line(
                "Proof: datasets of an app are collected on a schedule and filed under labels and controls."
            ),
            line(dim("One that delivers records is added by `healthdesk integrations add`.")),
        ],
        (("tasks", "Tasks"), ("proof", "Proof")),
        ascii_only=screen.ascii_only,
    )
    kind = await screen.ask(question)
    if kind is None:
        return ""
    added = await (add_tasks(screen) if kind == "tasks" else add_proof(screen))
    if added is None:
        return ""
    if region:
        screen.post_message(RowAdded(region, added.id))
    return " ".join([f"{added.name} is added.", *added.notes])


async def add_tasks(screen: DeskScreen) -> Integration | None:
    """Ask for the admin connection, where issues are created, then for the mapping of fields and statuses."""
    apps = {app.id: app for app in await screen.client.apps() if app.tasks is not None}
    usable = [each for each in await usable_connections(screen) if each.app in apps]
    if not usable:
        raise HealthdeskError(
            "There is no connection to an app with tasks that you may use.",
            fix="`n` in Connections adds one.",
        )
    chosen = await choose_among(screen, "New integration · admin connection", usable)
    if chosen is None:
        return None
    given: Values = {}
    while True:
        asked = await _ask_place(screen, apps[chosen.app], chosen, given)
        if asked is None:
            return None
        given, choices = asked
        added = await _ask_mapping(screen, chosen, given, choices)
        if added is not None:
            return added


async def _ask_place(
    screen: DeskScreen, app: App, connection: Connection, given: Values
) -> tuple[Values, Choices] | None:
    noun = app.tasks.noun if app.tasks is not None else "issue"

    async def send(values: Values) -> tuple[Values, Choices]:
        choices = await screen.client.integration_choices(connection.id, asked_values(values, WHERE))
        return values, choices

    form = partial(
        Form,
        f"New integration · tasks in {app.name}",
        [
            Field("name", "Name", hint=f"{app.name} {noun}s", required=True),
            *asked_fields(app.tasks.container if app.tasks is not None else (), WHERE, "container"),
            every_field(TASKS_S),
        ],
        button="Next",
        doing=f"Asking {app.name} what it offers there…",
        check=partial(check_every, least_s=LEAST_S[IntegrationKind.TASKS]),
        given=given,
    )
    return await ask_until_taken(screen, form, send)


async def _ask_mapping(
    screen: DeskScreen, connection: Connection, given: Values, choices: Choices
) -> Integration | None:
    async def send(values: Values) -> Integration:
        settings = mapping_of(values, choices.suggested, [each.id for each in choices.statuses])
        settings = settings.model_copy(
            update={
                "container": asked_values(given, WHERE),
                "every_s": float(parse_duration(given["every_s"].strip())),
            }
        )
        new = IntegrationCreate(
            kind=IntegrationKind.TASKS,
            name=given["name"],
            connection_id=connection.id,
            tasks=settings,
            unchecked=UNCHECKED in values,
        )
        return await screen.client.integration_create(new)

    form = partial(
        Form,
        f"{given['name']} · fields and statuses",
        mapping_fields(choices, choices.suggested),
        button="Add",
        doing=f"Saving… {connection.app_name} is asked first.",
        check=check_mapping,
    )
    return await ask_until_taken(screen, form, send)


async def add_proof(screen: DeskScreen) -> Integration | None:
    """Ask for the app that proof is collected from, a name and how often."""
    apps = sorted(
        (app for app in await screen.client.apps() if app.datasets), key=lambda app: app.name.lower()
    )
    app = await choose_app(screen, apps, "", title="New integration · proof")
    if app is None:
        return None

    async def send(values: Values) -> Integration:
        new = IntegrationCreate(
            kind=IntegrationKind.PROOF,
            name=values["name"],
            app=app.id,
            proof=ProofSettings(every_s=parse_duration(values["every_s"].strip())),
        )
        return await screen.client.integration_create(new)

    form = partial(
        Form,
        f"New integration · proof of {app.name}",
        [Field("name", "Name", f"{app.name} proof", required=True), every_field(PROOF_S)],
        button="Add",
        check=partial(check_every, least_s=LEAST_S[IntegrationKind.PROOF]),
    )
    return await ask_until_taken(screen, form, send)
