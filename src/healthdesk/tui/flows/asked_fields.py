"""Fields of a form for what an app asks for beside credentials: a container, a dataset, a creation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from healthdesk.api.apps import AppField
from healthdesk.tui.screens.fields import Field, Values


def asked_fields(
    asked: Iterable[AppField], owner: str, path: str, now: Mapping[str, str] = MappingProxyType({})
) -> list[Field]:
    """Return a field for each; names are `owner/KEY`, `path` is where the API has them, `now` what they are."""
    return [_asked_field(each, owner, path, now.get(each.key, each.default)) for each in asked]


def _asked_field(each: AppField, owner: str, path: str, value: str) -> Field:
    options = tuple((option, option) for option in each.options)
    if options and not each.required:
        options = (("", "–"), *options)
    return Field(
        f"{owner}/{each.key}",
        each.label,
        value,
        each.example or ("" if each.required else "optional"),
        options=options,
        required=each.required and not each.default,
        help=lambda _: (each.help,) if each.help else (),
        path=f"{path}.{each.key}",
    )


def asked_values(values: Values, owner: str) -> dict[str, str]:
    """Return what was filled in of an owner's fields, by their keys."""
    begin = f"{owner}/"
    return {
        name.removeprefix(begin): value.strip()
        for name, value in values.items()
        if name.startswith(begin) and value.strip()
    }
