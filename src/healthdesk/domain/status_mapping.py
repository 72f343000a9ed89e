"""A mapping of statuses to begin with, guessed from what an app calls its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from healthdesk.domain.instance_states import WorkStatus

_DONE = ("done", "completed", "complete", "resolved", "solved", "finished", "closed")
_NEW = (
    "to do", "todo", "not started", "new", "open", "triggered", "ready", "planned", "proposed", "submitted",
    "backlog", "queued", "draft",
)  # fmt: skip
_BEGUN = (
    "in progress", "progress", "doing", "active", "started", "working on it", "work in progress", "wip",
    "acknowledged", "assigned", "open", "in review", "review", "pending",
)  # fmt: skip
"""Names that apps give their statuses, best first."""

_NO_LETTER = re.compile(r"[\W_]+")
MOST_NAMED = 20


class NamedStatus(Protocol):
    """A status that an issue can have there: its id, its name for people, whether it means done."""

    @property
    def id(self) -> str:
        """Return its id in requests."""
        ...

    @property
    def name(self) -> str:
        """Return what people call it."""
        ...

    @property
    def done(self) -> bool:
        """Tell whether it means done."""
        ...


@dataclass(frozen=True, slots=True)
class StatusMapping:
    """`statuses`: the id of theirs for each of ours. `theirs`: what further ids of theirs mean."""

    statuses: dict[WorkStatus, str] = field(default_factory=dict)
    theirs: dict[str, WorkStatus] = field(default_factory=dict)


def suggested(known: Sequence[NamedStatus]) -> StatusMapping:
    """Return a mapping to begin with: by what the app says is done, and by names.

    Where the app has one status for all that is not done, it stands for both of ours.
    """
    done = [each for each in known if each.done] or [each for each in known if _plain(each.name) in _DONE]
    rest = [each for each in known if each not in done]
    finished = _best(done, _DONE) or next(iter(done), None)
    new = _best(rest, _NEW) or next(iter(rest), None)
    begun = _best([each for each in rest if each is not new], _BEGUN) or new
    chosen = {WorkStatus.NOT_STARTED: new, WorkStatus.IN_PROGRESS: begun, WorkStatus.DONE: finished}
    statuses = {ours: each.id for ours, each in chosen.items() if each is not None}
    further = [each for each in known if each.id not in statuses.values()]
    return StatusMapping(statuses, {each.id: _meaning(each, done) for each in further})


def find_status(known: Iterable[NamedStatus], text: str) -> NamedStatus | None:
    """Return the status of this id, else the only one of this name, whatever its case."""
    listed = list(known)
    by_id = next((each for each in listed if each.id == text), None)
    if by_id is not None:
        return by_id
    wanted = text.strip().casefold()
    named = [each for each in listed if each.name.strip().casefold() == wanted]
    return named[0] if len(named) == 1 else None


def named(known: Sequence[NamedStatus]) -> str:
    """Return the statuses there are, for people."""
    told = [each.name if each.name == each.id else f"{each.name} ({each.id})" for each in known[:MOST_NAMED]]
    return ", ".join([*told, "…"] if len(known) > MOST_NAMED else told)


def _meaning(status: NamedStatus, done: Sequence[NamedStatus]) -> WorkStatus:
    if status in done:
        return WorkStatus.DONE
    return WorkStatus.NOT_STARTED if _plain(status.name) in _NEW else WorkStatus.IN_PROGRESS


def _best(among: Sequence[NamedStatus], names: Sequence[str]) -> NamedStatus | None:
    by_name = {_plain(each.name): each for each in reversed(among)}
    return next((by_name[name] for name in names if name in by_name), None)


def _plain(name: str) -> str:
    return _NO_LETTER.sub(" ", name.casefold()).strip()
