"""Settings of a proof sync: what it collects, put to the app before they are saved."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from healthdesk.api.apps import App, AppDataset
from healthdesk.api.proof import ProofSync, ProofSyncSettings
from healthdesk.domain.durations import format_span, parse_duration
from healthdesk.errors import HealthdeskError
from healthdesk.tui.flows.asked_fields import asked_fields, asked_values
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.screens.fields import UNCHECKED, Field, Values
from healthdesk.tui.screens.forms import Form

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

FIELDS = "fields"
LEAST_S, MOST_S = 300.0, 366 * 86_400.0
"""How often proof is collected: between five minutes and a year."""


async def change_settings(screen: DeskScreen, proof_id: str) -> str:
    """Ask for changes of a proof sync; the app is asked before they are saved."""
    proof = await screen.client.proof_sync(proof_id)
    dataset = dataset_of(await screen.client.apps(), proof)
    labels = await label_options(screen)
    asked = asked_fields(dataset.fields, FIELDS, "fields", proof.fields)
    form = partial(
        Form,
        f"Settings · {proof.name}",
        [
            *asked,
            Field("label", "Label or control", proof.label_id or "", options=labels),
            Field(
                "name",
                "Name",
                proof.name if proof.named else "",
                proof.generated_name or "made from what it collects",
            ),
            every_field(proof.every_s),
        ],
        doing=f"Saving… {proof.app_name} is asked first.",
        check=check_every,
    )

    async def send(values: Values) -> str:
        changes = settings_of(values, proof, asked)
        if not changes.model_fields_set - {"unchecked"}:
            return "Nothing was changed."
        changed = await screen.client.instance_settings(proof_id, changes)
        return f"{changed.name} is saved."

    return await ask_until_taken(screen, form, send) or ""


def dataset_of(apps: list[App], proof: ProofSync) -> AppDataset:
    """Return the dataset of a proof sync; HealthdeskError where its connector no longer has it."""
    for app in apps:
        for dataset in app.datasets:
            if app.id == proof.app and dataset.id == proof.dataset:
                return dataset
    raise HealthdeskError(
        f"{proof.app_name or proof.app} offers {proof.dataset_name or proof.dataset} no more.",
        fix="`healthdesk apps` lists what can be collected.",
    )


async def label_options(screen: DeskScreen) -> tuple[tuple[str, str], ...]:
    """Return labels and controls to choose from, by name; HealthdeskError where there is none."""
    found: list[tuple[str, str]] = []
    after: str | None = None
    while True:
        page = await screen.client.labels_list(after=after, limit=500)
        found += [(label.id, f"{label.name} ({label.kind.value})") for label in page.items]
        after = page.next
        if after is None:
            break
    if not found:
        raise HealthdeskError(
            "There is no label or control yet.", fix="`L` in Connections, then `n` adds one."
        )
    return tuple(found)


def every_field(now_s: float = 0.0, hint: str = "1d, 12h: as its integration says, when left empty") -> Field:
    """Return the field for how often it runs."""
    return Field("every_s", "Every", format_span(now_s) if now_s else "", hint)


def check_every(values: Values) -> dict[str, str]:
    """Return what is wrong with how often it runs."""
    text = values.get("every_s", "").strip()
    if not text:
        return {}
    try:
        seconds = parse_duration(text)
    except ValueError:
        return {"every_s": "is a time like 12h or 1d"}
    return {} if LEAST_S <= seconds <= MOST_S else {"every_s": "is between 5m and 366d"}


def settings_of(values: Values, before: ProofSync, asked: list[Field]) -> ProofSyncSettings:
    """Return what was changed, and nothing else."""
    known: dict[str, Any] = {}
    if (fields := asked_values(values, FIELDS)) != asked_values(
        {each.name: each.value for each in asked}, FIELDS
    ):
        known["fields"] = fields
    if values["label"] != (before.label_id or ""):
        known["label_id"] = values["label"]
    if (name := values["name"].strip()) != (before.name if before.named else ""):
        known["name"] = name
    if (text := values["every_s"].strip()) and parse_duration(text) != before.every_s:
        known["every_s"] = parse_duration(text)
    if UNCHECKED in values:
        known["unchecked"] = True
    return ProofSyncSettings(**known)
