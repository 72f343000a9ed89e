"""How two things of a set-up differ, in words for people: one line a value, before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

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
    elif (old := _by_name(before)) is not None and (new := _by_name(after)) is not None and (old or new):
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


def _by_name(value: Any) -> dict[str, Any] | None:
    """Return the tables of a list by their names; None for what is no such list."""
    if not isinstance(value, list) or not all(isinstance(each, Mapping) and "name" in each for each in value):
        return None
    found = {str(each["name"]): each for each in value}
    return found if len(found) == len(value) else None


def _said(value: Any) -> str:
    """Return a value, cut where it is long."""
    if value in (None, "", [], {}):
        return "none"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        text = ", ".join(value)
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_CHARS else text[: MOST_CHARS - 1] + "…"
