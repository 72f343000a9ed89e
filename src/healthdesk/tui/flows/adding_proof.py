"""Adding a proof sync: integration, dataset, what of it, label or control, connection."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.apps import App, AppDataset
from healthdesk.api.integrations import Integration
from healthdesk.api.proof import ProofSync, ProofSyncCreate
from healthdesk.domain.durations import parse_duration
from healthdesk.domain.states import IntegrationKind
from healthdesk.errors import HealthdeskError
from healthdesk.tui.flows.asked_fields import asked_fields, asked_values
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.own_connections import choose_among, usable_connections
from healthdesk.tui.flows.proof_settings import FIELDS, check_every, every_field, label_options
from healthdesk.tui.flows.tasks import integrations_of
from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.screens.chooser import Chooser, Option
from healthdesk.tui.screens.fields import UNCHECKED, Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.widgets.columns import Column

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

INTEGRATION_COLUMNS = [Column("Integration", 20, flex=1), Column("App", 20, flex=1)]
DATASET_COLUMNS = [Column("Dataset", 24, flex=1), Column("Columns", 24, flex=2)]


async def add_proof_sync(screen: DeskScreen, label_id: str = "") -> str:
    """Ask for a new proof sync; `label_id` is the label it is filed under, where that is known. esc goes back a step."""
    labels = await label_options(screen)
    while True:
        integration = await _choose_integration(screen)
        if integration is None:
            return ""
        app = next((each for each in await screen.client.apps() if each.id == integration.app), None)
        if app is None or not app.datasets:
            raise HealthdeskError(f"{integration.app_name} offers nothing to collect any more.")
        chosen = ""
        while (dataset := await _choose_dataset(screen, app, chosen)) is not None:
            chosen = dataset.id
            connection_id = await _connection_id(screen, integration)
            if connection_id == "":
                continue
            added = await _add(screen, integration, dataset, connection_id, labels, label_id)
            if added is not None:
                return f"{added.name} is added, and collected now."


async def _choose_integration(screen: DeskScreen) -> Integration | None:
    found = await integrations_of(screen, IntegrationKind.PROOF)
    if not found:
        raise HealthdeskError(
            "There is no integration of kind proof yet.", fix="`i` in Connections, then `n` adds one."
        )
    options = [
        Option(each.id, (Span(each.name), Span(each.app_name, Tone.DIM)), (), f"{each.name} {each.app_name}")
        for each in found
    ]
    chooser = Chooser(
        "New proof sync · integration", INTEGRATION_COLUMNS, options, ascii_only=screen.ascii_only
    )
    answer: str | None = await screen.ask(chooser)
    return next((each for each in found if each.id == answer), None)


async def _choose_dataset(screen: DeskScreen, app: App, chosen: str) -> AppDataset | None:
    chooser = Chooser(
        f"New proof sync · {app.name} · dataset",
        DATASET_COLUMNS,
        [_dataset_option(each) for each in app.datasets],
        chosen=chosen,
        ascii_only=screen.ascii_only,
    )
    answer: str | None = await screen.ask(chooser)
    return next((each for each in app.datasets if each.id == answer), None)


def _dataset_option(dataset: AppDataset) -> Option:
    columns = ", ".join(column.label for column in dataset.columns)
    return Option(
        dataset.id,
        (Span(dataset.name), Span(columns, Tone.DIM)),
        (line(dataset.summary or dataset.name), line(dim(f"Columns: {columns}"))),
        f"{dataset.name} {dataset.summary}",
    )


async def _connection_id(screen: DeskScreen, integration: Integration) -> str | None:
    """Return the connection where there is a choice, None where the daemon finds it, empty where it was left."""
    found = await usable_connections(screen, integration.app)
    if len(found) <= 1:
        return None
    title = f"New proof sync · connection to {integration.app_name}"
    chosen = await choose_among(screen, title, found)
    return chosen.id if chosen is not None else ""


async def _add(
    screen: DeskScreen,
    integration: Integration,
    dataset: AppDataset,
    connection_id: str | None,
    labels: tuple[tuple[str, str], ...],
    label_id: str,
) -> ProofSync | None:
    async def send(values: Values) -> ProofSync:
        text = values["every_s"].strip()
        new = ProofSyncCreate(
            integration_id=integration.id,
            connection_id=connection_id,
            dataset=dataset.id,
            fields=asked_values(values, FIELDS),
            label_id=values["label"],
            name=values["name"].strip() or None,
            every_s=parse_duration(text) if text else None,
            unchecked=UNCHECKED in values,
        )
        return await screen.client.proof_sync_create(new)

    form = partial(
        Form,
        f"New proof sync · {dataset.name}",
        [
            *asked_fields(dataset.fields, FIELDS, "fields"),
            Field("label", "Label or control", label_id, options=labels, path="label_id"),
            Field("name", "Name", hint=dataset.title or "made from what it collects"),
            every_field(),
        ],
        button="Add",
        doing=f"Trying… {integration.app_name} is asked before anything is saved.",
        check=check_every,
    )
    return await ask_until_taken(screen, form, send)
