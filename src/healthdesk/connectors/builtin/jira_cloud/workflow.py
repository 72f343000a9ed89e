"""Steps of a Jira workflow: which ones an issue can take now, and in plain words why none leads where it should."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from healthdesk.connectors.paths import find, items, text_at
from healthdesk.connectors.results import ExternalTask
from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.domain.values import plain

_MOST_SENTENCE = 400
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Step:
    """A transition: the status it leads to, and the fields it wants filled that have no default."""

    id: str
    to: str
    to_name: str
    wanted: tuple[str, ...] = ()


def read_steps(document: object) -> list[Step]:
    """Return the transitions that an answer lists and that are open to the account."""
    found = [each for each in items("transitions", document) or [] if find("isAvailable", each) is not False]
    return [
        Step(text_at("id", each), text_at("to.id", each), text_at("to.name", each), _wanted(each))
        for each in found
    ]


def _wanted(transition: object) -> tuple[str, ...]:
    fields = find("fields", transition)
    if not isinstance(fields, dict):
        return ()
    return tuple(
        text_at("name", each) or str(key)
        for key, each in fields.items()
        if find("required", each) is True and find("hasDefaultValue", each) is not True
    )


def no_step(task: ExternalTask, name: str, steps: Iterable[Step]) -> Failure:
    """Return the failure of an issue that no step leads to the status of this name."""
    offered = list(dict.fromkeys(each.to_name for each in steps if each.to_name))
    issue, here = task.key or task.id, task.status_name or "its status"
    if not offered:
        return _failure(
            ErrorKind.PERMISSION,
            Blame.PERMISSION,
            f"Jira Cloud offers this account no step from {here}: {issue} cannot become {name}",
            "Jira Cloud offers the account no step of the workflow",
            "Give the account the permission Transition issues in the project, or change the workflow",
        )
    return _failure(
        ErrorKind.REFUSED,
        Blame.CONFIGURATION,
        f"Jira Cloud's workflow does not lead from {here} to {name}: {issue} can become {_listed(offered)}",
        "Jira Cloud's workflow does not lead to the status that is wanted",
        "Move the issue in Jira to a status from which it does, or choose another one in the status mapping",
    )


def wants_fields(task: ExternalTask, step: Step) -> Failure:
    """Return the failure of an issue whose step wants fields filled that only a person can fill."""
    names = _listed(step.wanted)
    return _failure(
        ErrorKind.MISSING_FIELD,
        Blame.CONFIGURATION,
        f"Jira Cloud wants {names} filled before {task.key or task.id} becomes {step.to_name}",
        "Jira Cloud wants a field filled before the issue changes its status",
        f"Fill {names} in Jira and move the issue there, or take it off the transition's screen",
        field=step.wanted[0],
    )


def _listed(names: Iterable[str]) -> str:
    kept = list(names)
    shown = ", ".join(kept[:_MOST_NAMED])
    return f"{shown} and {len(kept) - _MOST_NAMED} more" if len(kept) > _MOST_NAMED else shown


def _failure(
    kind: ErrorKind, blame: Blame, sentence: str, safe: str, next_action: str, *, field: str = ""
) -> Failure:
    return Failure(
        kind=kind,
        blame=blame,
        permanent=True,
        sentence=plain(sentence)[:_MOST_SENTENCE],
        safe_sentence=safe,
        next_action=plain(next_action)[:_MOST_SENTENCE],
        sent=Sent.YES,
        field=field,
    )
