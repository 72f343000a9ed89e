"""Reads what an endpoint said about a refusal: its message, and the field it misses.

Endpoints say it in many shapes: `{"message": …}`, RFC 9457 problem details, a map or a list of errors, the
validation errors of common frameworks, a fault of SOAP, or a short text. CRM apps name fields apart from the text: HubSpot in
`context` (https://developers.hubspot.com/docs/api-reference/latest/error-handling), or in JSON within the text; Salesforce in
`fields` (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from healthdesk.domain.answers_xml import read_xml
from healthdesk.domain.charsets import text_of_answer
from healthdesk.domain.complaints import Complaint, complaints_in
from healthdesk.domain.missing import (
    Absent,
    absent_in_text,
    field_at,
    field_name,
    unescaped_path,
    unknown_in_text,
)

_MAX_BYTES = 1_048_576
_MAX_TEXT_CHARS = 4000
_MAX_PLAIN_CHARS = 1000
_MAX_COMPLAINTS = 20
_MAX_FIELDS = 5
_SHOWN = 3

_UNKNOWN_CODE = "PROPERTY_DOESNT_EXIST"
_TITLE = re.compile(r"<title[^>]*>(.{1,200}?)</title", re.IGNORECASE | re.DOTALL)
_PATH_BEGINNING = re.compile(r"^[#$/.]*(?:body[/.](?=.))?")
# what is said of a field, as the rest of a sentence that begins with its name
_OF_ITS_SUBJECT = re.compile(
    r"(?:is|are|was|were|has|have|had|must|should|may|can|could|cannot|can['’]t|does|did|needs?|contains?|exceeds?)\b",
    re.IGNORECASE,
)
_HTML = re.compile(r"\s*<(?:!doctype|html|head|\?xml|[a-z]+:)", re.IGNORECASE)
_PAGE = re.compile(r"\s*<(?:!doctype\s+html|html|head)\b", re.IGNORECASE)
# the object that a path leads to lacks a property of this name
_OF_AN_OBJECT = re.compile(r"\brequired\s+(?:property|key)\b|\bmissing\s+property\b", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[_.\d]|[a-z][A-Z]")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,63}")
# ASP.NET says of what it cannot read, besides, that the parameter it reads into is required
_UNREADABLE = re.compile(r"JSON value could not be converted|invalid start of a (?:value|property name)")


@dataclass(frozen=True, slots=True)
class Told:
    """What the endpoint said, values of the record still in it.

    `field` is a plain name, or empty; `named_in` is the text it was taken from. `unknown`: the endpoint has no such field.
    `also` are more fields that it misses, each with the text it was taken from. `header` is a header of the request that it
    misses, `code` what it calls the error.
    """

    message: str = ""
    field: str = ""
    missing: bool = False
    named_in: str = ""
    unknown: bool = False
    also: tuple[tuple[str, str], ...] = ()
    header: str = ""
    code: str = ""


def read_told(body: bytes, content_type: str = "") -> Told:
    """Return what the body of a refusal says; nothing when it is not made for people.

    `content_type` is what its header declares, for the charset of a body that is not UTF-8.
    """
    if len(body) > _MAX_BYTES:
        return Told()
    try:
        text = text_of_answer(body, content_type).strip()
    except UnicodeDecodeError:
        return Told()
    if not text:
        return Told()
    if text[0] in '{["':
        try:
            return _from_value(json.loads(text))
        except (ValueError, RecursionError):
            return Told()
    if text[0] == "<":
        return _from_markup(text)
    return _from_text(text) if len(text) <= _MAX_PLAIN_CHARS else Told()


def _from_markup(text: str) -> Told:
    if not _PAGE.match(text):
        try:
            value = read_xml(text)
        except ValueError:
            value = {}
        if value and "html" not in value:
            return _from_value(value)
    if _HTML.match(text):
        title = _TITLE.search(text)
        return Told(title[1].strip()) if title else Told()
    return _from_text(text) if len(text) <= _MAX_PLAIN_CHARS else Told()


def _from_text(text: str) -> Told:
    return _from_complaints([Complaint("", text)])


def _from_value(value: object) -> Told:
    if isinstance(value, str):
        return _from_text(value)
    complaints: list[Complaint] = []
    for complaint in complaints_in(value):
        if complaint not in complaints:
            complaints.append(complaint)
        if len(complaints) >= _MAX_COMPLAINTS:
            break
    complaints.sort(key=lambda each: (not _UNREADABLE.search(each.text[:_MAX_PLAIN_CHARS]), not each.missing))
    return _from_complaints(complaints) if complaints else Told()


def _from_complaints(complaints: list[Complaint]) -> Told:
    worst = complaints[0]
    message = "; ".join(dict.fromkeys(_sentence(each) for each in complaints[:_SHOWN]))[:_MAX_TEXT_CHARS]
    found = _read(worst)
    if found.header:
        return Told(message, named_in=worst.text, header=found.header, code=worst.code)
    missing, field = found.missing, found.fields[0] if found.fields else ""
    named_in = _said(worst)
    unknown = not missing and (worst.extra or worst.code == _UNKNOWN_CODE)
    if not missing and (other := unknown_in_text(worst.text)) and (not worst.field or field):
        field, unknown = field or other, True
    also: dict[str, str] = {}
    for each in complaints if missing and field else ():
        read = found if each is worst else _read(each)
        also |= dict.fromkeys(read.fields if read.missing else (), _said(each))
    also.pop(field, None)
    more = tuple(also.items())[: _MAX_FIELDS - 1]
    return Told(message, field, missing, named_in, unknown and bool(field), more, code=worst.code)


def _said(complaint: Complaint) -> str:
    """Return all that a field of a complaint can be taken from."""
    return f"{complaint.field}\n{complaint.text}" if complaint.field else complaint.text


def _read(complaint: Complaint) -> Absent:
    """Return the fields that a complaint is about, none where it is not sure, and whether they are missing."""
    said = absent_in_text(complaint.text)
    if complaint.header or (said.header and not complaint.field):
        named = complaint.header if complaint.missing and _HEADER.fullmatch(complaint.header) else ""
        return Absent(header=named or said.header)
    missing = (complaint.missing or said.missing) and not complaint.extra
    return Absent(_fields(complaint, said.fields), missing)


def _fields(complaint: Complaint, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fields of a complaint, whose text names some as missing."""
    field, child = field_at(complaint.field), complaint.child
    if child:
        return (field if field.endswith(child) else _joined(field, child),)
    if not complaint.field.strip("#/$."):
        return names
    if (
        not field
    ):  # it is about a place that is no field, such as the body; or about what does not look like one
        return names if field_name(complaint.field) else ()
    if not names or _is_one(field, names[0]):
        return (field,)
    if _OF_AN_OBJECT.search(complaint.text[:_MAX_PLAIN_CHARS]):
        return tuple(_joined(field, name) for name in names)
    if complaint.explicit or names[0][0].isupper():
        return (field,)
    return names if _IDENTIFIER.search(names[0]) else ()


def _joined(field: str, name: str) -> str:
    return field_name(f"{field}.{name}")


def _is_one(field: str, name: str) -> bool:
    """Tell whether a name in a text is the field, or a word of it: `Level is required` of `riskLevel`."""
    last, said = (re.sub(r"[\W_]+", "", each.rpartition(".")[2]).casefold() for each in (field, name))
    return said in last


def _sentence(complaint: Complaint) -> str:
    text = complaint.text or complaint.code
    # the path as it was written, but for its beginning: a value in it must stay recognizable
    field = _PATH_BEGINNING.sub("", unescaped_path(complaint.field or complaint.label))
    if not field or field.lower() in text.lower():
        return text
    return f"{field} {text}" if _OF_ITS_SUBJECT.match(text) else f"{field}: {text}"
