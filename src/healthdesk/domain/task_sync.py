"""What a sync of a task and its issue does: both sides are compared with what they said after the last one.

Only ours changed: it is pushed. Only theirs: it is pulled. Both, and not to the same: theirs is taken, and what ours said
is recorded. Each side is compared with its own words of last time, so that an app that changes what it is given, or
does not take it, is not asked again and again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from healthdesk.domain.instance_states import FieldDirection, RunOutcome
from healthdesk.domain.task_mapping import (
    FIELDS,
    DeskTask,
    Issue,
    TaskMapping,
    fits_here,
    meaning,
    ours,
    same,
    theirs,
)

Taken = Literal["ours", "theirs"]
Synced = Mapping[str, Any]
"""What both sides said after a sync: `ours` and `theirs`, each a text by field; theirs also says whether it is `done`."""

TO_THEM = frozenset({FieldDirection.BOTH, FieldDirection.PUSH})
"""Ways on which what the desk says goes to the app."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an app does with the fields of a task, by the desk's names of them.

    `read`: an issue tells it. `create`: a creation takes it. `update`: a change takes it. `clear`: a change can empty it.
    """

    read: frozenset[str] = frozenset(FIELDS)
    create: frozenset[str] = frozenset(FIELDS)
    update: frozenset[str] = frozenset(FIELDS)
    clear: frozenset[str] = frozenset({"description"})


@dataclass(frozen=True, slots=True)
class FieldChange:
    """What a sync does to one field, in the desk's words: `taken` is whose value both sides have then, `lost` the other
    one where both had changed.
    """

    field: str
    before: str
    after: str
    taken: Taken
    lost: str = ""

    def to_json(self) -> dict[str, str]:
        """Return it as it is kept in the detail of a run."""
        return {
            "field": self.field,
            "before": self.before,
            "after": self.after,
            "taken": self.taken,
            "lost": self.lost,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done: fields to push, values to pull, and each change as it is told."""

    push: tuple[str, ...] = ()
    pull: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[FieldChange, ...] = ()
    conflicts: frozenset[str] = frozenset()

    def outcome(self, pushed: Collection[str]) -> RunOutcome:
        """Return what a run came to that pushed these fields."""
        if self.conflicts:
            return RunOutcome.CONFLICT
        if pushed and self.pull:
            return RunOutcome.MERGED
        if pushed:
            return RunOutcome.PUSHED
        return RunOutcome.PULLED if self.pull else RunOutcome.UNCHANGED

    def done(self, pushed: Collection[str]) -> list[dict[str, str]]:
        """Return the changes that were made, as they are kept: all that was pulled, and what was pushed."""
        return [each.to_json() for each in self.changes if each.taken == "theirs" or each.field in pushed]


def decide(
    task: DeskTask, issue: Issue, synced: Synced | None, mapping: TaskMapping, abilities: Abilities
) -> Plan:
    """Compare a task with its issue and with what both said last time. Pure: the same is decided from the same."""
    push: list[str] = []
    pull: dict[str, str] = {}
    changes: list[FieldChange] = []
    conflicts: set[str] = set()
    for name in FIELDS:
        step = _step(name, task, issue, synced, mapping, abilities)
        if step is None:
            continue
        changes.append(step)
        if step.taken == "ours":
            push.append(name)
        else:
            pull[name] = step.after
            if step.lost:
                conflicts.add(name)
    return Plan(tuple(push), pull, tuple(changes), frozenset(conflicts))


def _step(
    name: str,
    task: DeskTask,
    issue: Issue,
    synced: Synced | None,
    mapping: TaskMapping,
    abilities: Abilities,
) -> FieldChange | None:
    way = mapping.direction(name)
    if way is FieldDirection.OFF:
        return None
    said = ours(task, name)
    before = _before(synced, "ours", name)
    kept = before is not None and same(name, said, before)
    pushing = way in TO_THEM and _takes(name, said, issue, abilities)
    if name not in abilities.read:
        changed = not kept and (before is not None or bool(said))
        return FieldChange(name, before or "", said, "ours") if pushing and changed else None
    told = meaning(mapping, name, issue, said)
    if told is None or same(name, said, told):
        return None
    stands = _stands(name, issue, synced, mapping)
    pushed = FieldChange(name, told, said, "ours") if pushing else None
    if kept and stands:
        return (
            None  # a difference that both sides had after the last sync: the app does not take ours as it is
        )
    if way is FieldDirection.PUSH:
        return pushed
    if way is FieldDirection.PULL:
        return FieldChange(name, said, told, "theirs", "" if kept or before is None else said)
    if stands or (before is None and not told):
        return pushed
    lost = "" if kept or not said else said
    return FieldChange(name, said, told, "theirs", lost)


def _takes(name: str, said: str, issue: Issue, abilities: Abilities) -> bool:
    """Tell whether the app can be given this value in a change."""
    if name not in abilities.update or not (said or name in abilities.clear):
        return False
    return name != "description" or fits_here(issue)


def _before(synced: Synced | None, side: Taken, name: str) -> str | None:
    """Return what a side said of a field after the last sync; None where it was not synced then."""
    found = ((synced or {}).get(side) or {}).get(name)
    return found if isinstance(found, str) else None


def _stands(name: str, issue: Issue, synced: Synced | None, mapping: TaskMapping) -> bool:
    """Tell whether the issue says of a field what it said after the last sync.

    A status that means for the desk what the one before it meant is no change.
    """
    before = _before(synced, "theirs", name)
    if before is None:
        return False
    if name != "status":
        return same(name, theirs(issue, name), before)
    if issue.status == before and issue.done is bool((synced or {}).get("theirs", {}).get("done")):
        return True
    agreed = _before(synced, "ours", name)
    return agreed is not None and meaning(mapping, name, issue, agreed) == agreed


def settled(
    task: DeskTask,
    plan: Plan,
    issue: Issue,
    answered: Issue,
    pushed: Collection[str],
    synced: Synced | None,
    mapping: TaskMapping,
) -> dict[str, Any]:
    """Return what both sides say after a plan was carried out, to be compared with next time.

    `issue` is as it was read before, `answered` as the app had it after the pushes. Only of fields that were pushed does
    the answer count: another one may have been changed there in between, and is still to be pulled. A push that failed
    leaves its field as it was synced before, so that it is tried again.
    """
    our_side: dict[str, Any] = {}
    their_side: dict[str, Any] = {}
    for name in FIELDS:
        if mapping.direction(name) is FieldDirection.OFF:
            continue
        if name in plan.push and name not in pushed:
            said, told = _before(synced, "ours", name), _before(synced, "theirs", name)
            if said is None or told is None:
                continue
            done = bool((synced or {}).get("theirs", {}).get("done"))
        else:
            seen = answered if name in pushed else issue
            said, told, done = plan.pull.get(name, ours(task, name)), theirs(seen, name), seen.done
        our_side[name], their_side[name] = said, told
        if name == "status":
            their_side["done"] = done
    return {"ours": our_side, "theirs": their_side}


def overwrites(task: DeskTask, issue: Issue, mapping: TaskMapping, abilities: Abilities) -> list[FieldChange]:
    """Return what of a task is overwritten when an issue is attached to it: the issue's value wins in every field that is
    synced, whichever way, and the issue stays as it is.
    """
    found: list[FieldChange] = []
    for name in FIELDS:
        if mapping.direction(name) is FieldDirection.OFF or name not in abilities.read:
            continue
        said = ours(task, name)
        told = meaning(mapping, name, issue, said)
        if told is None or same(name, said, told):
            continue
        found.append(FieldChange(name, said, told, "theirs", said))
    return found


def attached(
    task: DeskTask, issue: Issue, mapping: TaskMapping, abilities: Abilities
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what a task says once an issue is attached to it, by field, and what counts as synced then."""
    changes = overwrites(task, issue, mapping, abilities)
    plan = Plan(pull={each.field: each.after for each in changes})
    return dict(plan.pull), settled(task, plan, issue, issue, (), None, mapping)
