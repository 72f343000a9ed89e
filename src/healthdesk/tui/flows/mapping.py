"""The mapping of a task integration: which way each field is synced, and which status is which, ours and theirs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast

from healthdesk.api.integrations import Choices, TaskField, TaskSettings
from healthdesk.domain.instance_states import FieldDirection, WorkStatus
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.view.instance_words import DIRECTIONS, FIELDS, WORK

BY_ITSELF = ""
"""What stands where a status is not mapped: it follows from whether theirs is done."""
_PERSON = re.compile(r"\s*([^=;]+?)\s*=\s*([^;]+?)\s*(?:;|$)")


def mapping_fields(choices: Choices, now: TaskSettings) -> list[Field]:
    """Return the fields of a mapping as it is `now`, with what the app offers to choose from."""
    return [
        *_direction_fields(now),
        *_status_fields(choices, now),
        *_their_fields(choices, now),
        *_value_fields(choices, now),
        _people_field(now, choices.noun),
    ]


def _direction_fields(now: TaskSettings) -> list[Field]:
    options = tuple((way.value, word) for way, word in DIRECTIONS.items())
    return [
        Field(
            f"direction/{name}",
            f"{label} is synced",
            now.directions.get(cast("TaskField", name), FieldDirection.BOTH).value,
            options=options,
            path=f"tasks.directions.{name}",
            help=lambda _: (
                "Where both sides changed, the app's value wins and the other is kept in the run.",
            ),
        )
        for name, label in FIELDS.items()
    ]


def _status_fields(choices: Choices, now: TaskSettings) -> list[Field]:
    options = ((BY_ITSELF, "by itself"), *((each.id, each.name) for each in choices.statuses))
    return [
        Field(
            f"ours/{status.value}",
            f"Ours: {word.text}",
            now.statuses.get(status, BY_ITSELF),
            options=options,
            path=f"tasks.statuses.{status.value}",
            help=lambda _: ("Theirs that is set when a task gets this status of ours.",),
        )
        for status, word in WORK.items()
    ]


def _their_fields(choices: Choices, now: TaskSettings) -> list[Field]:
    options = ((BY_ITSELF, "by itself"), *((status.value, word.text) for status, word in WORK.items()))
    return [
        Field(
            f"theirs/{each.id}",
            f"Theirs: {each.name}",
            now.their_statuses.get(each.id, BY_ITSELF),
            options=options,
            path="tasks.their_statuses",
            help=lambda _: ("Ours that a task gets when its issue has this status of theirs.",),
        )
        for each in choices.statuses
    ]


def _value_fields(choices: Choices, now: TaskSettings) -> list[Field]:
    told = "{name}, {description}, {due}, {assignee} and {template} are filled in. Empty: asked for with each task."
    known = {each.key for each in choices.fields}
    fields = [
        Field(
            f"value/{each.key}",
            each.label,
            now.values.get(each.key, ""),
            each.example or ("asked for with each task" if each.required else "optional"),
            help=lambda _, also=each.help: tuple(text for text in (also, told) if text),  # type: ignore[misc]
            path=f"tasks.values.{each.key}",
        )
        for each in choices.fields
    ]
    kept = [
        Field(f"value/{key}", key, value, help=lambda _: (told,), path=f"tasks.values.{key}")
        for key, value in now.values.items()
        if key not in known
    ]
    return fields + kept


def _people_field(now: TaskSettings, noun: str) -> Field:
    return Field(
        "people",
        "People",
        "; ".join(f"{user} = {called}" for user, called in now.people.items()),
        "alice = alice@acme.io; bob = Bob B.",
        help=lambda _: (f"For users of this desk, what the app calls them as assignee of an {noun}.",),
        path="tasks.people",
    )


def check_mapping(values: Values) -> dict[str, str]:
    """Return what is wrong with a mapping."""
    text = values.get("people", "").strip().rstrip(";")
    if text and len(people_of(values)) != len([part for part in text.split(";") if part.strip()]):
        return {"people": "is written alice = alice@acme.io; bob = Bob B."}
    return {}


def people_of(values: Values) -> dict[str, str]:
    """Return what the app calls users of the desk."""
    return {match[1]: match[2] for match in _PERSON.finditer(values.get("people", ""))}


def mapping_of(values: Values, before: TaskSettings, known: Sequence[str]) -> TaskSettings:
    """Return the settings with the mapping that was entered; theirs that are not among `known` stay as they were."""
    directions = {
        cast("TaskField", name.partition("/")[2]): FieldDirection(value)
        for name, value in values.items()
        if name.startswith("direction/")
    }
    ours = {
        WorkStatus(name.partition("/")[2]): value
        for name, value in values.items()
        if name.startswith("ours/") and value
    }
    theirs = {
        name.partition("/")[2]: WorkStatus(value)
        for name, value in values.items()
        if name.startswith("theirs/") and value
    }
    kept = {key: status for key, status in before.their_statuses.items() if key not in known}
    filled = {
        name.partition("/")[2]: value.strip()
        for name, value in values.items()
        if name.startswith("value/") and value.strip()
    }
    return before.model_copy(
        update={
            "directions": directions,
            "statuses": ours,
            "their_statuses": kept | theirs,
            "values": filled,
            "people": people_of(values),
        }
    )
