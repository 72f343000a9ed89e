"""Reads what an endpoint said about a refusal: its message, and the field it misses.

Endpoints say it in many shapes: `{"message": …}`, RFC 9457 problem details, a map or a list of errors, the
validation errors of common frameworks, or a short text. CRM apps name fields apart from the text: HubSpot in `context`
(https://developers.hubspot.com/docs/api-reference/latest/error-handling), or in JSON within the text; Salesforce in `fields`
(https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from healthdesk.domain.missing import (
    field_in_text,
    field_name,
    says_missing,
    unescaped_path,
    unknown_in_text,
)

_MAX_TEXT_CHARS = 4000
_MAX_PLAIN_CHARS = 1000
_MAX_COMPLAINTS = 20
_MAX_DEPTH = 6
_SHOWN = 3

_TEXT_KEYS = (
    "message",
    "msg",
    "error_description",
    "errormessage",
    "error_message",
    "detail",
    "description",
    "reason",
    "faultstring",
    "error",
    "title",
    "text",
    "code",
    "type",
)
_GENERAL_KEYS = _TEXT_KEYS[:-2]
_FIELD_KEYS = (
    "field",
    "loc",
    "pointer",
    "path",
    "property",
    "propertyname",
    "param",
    "parameter",
    "attribute",
    "instancepath",
    "name",
    "key",
    "source",
)
_LIST_KEYS = (
    "errors",
    "error",
    "detail",
    "details",
    "violations",
    "issues",
    "invalid-params",
    "invalidparams",
    "invalid_params",
    "fielderrors",
    "field_errors",
    "validationerrors",
    "validation_errors",
    "messages",
    "fault",
)
_CODE_KEYS = ("code", "type", "errorcode", "statuscode", "error")
_CONTEXT_KEYS = ("propertyname", "properties")
_UNKNOWN_CODE = "PROPERTY_DOESNT_EXIST"
_NO_FIELD = frozenset(
    {"non_field_errors", "__all__", "_errors", "base", "error", "errors", "general", "message"}
)
_TITLE = re.compile(r"<title[^>]*>(.{1,200}?)</title", re.IGNORECASE | re.DOTALL)
_PATH_BEGINNING = re.compile(r"^[#$/.]*(?:body[/.](?=.))?")
# what is said of a field, as the rest of a sentence that begins with its name
_OF_ITS_SUBJECT = re.compile(
    r"(?:is|are|was|were|has|have|had|must|should|may|can|could|cannot|can['’]t|does|did|needs?|contains?|exceeds?)\b",
    re.IGNORECASE,
)
_HTML = re.compile(r"\s*<(?:!doctype|html|head|\?xml|[a-z]+:)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Told:
    """What the endpoint said, values of the record still in it.

    `field` is a plain name, or empty; `named_in` is the text it was taken from. `unknown`: the endpoint has no such field.
    """

    message: str = ""
    field: str = ""
    missing: bool = False
    named_in: str = ""
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class _Complaint:
    field: str
    text: str
    code: str = ""

    @property
    def missing(self) -> bool:
        return any(says_missing(text, of_a_field=bool(self.field)) for text in (self.text, self.code))


def read_told(body: bytes) -> Told:
    """Return what the body of a refusal says; nothing when it is not made for people."""
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return Told()
    if not text:
        return Told()
    if text[0] in '{["':
        try:
            return _from_json(json.loads(text))
        except (ValueError, RecursionError):
            return Told()
    if _HTML.match(text):
        title = _TITLE.search(text)
        return Told(title[1].strip()) if title else Told()
    return _from_text(text) if len(text) <= _MAX_PLAIN_CHARS else Told()


def _from_text(text: str) -> Told:
    field, missing = field_in_text(text)
    unknown = "" if missing else unknown_in_text(text)
    return Told(text[:_MAX_TEXT_CHARS], field or unknown, missing, text, bool(unknown))


def _from_json(value: object) -> Told:
    if isinstance(value, str):
        return _from_text(value)
    complaints: list[_Complaint] = []
    for complaint in _complaints(value, "", 0):
        if complaint not in complaints:
            complaints.append(complaint)
        if len(complaints) >= _MAX_COMPLAINTS:
            break
    complaints.sort(key=lambda complaint: not complaint.missing)
    if not complaints:
        return Told()
    worst = complaints[0]
    said = _from_text(worst.text)
    message = "; ".join(dict.fromkeys(_sentence(complaint) for complaint in complaints[:_SHOWN]))
    field = field_name(worst.field) or (said.field if not worst.field else "")
    missing = worst.missing or said.missing
    unknown = not missing and bool(field) and (said.unknown or worst.code == _UNKNOWN_CODE)
    return Told(message[:_MAX_TEXT_CHARS], field, missing, worst.field or worst.text, unknown)


def _sentence(complaint: _Complaint) -> str:
    text = complaint.text or complaint.code
    # the path as it was written, but for its beginning: a value in it must stay recognizable
    field = _PATH_BEGINNING.sub("", unescaped_path(complaint.field))
    if not field or field.lower() in text.lower():
        return text
    return f"{field} {text}" if _OF_ITS_SUBJECT.match(text) else f"{field}: {text}"


def _complaints(node: object, field: str, depth: int) -> Iterator[_Complaint]:
    """Find every complaint in the parsed body, the most specific ones of each object only."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(node, str):
        if node.strip():
            yield _Complaint(field, node)
    elif isinstance(node, list):
        for item in node:
            yield from _complaints(item, field, depth + 1)
    elif isinstance(node, dict):
        members = {str(key).lower(): item for key, item in node.items()}
        inner = [
            complaint
            for key in _LIST_KEYS
            if isinstance(members.get(key), dict | list)
            for complaint in _complaints(members[key], field, depth + 1)
        ]
        if inner:
            yield from inner
            return
        text = next((t for key in _TEXT_KEYS if (t := _text(members.get(key)))), "")
        if text and (within := _within(text)):
            yield from _complaints(within, field, depth + 1)
        elif text:
            code = next((code for key in _CODE_KEYS if (code := _text(members.get(key)))), "")
            for own in _named_apart(members) or (_own_field(members) or field,):
                yield _Complaint(own, text, code)
        else:
            yield from _map(node, field, depth)


def _map(node: Mapping[object, object], field: str, depth: int) -> Iterator[_Complaint]:
    """Read `{"risk_level": ["is required"]}`: keys are fields, values say what is wrong with them."""
    for key, item in node.items():
        name = "" if str(key).lower() in _NO_FIELD else str(key)
        inner = f"{field}.{name}" if field and name else field or name
        if isinstance(item, str | list | dict):
            yield from _complaints(item, inner, depth + 1)


def _within(text: str) -> object:
    """Return the list of errors that a text ends with as JSON, or None."""
    start = text.find("[{")
    if start < 0 or not text.endswith("}]"):
        return None
    try:
        return json.loads(text[start:])
    except (ValueError, RecursionError):
        return None


def _named_apart(members: Mapping[str, object]) -> tuple[str, ...]:
    """Return the fields that an error lists beside its text."""
    found = [members.get("fields")]
    context = members.get("context")
    if isinstance(context, dict):
        inner = {str(key).lower(): item for key, item in context.items()}
        found += [inner.get(key) for key in _CONTEXT_KEYS]
    for names in found:
        listed = [names] if isinstance(names, str) else names
        if isinstance(listed, list) and (fields := [each for each in listed if _text(each)]):
            return tuple(fields[:_SHOWN])
    return ()


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _own_field(members: Mapping[str, object]) -> str:
    for key in _FIELD_KEYS:
        value = members.get(key)
        if isinstance(value, dict):
            value = value.get("pointer") or value.get("parameter")
        if isinstance(value, list):
            value = ".".join(str(part) for part in value if isinstance(part, str))
        if isinstance(value, str) and value:
            return value
    params = members.get("params")
    missing = params.get("missingProperty") if isinstance(params, dict) else None
    return missing if isinstance(missing, str) else ""
