"""How two things of a set-up differ, in words for people: one line a value, before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from pydantic import BaseModel

from healthdesk.domain.addresses import redact_text

MOST_CHARS = 60


def differences(before: BaseModel, after: BaseModel, names: tuple[str, ...]) -> list[str]:
    """Return `path: before → after` of each value that differs below these fields."""
    was, becomes = (each.model_dump(mode="json", include=_top(names)) for each in (before, after))
    return [line for name in names for line in _of(name, _at(was, name), _at(becomes, name))]


def _top(names: tuple[str, ...]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def _at(plain: Any, name: str) -> Any:
    for part in name.split("."):
        plain = plain.get(part) if isinstance(plain, Mapping) else None
    return plain


def _of(path: str, before: Any, after: Any) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            yield from _of(f"{path}.{name}", before.get(name), after.get(name))
    elif _tables(before) and _tables(after):
        old, new = _by_name(before), _by_name(after)
        if old is None or new is None:  # each by its place
            for place, (one, other) in enumerate(zip_longest(before, after), 1):
                yield from _of(f"{path}.{place}", one, other)
            return
        if [name for name in old if name in new] != [name for name in new if name in old]:
            yield f"{path}: {_said(list(old))} → {_said(list(new))}"
        for name in dict.fromkeys([*old, *new]):
            if name not in new:
                yield f"{path}: − {name}"
            elif name not in old:
                yield f"{path}: + {name}"
            else:
                yield from _of(f"{path}.{name}", old[name], new[name])
    else:
        yield f"{path}: {_said(before)} → {_said(after)}"


def _tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, Mapping) for each in value)


def _by_name(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return tables by their names; None where they have none that tell them apart."""
    found = {str(each["name"]): each for each in tables if "name" in each}
    return found if len(found) == len(tables) else None


def _said(value: Any) -> str:
    """Return a value, cut where it is long."""
    if value in (None, "", [], {}):
        return "none"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        text = ", ".join(value)
    else:
        plain = (
            {name: each for name, each in value.items() if each is not None}
            if isinstance(value, Mapping)
            else value
        )
        text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    text = redact_text(text)
    return text if len(text) <= MOST_CHARS else text[: MOST_CHARS - 1] + "…"
