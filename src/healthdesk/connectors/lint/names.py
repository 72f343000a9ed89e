"""Placeholders: every name is known where it stands, has a value where it must, and no field is asked for in vain."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable, Iterator

from healthdesk.connectors.lint.calls import TASK_INPUTS, Call, calls
from healthdesk.connectors.lint.notes import Notes
from healthdesk.connectors.spec import AuthManifest, FieldManifest, Manifest, TaskResult
from healthdesk.connectors.spec.base import placeholders
from healthdesk.connectors.toml_lines import Path

OF_A_TOKEN_ANSWER = frozenset(
    # RFC 6749, OpenID Connect, and what Salesforce adds (help.salesforce.com, "OAuth 2.0 Token Response").
    {"access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token", "instance_url", "id"}
)
OF_A_KEY_FILE = frozenset(
    {"private_key", "private_key_id", "client_email", "client_id", "project_id", "token_uri"}
)
OF_A_REFUSAL = frozenset({"message", "status", "app"})
OF_A_RECORD = frozenset({"record", "id", "webhook_id"})
OVERRIDES = frozenset({"token_url", "authorize_url", "device_url"})
OF_A_CLIENT = frozenset({"client_id", "client_secret", "refresh_token"})
OF_AWS = frozenset(
    {"access_key_id", "secret_access_key", "session_token", "role_arn", "external_id", "region"}
)


def check_names(notes: Notes) -> None:
    """Check every template of the manifest."""
    manifest = notes.manifest
    _check_app(notes)
    for at, method in enumerate(manifest.auth):
        _check_method(notes, ("auth", at), method)
    for call in calls(manifest):
        _check_call(notes, call)
    for at, dataset in enumerate(manifest.datasets):
        of_dataset = [*manifest.fields, *dataset.fields]
        keys = {field.key for field in of_dataset}
        _check_public(notes, ("datasets", at, "title"), dataset.title, of_dataset, keys)
    _check_links(notes)
    for at, rule in enumerate(manifest.errors):
        fields = [*manifest.fields, *(field for method in manifest.auth for field in method.fields)]
        known = {*OF_A_REFUSAL, *(field.key for field in fields)}
        for name in ("sentence", "fix"):
            _check_public(notes, ("errors", at, name), getattr(rule, name), fields, known)
    _check_unused(notes)


def known_of(method: AuthManifest) -> set[str]:
    """Return the names that a method of authentication gives values to."""
    names = {field.key for field in method.fields}
    if method.oauth is not None or method.jwt is not None:
        names |= OF_A_TOKEN_ANSWER
    if method.jwt is not None:
        names |= OF_A_KEY_FILE
    return names


def known_to_requests(method: AuthManifest) -> set[str]:
    """Return the names of a method that requests may use: secrets stay with what authorizes them."""
    secrets = {field.key for field in method.fields if field.secret} - set(method.in_requests)
    return known_of(method) - secrets - {"access_token", "refresh_token", "id_token"}


def _check_app(notes: Notes) -> None:
    manifest = notes.manifest
    settings = {field.key for field in manifest.fields}
    for method in manifest.auth:
        if not method.base_url:
            known = settings | known_to_requests(method)
            fields = [*manifest.fields, *method.fields]
            _check_text(notes, ("base_url",), manifest.base_url, known, fields, needed=True)
        for name, text in manifest.headers.items():
            path = ("headers", name)
            known = settings | known_to_requests(method)
            _check_text(notes, path, text, known, manifest.fields, needed=True)


def _check_method(notes: Notes, path: Path, method: AuthManifest) -> None:
    manifest = notes.manifest
    fields = [*manifest.fields, *method.fields]
    known = {field.key for field in manifest.fields} | known_of(method)
    for name, text in method.headers.items():
        _check_text(notes, (*path, "headers", name), name, known, fields, needed=True)
        _check_text(notes, (*path, "headers", name), text, known, fields, needed=True)
    for name, text in method.query.items():
        _check_text(notes, (*path, "query", name), name, known, fields, needed=True)
        _check_text(notes, (*path, "query", name), text, known, fields)
    for index, text in enumerate(method.basic or ()):
        _check_text(notes, (*path, "basic", index), text, known, fields)
    _check_text(notes, (*path, "base_url"), method.base_url, known, fields, needed=True)
    _check_public(notes, (*path, "where"), method.where, fields, {field.key for field in manifest.fields})
    given = known - {"access_token"}
    for place, text in _token_texts(method):
        _check_text(notes, (*path, *place), text, given, fields)
    if method.aws is not None:
        _check_text(notes, (*path, "aws", "region"), method.aws.region, known | OF_AWS, fields, needed=True)


def _token_texts(method: AuthManifest) -> Iterator[tuple[Path, str]]:
    if method.oauth is not None:
        for name in ("authorize_url", "token_url", "device_url"):
            yield ("oauth", name), getattr(method.oauth, name)
        for index, scope in enumerate(method.oauth.scopes):
            yield ("oauth", "scopes", index), scope
        for index, scope in enumerate(method.oauth.scopes):
            yield ("oauth", "scopes", index), scope
        for table in ("extra_authorize", "extra_token"):
            for name, text in getattr(method.oauth, table).items():
                yield ("oauth", table, name), text
    if method.jwt is not None:
        yield ("jwt", "token_url"), method.jwt.token_url
        yield ("jwt", "key_id"), method.jwt.key_id
        for name, text in method.jwt.claims.items():
            yield ("jwt", "claims", name), text


def _check_call(notes: Notes, call: Call) -> None:
    manifest = notes.manifest
    base = {field.key for field in manifest.fields} | call.inputs
    of_methods = [known_to_requests(method) for method in call.methods]
    somewhere = base.union(*of_methods)
    everywhere = base | set.intersection(*of_methods) if of_methods else base
    fields = [*manifest.fields, *call.fields, *(field for method in call.methods for field in method.fields)]
    secrets = {field.key for field in fields if field.secret}
    for path, text, needed in call.texts():
        for name in placeholders(text):
            if name in secrets and name not in somewhere:
                notes.error(
                    path,
                    f"{{{name}}} is a secret, which requests do not know",
                    f'send it with the method, or let requests name it: in_requests = ["{name}"]',
                )
            elif needed and name in somewhere and name not in everywhere:
                having = [method.id for method in call.methods if name in known_to_requests(method)]
                notes.error(
                    path,
                    f"only the method {having[0]} has {{{name}}}, and this is sent with every method",
                    f"limit it with auth = {json.dumps(having)}",
                )
        _check_text(notes, path, text, somewhere | secrets, fields, needed=needed)


def _check_text(
    notes: Notes,
    path: Path,
    text: str,
    known: Collection[str],
    fields: Iterable[FieldManifest],
    *,
    needed: bool = False,
) -> None:
    optional = {field.key for field in fields if not field.required and not field.default}
    for name in placeholders(text):
        if name not in known and not notes.in_code(name):
            near = difflib.get_close_matches(name, known, n=1)
            there = ", ".join(sorted(known)) or "nothing"
            fix = f"did you mean {{{near[0]}}}?" if near else f"known here: {there}"
            notes.error(path, f"{{{name}}} is no field, setting, token value or input", fix)
        elif needed and name in optional and not notes.in_code(name):
            notes.error(
                path,
                f"{{{name}}} need not be given, and this cannot be sent without it",
                f"give {name} a default, or make it required",
            )


def _check_public(
    notes: Notes, path: Path, text: str, fields: Iterable[FieldManifest], known: Collection[str]
) -> None:
    """Check a text that people read."""
    secrets = {field.key for field in fields if field.secret}
    for name in placeholders(text):
        if name in secrets:
            notes.error(path, f"{{{name}}} is a secret, and people read this", "leave it out")
        else:
            _check_text(notes, path, f"{{{name}}}", known, ())


def _check_links(notes: Notes) -> None:
    """Check the addresses of issues, and the names of the groups that find one."""
    manifest, tasks = notes.manifest, notes.manifest.tasks
    if tasks is None:
        return
    inputs = {field.key for field in tasks.container}
    fields = [*manifest.fields, *tasks.container]
    results: list[tuple[Path, TaskResult | None]] = [(("tasks", "result"), tasks.result)]
    for name in ("create", "get", "update", "transition", "search", "recent"):
        operation = getattr(tasks, name)
        if operation is not None:
            results.append((("tasks", name, "result"), operation.result))
    known = {*inputs, *TASK_INPUTS, *TaskResult.model_fields, *(field.key for field in manifest.fields)}
    known = known.union(*(known_to_requests(method) for method in manifest.auth))
    # What every method tells beside its secrets, such as the instance_url of a token answer.
    known |= set.intersection(*(known_of(method) for method in manifest.auth))
    for path, result in results:
        if result is not None:
            _check_public(notes, (*path, "url_template"), result.url_template, fields, known)
    for name in ("url", "key"):
        for group in re.compile(getattr(tasks.lookup, name)).groupindex:
            if group not in {*inputs, "id", "key"}:
                notes.error(
                    ("tasks", "lookup", name),
                    f"the group {group} is no input of get",
                    f"known here: {', '.join(sorted({*inputs, 'id', 'key'}))}",
                )


def _check_unused(notes: Notes) -> None:
    manifest = notes.manifest
    requests = list(calls(manifest))
    in_requests = {name for call in requests for _, text, _ in call.texts() for name in placeholders(text)}
    of_app = {name for text in (manifest.base_url, *manifest.headers.values()) for name in placeholders(text)}
    in_methods = [_used_by(method) for method in manifest.auth]
    shown = _shown(manifest)
    everywhere = in_requests.union(of_app, shown, OVERRIDES, *in_methods)
    aws = OF_AWS if any(method.aws for method in manifest.auth) else frozenset()
    _unused(notes, ("fields",), manifest.fields, everywhere | aws)
    for at, method in enumerate(manifest.auth):
        used = in_requests | of_app | in_methods[at] | _in_links(manifest)
        _unused(notes, ("auth", at, "fields"), method.fields, used)
    for at, probe in enumerate(manifest.probes):
        _unused(notes, ("probes", at, "fields"), probe.fields, probe.request.names())
    for at, dataset in enumerate(manifest.datasets):
        _unused(notes, ("datasets", at, "fields"), dataset.fields, dataset.request.names())
    for key, operation in manifest.delivery.items():
        known = {field.key for field in operation.fields} | OF_A_RECORD
        for name in sorted(operation.of_item() - known):
            notes.error(
                ("delivery", key, "item"),
                f"{name} has no value in an item",
                f"one of {', '.join(sorted(known))}",
            )
        used = operation.request.names() | operation.of_item()
        _unused(notes, ("delivery", key, "fields"), operation.fields, used)
    if manifest.tasks is not None:
        used = {name for call in requests if call.operation == "tasks" for name in call.request.names()}
        _unused(notes, ("tasks", "container"), manifest.tasks.container, used)
        _unused(notes, ("tasks", "required"), manifest.tasks.required, used)


def _shown(manifest: Manifest) -> set[str]:
    in_wheres = {name for method in manifest.auth for name in placeholders(method.where)}
    return in_wheres | _in_links(manifest)


def _in_links(manifest: Manifest) -> set[str]:
    """Return what the addresses of issues need, which people open: not every method needs it for requests."""
    return set() if manifest.tasks is None else set(placeholders(manifest.tasks.result.url_template))


def _used_by(method: AuthManifest) -> set[str]:
    texts = [method.base_url, *method.headers, *method.headers.values()]
    texts += [
        *method.query,
        *method.query.values(),
        *(method.basic or ()),
        *(text for _, text in _token_texts(method)),
    ]
    used = {name for text in texts for name in placeholders(text)}
    if method.oauth is not None:
        used |= OF_A_CLIENT
    if method.jwt is not None:
        used |= {method.jwt.key, *OF_A_CLIENT}
    if method.aws is not None:
        used |= OF_AWS
    if method.client_certificate is not None:
        used |= {method.client_certificate.certificate, method.client_certificate.key}
    if method.oauth is not None and method.oauth.client_auth_field is not None:
        used.add(method.oauth.client_auth_field)
    return used


def _unused(notes: Notes, path: Path, fields: Iterable[FieldManifest], used: Collection[str]) -> None:
    for at, field in enumerate(fields):
        if field.key not in used and not notes.in_code(field.key):
            place = (*path, at, "key")
            notes.error(place, f"{field.key} is asked for and used nowhere", "use it, or do not ask for it")
