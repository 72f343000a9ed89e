"""What operators say of a task, or of the tasks of a template: held to what the desk keeps, and as it is noted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from healthdesk.errors import Malformed
from healthdesk.store.rows_instances import TaskRow

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_KEPT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MOST_FIELDS = 50
_MOST_VALUE = 2_000
_MOST_NOTED = 200
"""Characters of a value in the activity log."""


def checked(said: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Return what is said of a task, its name on one line; Malformed names the field under `path`."""
    if "name" in said:
        said["name"] = " ".join(_CONTROL.sub(" ", said["name"]).split())
        if not said["name"]:
            raise Malformed("the name is empty", field=f"{path}name")
    if _CONTROL.search(said.get("assignee", "")):
        raise Malformed("this cannot be a name", field=f"{path}assignee")
    if _NOT_KEPT.search(said.get("description", "")):
        raise Malformed(
            "there is a control character in the description", field=f"{path}description", fix="take it out"
        )
    if said.get("due"):
        try:
            date.fromisoformat(said["due"])
        except ValueError:
            raise Malformed(
                "there is no such day", field=f"{path}due", fix="for example 2027-01-31"
            ) from None
    if "fields" in said:
        _check_fields(said["fields"], f"{path}fields")
    return said


def _check_fields(given: Mapping[str, Any], path: str) -> None:
    if len(given) > _MOST_FIELDS:
        raise Malformed(f"more than {_MOST_FIELDS} fields", field=path)
    for key, value in given.items():
        if not isinstance(value, str | int | float | bool):
            raise Malformed("a further field is a text, a number, or true or false", field=f"{path}.{key}")
        if isinstance(value, str) and (len(value) > _MOST_VALUE or _NOT_KEPT.search(value)):
            raise Malformed(f"a text has at most {_MOST_VALUE} plain characters", field=f"{path}.{key}")


def noted(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of a task as the activity log keeps it: what is empty says nothing, long texts are cut."""
    return _cut({name: value for name, value in said.items() if value not in ("", {}, None)})


def before_and_after(row: TaskRow, changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an edit changes of a task, for the activity log."""
    if not changed:
        return {}
    before = {name: getattr(row, name) for name in changed}
    return {"before": _cut(before), "after": _cut(changed)}


def _cut(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value[:_MOST_NOTED] if isinstance(value, str) else value for name, value in values.items()}
