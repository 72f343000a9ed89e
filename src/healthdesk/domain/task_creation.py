"""How a task and its issue begin: what a new issue is made of, and what counts as synced of one that was made or found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from healthdesk.domain.instance_states import FieldDirection, WorkStatus
from healthdesk.domain.task_mapping import (
    FIELDS,
    DeskTask,
    Issue,
    TaskMapping,
    filled,
    meaning,
    ours,
    same,
    theirs,
    wording,
)
from healthdesk.domain.task_sync import TO_THEM, Abilities


@dataclass(frozen=True, slots=True)
class Creation:
    """What a new issue is made of, in the app's words; None is not given. `fields` are further ones of the project."""

    title: str
    description: str | None
    due: str | None
    assignee: str | None
    fields: Mapping[str, Any]


def creation(
    task: DeskTask,
    mapping: TaskMapping,
    abilities: Abilities,
    more: Mapping[str, Any],
    template_name: str = "",
) -> Creation:
    """Return what the issue of a task is created with. `more` are the task's own further fields: they win over `values`."""

    def given(name: str) -> str | None:
        said = ours(task, name)
        if not said or name not in abilities.create or mapping.direction(name) not in TO_THEM:
            return None
        return wording(mapping, name, said)

    further: dict[str, Any] = {
        key: made for key, text in mapping.values.items() if (made := filled(text, task, template_name))
    }
    further.update({key: value for key, value in more.items() if value not in (None, "")})
    return Creation(task.name, given("description"), given("due"), given("assignee"), further)


def created(task: DeskTask, issue: Issue, mapping: TaskMapping, abilities: Abilities) -> dict[str, Any]:
    """Return what counts as synced of an issue that was just created from a task.

    What the creation said is agreed, in the words each side has for it. What it could not say counts as changed by us: the
    next comparison pushes it. A person or date that the app gave by itself is left to be pulled, and so is a description that
    somebody, or a template of the app, wrote before the app answered.
    """
    our_side: dict[str, Any] = {}
    their_side: dict[str, Any] = {}
    for name in FIELDS:
        way = mapping.direction(name)
        if way is FieldDirection.OFF:
            continue
        said, told = ours(task, name), theirs(issue, name)
        sent = name in abilities.create and name != "status" and way in TO_THEM
        if sent and (said or (name == "description" and (way is FieldDirection.PUSH or not told))):
            agreed: str | None = said
        elif said and way in TO_THEM:
            agreed = meaning(mapping, name, issue, said)
        else:
            agreed = None
        if agreed is None:
            continue
        our_side[name], their_side[name] = agreed, told
        if name == "status":
            their_side["done"] = issue.done
    return {"ours": our_side, "theirs": their_side}


def found(
    said: Mapping[str, str], issue: Issue, mapping: TaskMapping, abilities: Abilities
) -> dict[str, Any]:
    """Return what counts as synced of an issue that was found for a creation whose task `said` this: all that the issue
    says still. What was edited here since is pushed then, as is what the creation could not say, such as that it is done;
    what the issue says else is pulled.
    """
    our_side: dict[str, Any] = {}
    their_side: dict[str, Any] = {}
    for name, value in said.items():
        way, told = mapping.direction(name), meaning(mapping, name, issue, value)
        if way is FieldDirection.OFF or told is None:
            continue
        unsaid = name not in abilities.create or (name, value) == ("status", WorkStatus.DONE.value)
        if same(name, value, told):
            our_side[name] = value
        elif unsaid and value and way in TO_THEM:
            our_side[name] = told
        else:
            continue
        their_side[name] = theirs(issue, name)
        if name == "status":
            their_side["done"] = issue.done
    return {"ours": our_side, "theirs": their_side}
