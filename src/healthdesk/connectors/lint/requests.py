"""Requests: paths under a base URL, GraphQL variables that are declared, pages that can be asked for."""

from __future__ import annotations

import re

from healthdesk.connectors.lint.calls import Call, calls
from healthdesk.connectors.lint.notes import Notes
from healthdesk.connectors.toml_lines import Path

_DECLARED = re.compile(r"\$(\w+)\s*:\s*([\[\]\w!\s]+?)\s*(=[^,)$]*)?(?=[,)$@\s])")
_HEADER = re.compile(r"(?:query|mutation|subscription)\b[^({]*\((.*?)\)\s*(?:@[^{]*)?\{", re.DOTALL)


def check_requests(notes: Notes) -> None:
    """Check every request, and the app's address."""
    manifest = notes.manifest
    _check_address(notes, ("base_url",), manifest.base_url)
    for at, method in enumerate(manifest.auth):
        _check_address(notes, ("auth", at, "base_url"), method.base_url)
    for call in calls(manifest):
        _check_path(notes, call)
        if call.request.graphql:
            _check_variables(notes, call)
        if call.paging is not None:
            _check_paging(notes, call)


def _check_address(notes: Notes, path: Path, url: str) -> None:
    if url and not url.startswith(("https://", "http://", "{")):
        notes.error(path, f"{url!r} is no address", "write https://…")


def _check_path(notes: Notes, call: Call) -> None:
    path, text = (*call.path, "path"), call.request.path
    if "://" in text:
        notes.error(
            path,
            "it is a whole address, and a path goes under the base URL",
            "leave out what is before the path",
        )
    if call.request.answer == "none" and call.operation != "tasks":
        notes.error(
            (*call.path, "answer"),
            "nothing is read of this answer, which is to tell something",
            'answer = "json"',
        )


def _check_variables(notes: Notes, call: Call) -> None:
    header = _HEADER.search(call.request.graphql)
    declared = {
        name: (kind, default) for name, kind, default in _DECLARED.findall(f"{header[1]})" if header else "")
    }
    paging = call.paging
    paged = {paging.param, paging.size_param} if paging and paging.into == "variables" else set()
    for name in call.request.variables:
        if name not in declared:
            notes.error(
                (*call.path, "variables", name),
                f"the query does not declare ${name}",
                "declare it, or leave it out",
            )
    for name, (kind, default) in declared.items():
        if kind.endswith("!") and not default and name not in call.request.variables and name not in paged:
            notes.error(
                (*call.path, "graphql"),
                f"the query needs ${name}, and variables do not give it",
                f"give {name} in variables",
            )


def _check_paging(notes: Notes, call: Call) -> None:
    paging, request = call.paging, call.request
    if paging is None or paging.type in ("none", "link", "url"):
        return
    if paging.into == "json" and request.json_body is None:
        notes.error(
            (*call.paging_path, "into"),
            f"{'.'.join(map(str, call.path))} has no json to put {paging.param} in",
            'into = "query"',
        )
    if paging.into == "variables" and not request.graphql:
        notes.error(
            (*call.paging_path, "into"),
            f"{'.'.join(map(str, call.path))} is no graphql request",
            'into = "query"',
        )
    if paging.type != "cursor" and paging.next is not None:
        notes.warn((*call.paging_path, "next"), f"type {paging.type} does not ask for it", "leave it out")
