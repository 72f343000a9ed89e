"""Parts that belong together: heartbeats and methods, columns and ids, statuses, events and their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from healthdesk.connectors.lint.notes import Notes
from healthdesk.connectors.spec import FieldManifest


def check_structure(notes: Notes) -> None:
    """Check what one part of the manifest says of another."""
    _check_heartbeats(notes)
    _check_methods(notes)
    _check_datasets(notes)
    _check_statuses(notes)
    _check_probes(notes)
    _check_callbacks(notes)


def _check_heartbeats(notes: Notes) -> None:
    manifest = notes.manifest
    left = {method.id for method in manifest.auth}
    for at, beat in enumerate(manifest.heartbeat):
        mine = set(beat.auth) if beat.auth else {method.id for method in manifest.auth}
        if not mine & left:
            notes.error(
                ("heartbeat", at), "it is never sent: one before it takes its methods", "give both an auth"
            )
        left -= mine
        for number, also in enumerate(beat.also):
            if also.auth and not mine & set(also.auth):
                notes.error(
                    ("heartbeat", at, "also", number, "auth"),
                    "it is never sent: its heartbeat is not sent with this method",
                    f"one of {', '.join(sorted(mine))}",
                )
    if not manifest.heartbeat and manifest.kinds != ["delivery"]:
        notes.warn(
            ("kinds",), "without a heartbeat nobody learns that a credential died", "add [[heartbeat]]"
        )
    elif manifest.heartbeat and left:
        place = next(at for at, method in enumerate(manifest.auth) if method.id in left)
        notes.warn(
            ("auth", place), "no heartbeat is sent with this method", "add it to the auth of a heartbeat"
        )


def _check_methods(notes: Notes) -> None:
    for at, method in enumerate(notes.manifest.auth):
        keys = {field.key for field in method.fields}
        if method.oauth is not None:
            needed = ["client_id"]
            if method.type == "oauth2_client_credentials":
                needed.append("client_secret")
            for name in needed:
                if name not in keys:
                    notes.error(
                        ("auth", at),
                        f"{method.type} needs the field {name}",
                        f'add a field with key = "{name}"',
                    )
        if method.jwt is not None and method.jwt.key not in keys:
            notes.error(
                ("auth", at, "jwt", "key"), f"there is no field {method.jwt.key}", "add it to the fields"
            )
        sends = method.headers or method.query or method.basic
        if method.type == "static" and not (sends or method.client_certificate) and not notes.code:
            notes.error(("auth", at), "it asks for credentials and sends none", "add headers, query or basic")
        if (method.oauth is not None or method.jwt is not None) and not sends and not notes.code:
            notes.error(
                ("auth", at),
                "the token it gets is not sent",
                'add headers = { Authorization = "Bearer {access_token}" }',
            )


def _check_datasets(notes: Notes) -> None:
    for at, dataset in enumerate(notes.manifest.datasets):
        counts = Counter(column.key for column in dataset.columns)
        for number, column in enumerate(dataset.columns):
            if counts[column.key] > 1:
                notes.error(
                    ("datasets", at, "columns", number, "key"), f"{column.key} is there twice", "rename one"
                )
        if dataset.id_column is not None and dataset.id_column not in counts:
            notes.error(
                ("datasets", at, "id_column"),
                f"there is no column {dataset.id_column}",
                f"one of {', '.join(counts)}",
            )


def _check_statuses(notes: Notes) -> None:
    tasks = notes.manifest.tasks
    if tasks is None:
        return
    counts = Counter(status.id for status in tasks.statuses.values)
    for at, status in enumerate(tasks.statuses.values):
        if counts[status.id] > 1:
            notes.error(
                ("tasks", "statuses", "values", at, "id"), f"{status.id} is there twice", "remove one"
            )
    if tasks.statuses.values and not any(status.done for status in tasks.statuses.values):
        notes.warn(
            ("tasks", "statuses", "values"), "no status means done", "add done = true to those that do"
        )


def _check_probes(notes: Notes) -> None:
    """Check the probes that tasks and datasets name."""
    tasks = notes.manifest.tasks
    if tasks is not None and tasks.probe is not None:
        _check_probe(notes, ("tasks", "probe"), tasks.probe, tasks.container, "tasks.container")
    for at, dataset in enumerate(notes.manifest.datasets):
        if dataset.probe is not None:
            _check_probe(notes, ("datasets", at, "probe"), dataset.probe, dataset.fields, "the dataset")


def _check_probe(
    notes: Notes, at: tuple[str | int, ...], named: str, fields: Sequence[FieldManifest], whose: str
) -> None:
    probe = next((each for each in notes.manifest.probes if each.id == named), None)
    if probe is None:
        known = ", ".join(each.id for each in notes.manifest.probes)
        notes.error(at, f"there is no probe {named}", f"one of {known}" if known else "add one to [[probes]]")
        return
    keys = {each.key for each in fields}
    for each in probe.fields:
        if each.key not in keys and each.required:
            notes.error(
                at,
                f"the probe {probe.id} asks for {each.key}, which is no field of {whose}",
                f"choose a probe whose fields are those of {whose}",
            )


def _check_callbacks(notes: Notes) -> None:
    callbacks = notes.manifest.callbacks
    if callbacks is None:
        return
    if callbacks.events and callbacks.event is None:
        notes.error(
            ("callbacks", "events"), "nothing tells which event a callback is", "add [callbacks.event]"
        )
    if callbacks.scheme == "hmac" and not callbacks.header:
        notes.warn(("callbacks", "scheme"), "hmac without a header leaves it to every operator", "add header")
    for at, event in enumerate(callbacks.events):
        if event.instance is None and event.record is None:
            notes.warn(("callbacks", "events", at), "it is about nothing", "add instance or record")
