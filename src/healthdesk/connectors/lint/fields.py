"""Fields: defaults and examples fit their own patterns, secrets have none, names do not hide each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from healthdesk.connectors.lint.notes import Notes
from healthdesk.connectors.spec import FieldManifest, Manifest
from healthdesk.connectors.toml_lines import Path


def check_fields(notes: Notes) -> None:
    """Check every field of the manifest."""
    settings = {field.key for field in notes.manifest.fields}
    for path, fields in lists_of_fields(notes.manifest):
        seen: set[str] = set()
        for at, field in enumerate(fields):
            place = (*path, at)
            if field.key in seen:
                notes.error((*place, "key"), f"{field.key} is there twice", "remove one")
            seen.add(field.key)
            if path != ("fields",) and field.key in settings:
                notes.warn(
                    (*place, "key"), f"{field.key} is a setting of the app too", "give one another name"
                )
            _check_values(notes, place, field)


def lists_of_fields(manifest: Manifest) -> Iterator[tuple[Path, list[FieldManifest]]]:
    """List every list of fields with its place."""
    yield ("fields",), manifest.fields
    for at, method in enumerate(manifest.auth):
        yield ("auth", at, "fields"), method.fields
    for at, probe in enumerate(manifest.probes):
        yield ("probes", at, "fields"), probe.fields
    for at, dataset in enumerate(manifest.datasets):
        yield ("datasets", at, "fields"), dataset.fields
    for key, operation in manifest.delivery.items():
        yield ("delivery", key, "fields"), operation.fields
    if manifest.tasks is not None:
        yield ("tasks", "container"), manifest.tasks.container
        yield ("tasks", "required"), manifest.tasks.required


def _check_values(notes: Notes, place: Path, field: FieldManifest) -> None:
    if field.secret and field.default:
        notes.error((*place, "default"), "a secret has no default", "leave it out")
    if field.secret and field.options:
        notes.error((*place, "options"), "a secret is not chosen from a list", "leave them out")
    for name in ("default", "example"):
        value = getattr(field, name)
        if not value:
            continue
        if field.options and value not in field.options:
            notes.error(
                (*place, name), f"{value!r} is none of the options", f"one of {', '.join(field.options)}"
            )
        # An example may be shortened, as in "ghp_…".
        shortened = name == "example" and ("…" in value or "..." in value)
        if field.pattern and not shortened and not re.fullmatch(field.pattern, value):
            notes.error((*place, name), f"{value!r} does not fit the pattern", "correct it, or the pattern")
