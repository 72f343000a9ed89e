"""The fields a Jira project asks of a new issue: which there are, and how each wants its value.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-createmeta-projectidorkey-issuetypes-get
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from healthdesk.connectors.builtin.jira_cloud.adf import to_adf
from healthdesk.connectors.client import AppClient
from healthdesk.connectors.paths import find, items, text_at
from healthdesk.connectors.spec import FieldManifest, Paging, RequestTemplate, TaskOperation
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.errors import ConnectorError

_TYPES = RequestTemplate(path="rest/api/3/issue/createmeta/{project}/issuetypes")
_FIELDS = RequestTemplate(path="rest/api/3/issue/createmeta/{project}/issuetypes/{type_id}")
_PAGES = Paging(type="offset", param="startAt", size_param="maxResults", size=50)
# What the desk fills by itself, and what Jira does.
_OURS = frozenset({"summary", "description", "duedate", "assignee", "project", "issuetype", "reporter"})
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_MOST_FIELDS = 50
_TEXTAREA = "com.atlassian.jira.plugin.system.customfieldtypes:textarea"


@dataclass(frozen=True, slots=True)
class Known:
    """The fields of a project and issue type as Jira describes them, or why they are not known."""

    fields: tuple[object, ...]
    failure: Failure | None = None
    exchange: Exchange | None = None


async def known(client: AppClient, inputs: Mapping[str, object]) -> Known:
    """Ask for the fields of a new issue in a container."""
    wanted = str(inputs.get("issue_type", "")).casefold()
    type_id = ""
    listed = client.pages(
        _TYPES, inputs, on="tasks", items="issueTypes || createMetaIssueType", paging=_PAGES
    )
    async for page in listed:
        if page.reply.failure is not None:
            return Known((), page.reply.failure, page.reply.exchange)
        for each in page.items:
            if text_at("name", each).casefold() == wanted or text_at("id", each) == wanted:
                type_id = text_at("id", each)
    if not type_id:
        raise ConnectorError(
            f"the project {inputs.get('project')} has no issue type {inputs.get('issue_type')}",
            fix="write its name as Jira shows it when an issue is created",
            field="issue_type",
        )
    found: list[object] = []
    exchange = None
    described = client.pages(
        _FIELDS, {**inputs, "type_id": type_id}, on="tasks", items="fields || results", paging=_PAGES
    )
    async for page in described:
        exchange = page.reply.exchange
        if page.reply.failure is not None:
            return Known((), page.reply.failure, exchange)
        found.extend(page.items)
    return Known(tuple(found), None, exchange)


def asked_for(fields: Iterable[object]) -> list[FieldManifest]:
    """Return the required fields without a default that the desk does not fill by itself."""
    asked: list[FieldManifest] = []
    for each in fields:
        key = _key(each)
        if key in _OURS or find("required", each) is not True or find("hasDefaultValue", each) is True:
            continue
        if _KEY.fullmatch(key) and len(asked) < _MOST_FIELDS:
            name = text_at("name", each) or key
            asked.append(FieldManifest(key=key[:40], label=name[:60], options=_options(each)))
    return asked


def with_fields(
    create: TaskOperation, fields: Iterable[object], given: Mapping[str, object]
) -> TaskOperation:
    """Return the creation with the given fields of the project in its body."""
    body: dict[str, Any] = create.request.json_body
    names = {_key(each) for each in fields} & set(given)
    more = {**body["fields"], **{name: f"{{{name}}}" for name in names}}
    request = create.request.model_copy(update={"json_body": {**body, "fields": more}})
    return create.model_copy(update={"request": request})


def values(fields: Iterable[object], given: Mapping[str, object]) -> dict[str, object]:
    """Return the given values as Jira wants them: an option as an object, a number as one, rich text as a document."""
    described = {_key(each): each for each in fields}
    return {name: _value(described.get(name), value) for name, value in given.items()}


def _value(field: object, value: object) -> object:
    if field is None or not isinstance(value, str):
        return value
    kind, custom = text_at("schema.type", field), text_at("schema.custom", field)
    if kind == "array":
        one = text_at("schema.items", field)
        return [_one(one, field, part.strip()) for part in value.split(",") if part.strip()]
    if custom == _TEXTAREA or (kind == "string" and text_at("schema.system", field) == "environment"):
        return to_adf(value)
    return _one(kind, field, value)


def _one(kind: str, field: object, value: str) -> object:
    """Return one value of a type of Jira's."""
    if kind == "number":
        try:
            return float(value)
        except ValueError:
            raise ConnectorError(
                f"{value[:40]!r} is no number", fix="write digits", field=_key(field)
            ) from None
    if kind == "user":
        return {"accountId": value}
    if kind in ("string", "date", "datetime", "any"):
        return value
    for allowed in items("allowedValues", field) or []:
        if value.casefold() in (_named(allowed).casefold(), text_at("id", allowed)):
            return {"id": text_at("id", allowed)}
    return {"value": value} if kind == "option" else {"name": value}


def _options(field: object) -> list[str]:
    if text_at("schema.type", field) == "array":
        return []
    return [name for each in items("allowedValues", field) or [] if (name := _named(each))]


def _named(allowed: object) -> str:
    return text_at("value", allowed) or text_at("name", allowed)


def _key(field: object) -> str:
    return text_at("fieldId", field) or text_at("key", field)
