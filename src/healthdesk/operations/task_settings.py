"""Settings of task integrations: held to what the app offers, and completed with what follows from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from healthdesk.api.integrations import TaskField, TaskSettings
from healthdesk.connectors.results import TaskStatus
from healthdesk.connectors.spec import FieldManifest, Manifest, TasksManifest
from healthdesk.domain.instance_states import FieldDirection, WorkStatus
from healthdesk.domain.status_mapping import find_status, named, suggested
from healthdesk.domain.task_mapping import FIELDS
from healthdesk.domain.task_sync import Abilities
from healthdesk.errors import Malformed
from healthdesk.operations.asking import Offered
from healthdesk.operations.inputs import how_to_give, inputs_of, refuse_unknown

PLACEHOLDERS = ("name", "description", "due", "assignee", "template")
"""What is filled in in texts of `values`."""

_NAMED = re.compile(r"\{([^{}]*)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MOST_TEXT = 2_000
_MOST_PEOPLE = 500
_MOST_VALUES = 50


def tasks_of(manifest: Manifest) -> TasksManifest:
    """Return what an app does with tasks; Malformed where it has none."""
    if manifest.tasks is None or "tasks" not in manifest.kinds:
        raise Malformed(
            f"{manifest.name} has no tasks", field="connection_id", fix="`healthdesk apps` lists which have"
        )
    return manifest.tasks


def container_of(manifest: Manifest, given: Mapping[str, str], path: str) -> dict[str, str]:
    """Return the container with defaults filled in; Malformed or ConnectorError names the field."""
    tasks = tasks_of(manifest)
    return inputs_of(tasks.container, given, whose=f"{manifest.name}'s {tasks.noun}s", path=path)


def checked(manifest: Manifest, given: TaskSettings) -> TaskSettings:
    """Return the settings as far as the app need not be asked: container, people, texts. Malformed names the field."""
    for user, called in given.people.items():
        if not user.strip() or not called.strip():
            raise Malformed("a person without a name", field="tasks.people")
        if _CONTROL.search(user + called) or len(called) > _MOST_TEXT:
            raise Malformed(f"what {user[:40]!r} is called there cannot be a name", field="tasks.people")
    if len(given.people) > _MOST_PEOPLE:
        raise Malformed(f"more than {_MOST_PEOPLE} people", field="tasks.people")
    if len(given.values) > _MOST_VALUES:
        raise Malformed(f"more than {_MOST_VALUES} values", field="tasks.values")
    for key, text in given.values.items():
        _check_text(key, text)
    container = container_of(manifest, given.container, "tasks.container")
    return given.model_copy(update={"container": container})


def completed(app_name: str, given: TaskSettings, offer: Offered) -> TaskSettings:
    """Return the settings with statuses as ids, and with what is not said taken from what the app offers.

    Malformed for a status or a field that it does not have, with those it has.
    """
    if offer.only_these:
        refuse_unknown(given.values, [each.key for each in offer.fields], app_name, "tasks.values")
    statuses = {
        ours: _status(app_name, offer.statuses, theirs, f"tasks.statuses.{ours.value}")
        for ours, theirs in given.statuses.items()
        if theirs
    }
    theirs = {
        _status(app_name, offer.statuses, text, "tasks.their_statuses"): ours
        for text, ours in given.their_statuses.items()
    }
    guess = suggestion(offer)
    statuses = guess.statuses | statuses
    theirs = {
        key: ours for key, ours in guess.their_statuses.items() if key not in statuses.values()
    } | theirs
    return given.model_copy(
        update={
            "directions": guess.directions | given.directions,
            "statuses": {ours: statuses[ours] for ours in WorkStatus if ours in statuses},
            "their_statuses": theirs,
        }
    )


def missing(app_name: str, given: Mapping[str, str], wanted: Iterable[FieldManifest]) -> list[str]:
    """Return a sentence for each field that a creation wants and nothing is said of, with how to give it."""
    return [
        f"{app_name} creates nothing there without {each.label} ({each.key}): give it for all tasks with"
        f" `--value {each.key}=TEXT` of `healthdesk integrations edit` ({how_to_give(each)}), or with each task."
        for each in wanted
        if each.required and not each.default and each.key not in given
    ]


def suggestion(offer: Offered, container: Mapping[str, str] | None = None) -> TaskSettings:
    """Return settings to begin with: statuses by name, and no sync of fields that the app has not."""
    mapping = suggested(offer.statuses)
    return TaskSettings(
        container=dict(container or {}),
        directions=_without(offer.abilities),
        statuses=mapping.statuses,
        their_statuses=mapping.theirs,
    )


def _without(abilities: Abilities) -> dict[TaskField, FieldDirection]:
    """Return the directions of fields that the app does not tell, or not take: off, or from it alone."""
    ways: dict[TaskField, FieldDirection] = {}
    for name in FIELDS:
        takes = name in abilities.create or name in abilities.update
        if name not in abilities.read and not takes:
            ways[name] = FieldDirection.OFF
        elif not takes:
            ways[name] = FieldDirection.PULL
    return ways


def _status(app_name: str, known: list[TaskStatus], text: str, field: str) -> str:
    found = find_status(known, text)
    if found is None:
        raise Malformed(
            f"{app_name} has no status {text[:80]!r} there", field=field, fix=f"it has {named(known)}"
        )
    return found.id


def _check_text(key: str, text: str) -> None:
    field = f"tasks.values.{key}"
    if len(text) > _MOST_TEXT or not text.strip():
        raise Malformed(f"the text has to have 1 to {_MOST_TEXT} characters", field=field)
    for name in _NAMED.findall(text):
        if name not in PLACEHOLDERS:
            raise Malformed(
                f"there is no {{{name[:40]}}} to fill in",
                field=field,
                fix="one of " + ", ".join(f"{{{each}}}" for each in PLACEHOLDERS),
            )
