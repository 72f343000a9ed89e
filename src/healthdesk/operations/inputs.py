"""Inputs that a connector asks for, as operators give them: settings of a connection, a container, a dataset's fields."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from healthdesk.connectors.auth.credentials import check_value
from healthdesk.connectors.spec import FieldManifest
from healthdesk.errors import ConnectorError, Malformed


def inputs_of(
    fields: Sequence[FieldManifest], given: Mapping[str, str], *, whose: str, path: str
) -> dict[str, str]:
    """Return the inputs with defaults filled in, blank ones left out.

    Malformed or ConnectorError names the field by its JSON path under `path`; `whose` is whom the fields belong to.
    """
    values = {key: value.strip() for key, value in given.items() if value.strip()}
    refuse_unknown(values, [field.key for field in fields], whose, path)
    return filled(fields, values, path)


def filled(fields: Iterable[FieldManifest], values: Mapping[str, str], path: str) -> dict[str, str]:
    """Return the value or the default of every field; ConnectorError for one that is missing or cannot be."""
    inputs: dict[str, str] = {}
    for field in fields:
        value = values.get(field.key) or field.default
        if value:
            check_value(field, value, path)
            inputs[field.key] = value
        elif field.required:
            raise ConnectorError(
                f"{field.label} is missing", fix=how_to_give(field), field=f"{path}.{field.key}"
            )
    return inputs


def refuse_unknown(given: Iterable[str], known: Iterable[str], whose: str, path: str) -> None:
    """Raise Malformed for a name that nobody asks for, with the nearest one that somebody does."""
    names = list(known)
    for key in given:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            fix = f"did you mean {near[0]}?" if near else f"it has {', '.join(names) or 'none'}"
            raise Malformed(f"{whose} has no field {key!r}", field=f"{path}.{key}", fix=fix)


def how_to_give(field: FieldManifest) -> str:
    """Return what to give for a field."""
    if field.options:
        return f"one of {', '.join(field.options)}"
    if field.example:
        return f"for example {field.example}"
    return field.help or "give what the app issued"
