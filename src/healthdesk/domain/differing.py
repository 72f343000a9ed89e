"""How two documents differ, as lines for people; values masked, or in clear."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from difflib import unified_diff
from itertools import islice
from typing import Any

from healthdesk.domain.delivery import Step
from healthdesk.domain.mapping import changes
from healthdesk.domain.moves import Move, without
from healthdesk.domain.scrubbing import MASK
from healthdesk.domain.states import MappingVerb
from healthdesk.domain.templating import MISSING, join_path, look, split_path

CHANGED = f"{MASK} (changed)"
_GAP = " …"
_MOST_LINES = 4000
_MOST_DEPTH = 100
"""Longer documents are compared by their paths: comparing lines takes the product of both lengths."""


def pretty(document: Any) -> str:
    """Return a document as indented JSON."""
    return json.dumps(document, ensure_ascii=False, indent=2).encode(errors="replace").decode()


def difference(before: str, after: str, moved: Sequence[Move] = ()) -> list[str]:
    """Return what moved, `~` first, and the lines that differ with three around each, `+`, `-` or a space first.

    Of JSON what moved is not among the lines again. Nothing where nothing differs.
    """
    if moved:
        told = [f"~ {each.path} → {each.to}" for each in moved]
        return told + difference(*_without_moved(before, after, moved))
    old, new = before.splitlines(), after.splitlines()
    if len(old) + len(new) > _MOST_LINES:
        return _by_path(before, after)
    lines = islice(unified_diff(old, new, lineterm=""), 2, None)
    told = [_GAP if line.startswith("@@") else line for line in lines]
    return told[1:] if told else told


def _without_moved(before: str, after: str, moved: Sequence[Move]) -> tuple[str, str]:
    try:
        old, new = json.loads(before), json.loads(after)
    except ValueError:  # a form or XML is compared as it is
        return before, after
    return (
        pretty(without(old, [each.path for each in moved], new)),
        pretty(without(new, [each.to for each in moved], old)),
    )


def _by_path(before: str, after: str) -> list[str]:
    try:
        found = changes(json.loads(before), json.loads(after))
    except ValueError:
        return [" too long to be compared line by line"]
    told = []
    for each in islice(found, _MOST_LINES):
        told += [
            f"{mark} {each.path}: {json.dumps(value, ensure_ascii=False)}"
            for mark, value in (("-", each.before), ("+", each.after))
            if value is not MISSING
        ]
    return told


def constants(steps: Sequence[Step]) -> dict[str, Any]:
    """Return by path the values that steps give by themselves: no value of a record is in them."""
    return {
        step.path: step.value
        for step in steps
        if step.do in (MappingVerb.SET, MappingVerb.DEFAULT) and _is_constant(step.value)
    }


def _is_constant(value: object) -> bool:
    return not isinstance(value, dict | list) and not (isinstance(value, str) and "{" in value)


def masked(
    document: Any, other: Any, *, clear: Collection[str] = (), given: dict[str, Any] | None = None
) -> Any:
    """Return a document with its values masked; those that `other` has not, or has otherwise, say so.

    `clear` are top-level keys that stay, `given` values by path that stay where they are what they say.
    """
    return _masked(document, other, (), frozenset(clear), given or {})


def _masked(
    value: Any, other: Any, names: tuple[str, ...], clear: frozenset[str], given: dict[str, Any]
) -> Any:
    if len(names) > _MOST_DEPTH:
        return MASK
    if isinstance(value, dict):
        return {
            name: each
            if not names and name in clear
            else _masked(each, _member(other, name), (*names, name), clear, given)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [
            _masked(each, _member(other, str(number)), (*names, str(number)), clear, given)
            for number, each in enumerate(value)
        ]
    if value is None:
        return None
    path = join_path(names) if names else ""
    if path in given and type(given[path]) is type(value) and given[path] == value:
        return value
    return MASK if type(other) is type(value) and other == value else CHANGED


def _member(other: Any, name: str) -> Any:
    return MISSING if other is MISSING else look(other, (name,))


def has(document: Any, path: str) -> bool:
    """Tell whether something other than null is at a path."""
    found = look(document, split_path(path))
    return found is not MISSING and found is not None
