"""What two documents have in common at another path: a value that was renamed is neither gone nor new."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from healthdesk.domain.mapping import changes
from healthdesk.domain.templating import MISSING, join_path, look, split_path

_MOST_NODES = 2000
"""Where more than this is new, nothing is looked for."""
_TELLING_NUMBER = 10

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """A value that is at `to` and was at `path`, both dotted."""

    path: str
    to: str


def moves(
    before: Any, after: Any, *, renames: Mapping[str, str] | None = None, but: Collection[str] = ()
) -> list[Move]:
    """Return what of `before` is gone from its path and is at another in `after`, in the order of `before`.

    `renames` are paths known to be renamed, with where to: they come first, and they alone tell where an empty value,
    a truth or a small number went, or that one went to where something else was. Nothing has moved to the paths of `but`.
    """
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    found = changes(before, after)
    taken = [(split_path(each.path), each.before) for each in found if each.after is MISSING]
    given = [each for each in found if each.after is not MISSING]
    if not taken or not given:
        return []
    there = _There()
    for number, (names, node) in enumerate(_nodes((split_path(each.path), each.after) for each in given)):
        if number == _MOST_NODES:
            return []
        if join_path(names) not in but:
            there.add(names, node)
    new = {split_path(each.path) for each in given if each.before is MISSING}
    known = {split_path(path): split_path(to) for path, to in (renames or {}).items()}

    def renamed(names: Names, node: Any) -> Names | None:
        return there.take(node, lambda to: known.get(names) == to)

    def found_again(names: Names, node: Any) -> Names | None:
        if not _tells(node):
            return None
        return there.take(node, lambda to: any(to[: len(each)] == each for each in new), names[-1])

    moved = dict(_moved(taken, renamed))
    moved |= dict(_moved(taken, found_again, but=moved))
    order = [names for names, _ in _nodes(iter(taken)) if names in moved]
    return [Move(join_path(names), join_path(moved[names])) for names in order]


class _There:
    """The paths at which a value is, as long as nothing is said to have moved there."""

    def __init__(self) -> None:
        self._of: dict[str, list[Names]] = {}

    def add(self, names: Names, node: Any) -> None:
        """Say that a value is at a path."""
        self._of.setdefault(_key(node), []).append(names)

    def take(self, node: Any, fits: Callable[[Names], bool], name: str = "") -> Names | None:
        """Return a path with this value that fits, one that ends in `name` first; it and what is in it are taken."""
        places = [each for each in self._of.get(_key(node), ()) if fits(each)]
        if not places:
            return None
        to = next((each for each in places if each[-1] == name), places[0])
        for left in self._of.values():
            left[:] = [each for each in left if each[: len(to)] != to and to[: len(each)] != each]
        return to


def _moved(
    taken: Iterable[tuple[Names, Any]],
    take: Callable[[Names, Any], Names | None],
    but: Collection[Names] = (),
) -> Iterator[tuple[Names, Names]]:
    """Return what was taken away with where it went: the whole, or else what of an object did."""
    for names, node in taken:
        inside = any(each[: len(names)] == names for each in but)
        to = None if inside else take(names, node)
        if to is not None:
            yield names, to
        elif isinstance(node, dict) and names not in but:
            yield from _moved([((*names, name), each) for name, each in node.items()], take, but)


def _tells(node: Any) -> bool:
    """Tell whether a value is no other's by chance: truths, empty ones and small numbers are alike everywhere."""
    if isinstance(node, bool) or node is None:
        return False
    if isinstance(node, int | float):
        return abs(node) >= _TELLING_NUMBER
    return len(node) > (1 if isinstance(node, str) else 0)


def _nodes(roots: Iterator[tuple[Names, Any]]) -> Iterator[tuple[Names, Any]]:
    """Return each value and, of objects, the values in it, with their paths."""
    stack = list(roots)[::-1]
    while stack:
        names, node = stack.pop()
        yield names, node
        if isinstance(node, dict):
            stack.extend(((*names, name), each) for name, each in reversed(node.items()))


def _key(node: Any) -> str:
    return json.dumps(node, sort_keys=True)


def carried_out(moved: Sequence[Move], before: Any) -> Any:
    """Return `before` with its values where they moved to: what they are compared with there."""
    made = copy.deepcopy(before)
    for move in moved:
        *above, last = split_path(move.to)
        here = made
        for name in above:
            if isinstance(here, dict):
                here.setdefault(name, {})
            here = look(here, (name,))
        if isinstance(here, dict):
            here[last] = look(before, split_path(move.path))
    return made


def without(document: Any, paths: Sequence[str], other: Any) -> Any:
    """Return a document without the members at paths, and without objects that are empty then and that `other` has not."""
    made = copy.deepcopy(document)
    for path in paths:
        names = split_path(path)
        while names:
            here = look(made, names[:-1])
            if not isinstance(here, dict) or names[-1] not in here:
                break
            del here[names[-1]]
            names = names[:-1]
            if look(made, names) or look(other, names) is not MISSING:
                break
    return made
