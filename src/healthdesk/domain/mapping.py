"""Mappings: what is sent is made of a record's data, step by step, the same each time.

The data that is given is never changed. `{data.…}` in a value is the data before the first step, whatever steps did.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from healthdesk.domain.delivery import Step
from healthdesk.domain.fields import kind_of
from healthdesk.domain.formats import check_format, formatted
from healthdesk.domain.states import MappingVerb
from healthdesk.domain.templating import MISSING, Facts, join_path, look, split_path, template
from healthdesk.errors import MappingError

_MOST_ELEMENTS = 10_000


def check(steps: Sequence[Step]) -> None:
    """Raise MappingError for steps that can never be carried out; `field` is `mapping[2].path` and so on."""
    for number, step in enumerate(steps):
        try:
            split_path(step.path)
        except MappingError as error:
            raise MappingError(error.what, fix=error.fix, field=f"mapping[{number}].path") from None
        _check_rest(step, f"mapping[{number}]")


def _check_rest(step: Step, place: str) -> None:
    needs_to, needs_how = step.do is MappingVerb.RENAME, step.do is MappingVerb.FORMAT
    if needs_to and not step.to:
        raise MappingError("a rename needs `to`", fix="say where the value goes", field=f"{place}.to")
    if needs_how and not step.how:
        raise MappingError(
            "a format needs `how`", fix="such as number or date:%d.%m.%Y", field=f"{place}.how"
        )
    for given, needed, name in ((step.to, needs_to, "to"), (step.how, needs_how, "how")):
        if given and not needed:
            raise MappingError(
                f"{step.do.value} has no `{name}`", fix="leave it out", field=f"{place}.{name}"
            )
    if step.value is not None and step.do not in (MappingVerb.SET, MappingVerb.DEFAULT):
        raise MappingError(f"{step.do.value} has no `value`", fix="leave it out", field=f"{place}.value")
    try:
        if needs_to:
            split_path(step.to)
        if needs_how:
            check_format(step.how)
        _rendered(step.value, Facts(), {})
    except MappingError as error:
        name = "to" if needs_to else "how" if needs_how else "value"
        raise MappingError(error.what, fix=error.fix, field=f"{place}.{name}") from None


def apply(steps: Sequence[Step], data: object, facts: Facts) -> Any:
    """Return what `steps` make of a record's data. Raises MappingError for data that cannot be mapped.

    Paths that are not there are passed over by `rename`, `remove` and `format`; a `set` or `default` whose value
    names data that is not there puts nothing.
    """
    if not steps:
        return data
    if not isinstance(data, dict):
        raise MappingError(
            f"the record's data is {kind_of(data)}, and a mapping needs a JSON object",
            fix="take the mapping away, or have the source post an object as data",
        )
    made = copy.deepcopy(data)
    for step in steps:
        _carry_out(step, made, data, facts)
    return made


def _carry_out(step: Step, made: Any, data: object, facts: Facts) -> None:
    names = split_path(step.path)
    if step.do is MappingVerb.SET or step.do is MappingVerb.DEFAULT:
        there = look(made, names)
        if step.do is MappingVerb.SET or there is MISSING or there is None:
            value = _rendered(step.value, facts, data)
            if value is not MISSING:
                _put(made, names, copy.deepcopy(value))
        return
    there = look(made, names)
    if there is MISSING:
        return
    if step.do is MappingVerb.FORMAT:
        _put(made, names, formatted(there, step.how, step.path))
        return
    _take(made, names)
    if step.do is MappingVerb.RENAME:
        _put(made, split_path(step.to), there)


def _rendered(value: Any, facts: Facts, data: object) -> Any:
    """Return a value with its templates filled in; members and elements whose data is missing are left out."""
    if isinstance(value, str):
        return template(value).render(facts, data)
    if isinstance(value, dict):
        members = ((name, _rendered(each, facts, data)) for name, each in value.items())
        return {name: each for name, each in members if each is not MISSING}
    if isinstance(value, list):
        return [each for each in (_rendered(one, facts, data) for one in value) if each is not MISSING]
    return value


def _put(made: Any, names: tuple[str, ...], value: object) -> None:
    """Put a value at a path, making the objects that lead to it; a list takes one more element at its end."""
    *before, last = names
    here = made
    for depth, name in enumerate(before):
        following = look(here, (name,))
        if following is MISSING or following is None:
            following = {}
            _put_one(here, name, following, names[: depth + 1])
        here = following
    _put_one(here, last, value, names)


def _put_one(here: Any, name: str, value: object, names: tuple[str, ...]) -> None:
    if isinstance(here, dict):
        here[name] = value
        return
    if isinstance(here, list) and name.isascii() and name.isdecimal() and int(name) <= len(here):
        here[int(name) : int(name) + 1] = [value]
        return
    path, above = join_path(names), join_path(names[:-1])
    raise MappingError(
        f"nothing can be put at {path}: at {above} is {kind_of(here)}", fix="look at the paths of the mapping"
    )


def _take(made: Any, names: tuple[str, ...]) -> None:
    here = look(made, names[:-1])
    if isinstance(here, dict):
        del here[names[-1]]
    else:
        del here[int(names[-1])]


@dataclass(frozen=True, slots=True)
class Change:
    """One place where two documents differ. `before` is MISSING of what was added, `after` of what was taken away."""

    path: str
    before: Any
    after: Any


def changes(before: object, after: object) -> list[Change]:
    """Return where two documents differ, by path; the path of the whole is empty."""
    return list(_changes(before, after, ()))


def _changes(before: Any, after: Any, names: tuple[str, ...]) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys((*before, *after)):
            yield from _changes(before.get(name, MISSING), after.get(name, MISSING), (*names, name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after) <= _MOST_ELEMENTS:
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _changes(old, new, (*names, str(number)))
    elif type(before) is not type(after) or before != after:
        yield Change(join_path(names), before, after)
