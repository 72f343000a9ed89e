"""How a field of a task and that of its issue are put into each other's words: statuses, people, texts, dates.

Values are texts throughout: of a task its fields, the status as the value of a WorkStatus; of an issue what the app says,
the status as its id there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from healthdesk.domain.instance_states import FieldDirection, WorkStatus

Field = Literal["name", "description", "status", "due", "assignee"]
FIELDS: tuple[Field, ...] = ("name", "description", "status", "due", "assignee")
LONGEST: Mapping[str, int] = {"name": 255, "description": 32_000, "assignee": 200}
"""Characters that a task of the desk holds."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_BLANK_LINES = re.compile(r"\n{3,}")
_NAMED = re.compile(r"\{(name|description|due|assignee|template)\}")


class DeskTask(Protocol):
    """What of a task of the desk is synced; a row of the store fits it."""

    @property
    def name(self) -> str:
        """One line."""
        ...

    @property
    def description(self) -> str:
        """Lines."""
        ...

    @property
    def status(self) -> WorkStatus:
        """How far it is."""
        ...

    @property
    def due(self) -> str:
        """An ISO date, or empty."""
        ...

    @property
    def assignee(self) -> str:
        """A user of the desk, or whatever somebody is called; or empty."""
        ...


class Issue(Protocol):
    """What of an external issue is synced; a connector's ExternalTask fits it."""

    @property
    def title(self) -> str:
        """One line."""
        ...

    @property
    def description(self) -> str:
        """Lines."""
        ...

    @property
    def status(self) -> str:
        """Its id there."""
        ...

    @property
    def done(self) -> bool:
        """Whether that status means done."""
        ...

    @property
    def due(self) -> str:
        """An ISO date, or empty."""
        ...

    @property
    def assignee(self) -> str:
        """What the app calls somebody, or empty."""
        ...


class KnownStatus(Protocol):
    """A status that an issue can have there."""

    @property
    def id(self) -> str:
        """What requests call it."""
        ...

    @property
    def done(self) -> bool:
        """Whether it means done."""
        ...


@dataclass(frozen=True, slots=True)
class TaskMapping:
    """The settings of a task integration: where issues are created, which way each field goes, what statuses and people
    are called there. `values` are further fields of a creation, texts in which `{name}` and the like are filled in.
    """

    container: Mapping[str, str] = field(default_factory=dict)
    directions: Mapping[str, FieldDirection] = field(default_factory=dict)
    statuses: Mapping[WorkStatus, str] = field(default_factory=dict)
    their_statuses: Mapping[str, WorkStatus] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> TaskMapping:
        """Read the settings as they are stored, the JSON of the wire's TaskSettings."""
        return cls(
            container=dict(settings.get("container") or {}),
            directions={
                name: FieldDirection(way) for name, way in (settings.get("directions") or {}).items()
            },
            statuses={
                WorkStatus(ours): theirs
                for ours, theirs in (settings.get("statuses") or {}).items()
                if theirs
            },
            their_statuses={
                theirs: WorkStatus(ours) for theirs, ours in (settings.get("their_statuses") or {}).items()
            },
            people=dict(settings.get("people") or {}),
            values=dict(settings.get("values") or {}),
        )

    def direction(self, name: str) -> FieldDirection:
        """Return which way a field is synced: both, where it is not named."""
        return self.directions.get(name, FieldDirection.BOTH)


def status_word(status: WorkStatus) -> str:
    """Return the words for how far a task is: Not started, In progress, Done."""
    return status.value.replace("_", " ").capitalize()


def desk_status(mapping: TaskMapping, status: str, *, done: bool, now: WorkStatus) -> WorkStatus:
    """Return what a status of theirs means for the desk, where the task is `now`.

    What is named decides, and what is not follows from whether theirs is done. Where several of ours may be meant, the one
    that the task has stays: a task that was begun does not go back because the app knows only open and closed.
    """
    if status in mapping.their_statuses:
        return mapping.their_statuses[status]
    meant = [ours for ours, theirs in mapping.statuses.items() if theirs == status]
    if meant:
        if now in meant:
            return now
        return WorkStatus.DONE if done and WorkStatus.DONE in meant else min(meant, key=_ORDER.index)
    if done:
        return WorkStatus.DONE
    return WorkStatus.IN_PROGRESS if now is WorkStatus.DONE else now


_ORDER = tuple(WorkStatus)


def their_status(mapping: TaskMapping, ours: WorkStatus, known: Sequence[KnownStatus] = ()) -> str | None:
    """Return the id of theirs that a task of this status asks for, or None where nothing says which.

    `known` are the statuses an issue can have, in the app's order, for what the mapping does not name.
    """
    named = mapping.statuses.get(ours)
    if named is not None:
        return named
    meant = [theirs for theirs, each in mapping.their_statuses.items() if each is ours]
    if meant:
        return meant[0]
    return next((each.id for each in known if each.done is (ours is WorkStatus.DONE)), None)


def ours(task: DeskTask, name: str) -> str:
    """Return a field of a task as text."""
    value = getattr(task, name)
    return value.value if isinstance(value, WorkStatus) else str(value)


def theirs(issue: Issue, name: str) -> str:
    """Return a field of an issue as the app says it."""
    return str(getattr(issue, "title" if name == "name" else name))


def meaning(mapping: TaskMapping, name: str, issue: Issue, now: str) -> str | None:
    """Return what a field of an issue says in the desk's words, where the task says `now`; None for what says nothing.

    A title that is empty and a due date that is none say nothing.
    """
    said = theirs(issue, name)
    if name == "status":
        if not said:
            return None
        return desk_status(mapping, said, done=issue.done, now=WorkStatus(now)).value
    if name == "name":
        return " ".join(said.split())[: LONGEST["name"]].rstrip() or None
    if name == "due":
        return said[:10] if not said or _DAY.match(said) else None
    if name == "assignee":
        return _person_of(mapping, said)[: LONGEST["assignee"]]
    return said[: LONGEST["description"]]


def _person_of(mapping: TaskMapping, said: str) -> str:
    """Return the user of the desk whom the app calls so, else the app's words."""
    wanted = said.strip().casefold()
    return next(
        (user for user, called in mapping.people.items() if called.strip().casefold() == wanted and wanted),
        said.strip(),
    )


def wording(mapping: TaskMapping, name: str, value: str) -> str:
    """Return a value of a task in the app's words; of a status that is `their_status`."""
    return mapping.people.get(value, value) if name == "assignee" else value


def same(name: str, one: str, other: str) -> bool:
    """Tell whether two values of the desk's say the same, however their spaces and lines are written."""
    return _plain(name, one) == _plain(name, other)


def _plain(name: str, value: str) -> str:
    if name == "description":
        lines = "\n".join(
            line.rstrip() for line in value.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        )
        return _BLANK_LINES.sub("\n\n", lines).strip("\n")
    plain = " ".join(value.split())
    return plain.casefold() if name == "assignee" else plain


def fits_here(issue: Issue) -> bool:
    """Tell whether the desk holds the description of an issue whole: what was cut here must not be written back."""
    return len(issue.description) <= LONGEST["description"]


def filled(template: str, task: DeskTask, template_name: str = "") -> str:
    """Return a text of `values` with `{name}`, `{description}`, `{due}`, `{assignee}` and `{template}` filled in."""
    known = {each: ours(task, each) for each in FIELDS} | {"template": template_name}
    return _NAMED.sub(lambda found: known[found[1]], template)
