"""Every request a manifest describes, with what is known when it is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from healthdesk.connectors.spec import (
    AuthManifest,
    FieldManifest,
    Manifest,
    Paging,
    RequestTemplate,
    TasksManifest,
)
from healthdesk.connectors.spec.base import strings
from healthdesk.connectors.spec.errors import Operation
from healthdesk.connectors.toml_lines import Path

TASK_INPUTS = frozenset(
    {"title", "description", "status", "done", "due", "due_ms", "assignee", "assignee_id"}
)
OF_AN_ACCOUNT = frozenset({"account_id", "account", "site"})
OF_AN_ISSUE = frozenset({"id", "key"})
OPERATIONS = ("create", "get", "update", "transition", "search", "recent")


@dataclass(frozen=True, slots=True)
class Call:
    """A request at `path`. `fields` are the inputs asked for, `inputs` all that are known; `methods` can make it."""

    path: Path
    operation: Operation
    request: RequestTemplate
    methods: tuple[AuthManifest, ...]
    fields: tuple[FieldManifest, ...] = ()
    inputs: frozenset[str] = frozenset()
    paging: Paging | None = None
    paging_path: Path = ()

    def texts(self) -> Iterator[tuple[Path, str, bool]]:
        """List its templates: place, text, and whether each name in it must have a value."""
        request = self.request
        yield (*self.path, "path"), request.path, True
        for name, text in request.headers.items():
            yield (*self.path, "headers", name), text, True
        for name, text in request.query.items():
            yield (*self.path, "query", name), text, False
        for name, text in request.form.items():
            yield (*self.path, "form", name), text, False
        for where, text in strings(request.json_body):
            yield (*self.path, "json", *where), text, False
        for where, text in strings(request.variables):
            yield (*self.path, "variables", *where), text, False


def calls(manifest: Manifest) -> Iterator[Call]:
    """List every request of a manifest."""
    everyone = tuple(manifest.auth)
    for at, beat in enumerate(manifest.heartbeat):
        methods = _of(manifest, beat.auth, everyone)
        yield Call(("heartbeat", at, "request"), "heartbeat", beat.request, methods)
        for number, also in enumerate(beat.also):
            place = ("heartbeat", at, "also", number, "request")
            yield Call(
                place, "heartbeat", also.request, _of(manifest, also.auth, methods), inputs=OF_AN_ACCOUNT
            )
    for at, probe in enumerate(manifest.probes):
        fields = tuple(probe.fields)
        yield Call(("probes", at, "request"), "probe", probe.request, everyone, fields, _keys(fields))
    for at, dataset in enumerate(manifest.datasets):
        fields = tuple(dataset.fields)
        paging = dataset.paging or manifest.paging
        yield Call(
            ("datasets", at, "request"),
            "datasets",
            dataset.request,
            everyone,
            fields,
            _keys(fields),
            paging,
            ("datasets", at, "paging") if dataset.paging else ("paging",),
        )
    for key, operation in manifest.delivery.items():
        fields = tuple(operation.fields)
        yield Call(
            ("delivery", key, "request"),
            "delivery",
            operation.request,
            everyone,
            fields,
            _keys(fields) | {"records"},
        )
    if manifest.tasks is not None:
        yield from _tasks(manifest, manifest.tasks, everyone)


def _tasks(manifest: Manifest, tasks: TasksManifest, everyone: tuple[AuthManifest, ...]) -> Iterator[Call]:
    container, required = tuple(tasks.container), tuple(tasks.required)
    for name in OPERATIONS:
        operation = getattr(tasks, name)
        if operation is None:
            continue
        inputs = _keys((*container, *required)) | TASK_INPUTS
        if name != "create":
            inputs |= OF_AN_ISSUE
        if name == "search":
            inputs |= {"text"}
        yield Call(
            ("tasks", name, "request"),
            "tasks",
            operation.request,
            everyone,
            (*container, *required),
            inputs,
            operation.paging or (manifest.paging if name in ("search", "recent") else None),
            ("tasks", name, "paging") if operation.paging else ("paging",),
        )
    if tasks.assignee is not None:
        inputs = _keys(container) | {"assignee"}
        place = ("tasks", "assignee", "request")
        yield Call(place, "tasks", tasks.assignee.request, everyone, container, inputs)
    if tasks.statuses.request is not None:
        inputs = _keys(container) | OF_AN_ISSUE
        place = ("tasks", "statuses", "request")
        yield Call(place, "tasks", tasks.statuses.request, everyone, container, inputs)


def _of(manifest: Manifest, ids: list[str], otherwise: tuple[AuthManifest, ...]) -> tuple[AuthManifest, ...]:
    return tuple(method for method in manifest.auth if method.id in ids) if ids else otherwise


def _keys(fields: tuple[FieldManifest, ...]) -> frozenset[str]:
    return frozenset(field.key for field in fields)
