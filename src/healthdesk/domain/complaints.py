"""Finds what a parsed answer complains of: the texts made for people, and the fields that are named beside them.

A key of an object is the name of a field only where servers are known to map fields to complaints (`errors`, `fieldErrors`,
`ModelState`), or where the text beside it makes no sense of anything else: `{"risk_level": ["is required"]}`. In
`{"result": {"errors": […]}}` it is a wrapper.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from healthdesk.domain.complaint_keys import (
    CODE_KEYS,
    FHIR_KEYS,
    LIST_KEYS,
    LOOSE_KEYS,
    MAPPED_KEYS,
    MISSING_KEYS,
    NO_FIELD,
    NO_SUBJECT,
    OF_ERRORS,
    SECOND_KEYS,
    TEXT_KEYS,
    WRAPPERS,
)
from healthdesk.domain.complaint_members import named_apart, of_schema, own_field, text_of
from healthdesk.domain.missing import absent_in_text, says_missing

_MAX_DEPTH = 12
_MAX_NODES = 5_000
_MAX_APART = 5

_SAID = re.compile(r"[^\W\d_]{2,}\W+(?:\w+\W+)*?[^\W\d_]{2,}")
_IN_TEXT = re.compile(r"\[\s*\{")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class Keys(Enum):
    """What the keys of an object are."""

    FIELDS = "fields"
    LIKELY = "likely fields"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong. `field` is a path as it was written, or empty.

    `explicit`: the field stands in a member of its own; else it is a key. `label` is a key of which nobody knows whether it is
    one. `listed`: it is listed as missing. `closed`: the path is whole. `child` is the member that the field is said to lack,
    `header` the header of the request that this is about; `extra`: the child is one that the endpoint has not.
    """

    field: str
    text: str
    code: str = ""
    label: str = ""
    explicit: bool = False
    listed: bool = False
    closed: bool = False
    child: str = ""
    header: str = ""
    extra: bool = False

    @property
    def missing(self) -> bool:
        """Whether it says that something is missing."""
        return self.listed or any(
            says_missing(text, of_a_field=bool(self.field or self.header)) for text in (self.text, self.code)
        )


def complaints_in(value: object) -> Iterator[Complaint]:
    """Find every complaint in a parsed body, the most specific ones of each object only."""
    return _Finder().of(value, "", 0)


class _Finder:
    """Goes through an answer once, and through so much of it only as an honest one has."""

    def __init__(self) -> None:
        self._left = _MAX_NODES

    def of(self, node: object, field: str, depth: int, *, keys: Keys = Keys.UNKNOWN) -> Iterator[Complaint]:
        self._left -= 1
        if depth > _MAX_DEPTH or self._left < 0:
            return
        if isinstance(node, str):
            if node.strip():
                yield Complaint(field, node.strip())
        elif isinstance(node, list):
            for item in node:
                yield from self.of(item, field, depth + 1, keys=keys)
        elif isinstance(node, dict):
            yield from self._object(node, field, depth, keys=keys)

    def _object(
        self, node: Mapping[object, object], field: str, depth: int, *, keys: Keys
    ) -> Iterator[Complaint]:
        members = {str(key).lower(): item for key, item in node.items()}
        if "severity" in members and not FHIR_KEYS.isdisjoint(members) and "message" not in members:
            yield from _fhir_issue(members)
            return
        own, header = own_field(members, outermost=depth == 0)
        text = next((t for key in TEXT_KEYS if (t := text_of(members.get(key)))), "")
        inner = list(self._inner(members, own or field, depth, said=bool(text)))
        code = next((code for key in CODE_KEYS if (code := text_of(members.get(key)))), "")
        if inner and not (text and " " in text and all(_is_code(each) for each in inner)):
            yield from inner
            return
        if inner:
            code = " ".join((code, *(each.text for each in inner[:_MAX_APART])))
        listed, apart = named_apart(members)
        if text and (within := _within(text)) is not None:
            yield from self.of(within, field, depth + 1)
        elif text or listed:
            text = _with_second(members, text) if text else "missing"
            child, extra = of_schema(members)
            for each in apart or (own or field,):
                explicit = bool(apart or own)
                yield Complaint(
                    each,
                    text,
                    code,
                    header,
                    explicit=explicit,
                    listed=listed,
                    child=child,
                    header=header,
                    extra=extra,
                )
        else:
            yield from self._map(node, field, depth, keys=keys)

    def _inner(
        self, members: Mapping[str, object], field: str, depth: int, *, said: bool
    ) -> Iterator[Complaint]:
        for key in LIST_KEYS:
            item = members.get(key)
            if not isinstance(item, dict | list) or text_of(item):
                continue
            if key == "fields" and isinstance(item, list) and all(isinstance(each, str) for each in item):
                continue
            flat = isinstance(item, dict) and all(_is_texts(each) for each in item.values())
            known = Keys.LIKELY if flat and key in LOOSE_KEYS else Keys.UNKNOWN
            known = Keys.FIELDS if key in MAPPED_KEYS else known
            for each in self.of(item, field, depth + 1, keys=known):
                # beside a text, what is no sentence is a detail: {"message": …, "details": {"requestId": "7f"}}
                if not said or key in MAPPED_KEYS or each.explicit or _is_said(each):
                    yield replace(each, closed=True)
        for key in MISSING_KEYS:
            item = members.get(key)
            if isinstance(item, list) and any(isinstance(each, dict) for each in item):
                yield from (replace(each, listed=True) for each in self.of(item, field, depth + 1))

    def _map(
        self, node: Mapping[object, object], field: str, depth: int, *, keys: Keys
    ) -> Iterator[Complaint]:
        """Read an object without a text of its own: its keys are fields, or wrap what says something."""
        for key, item in node.items():
            name = str(key)
            low = name.lower()
            if not isinstance(item, str | list | dict):
                continue
            if not isinstance(item, str) and (low in LIST_KEYS or low in MISSING_KEYS):
                continue  # was looked through, and says nothing
            wraps = low in WRAPPERS or bool(OF_ERRORS.search(low))
            if low not in NO_FIELD and (keys is Keys.FIELDS or (keys is Keys.LIKELY and not wraps)):
                inner = f"{field}.{name}" if field and name else field or name
                yield from self.of(item, inner, depth + 1, keys=Keys.FIELDS)
            elif low in NO_FIELD or wraps:
                yield from self.of(item, field, depth + 1, keys=keys)
            else:
                for each in self.of(item, field, depth + 1):
                    yield _labelled(each, name, whole=isinstance(item, str))


def _labelled(complaint: Complaint, name: str, *, whole: bool) -> Complaint:
    """Return a complaint found under a key that may be a field: it is one if the text speaks of nothing else."""
    if complaint.explicit or complaint.header:
        return complaint
    if complaint.field:
        return complaint if complaint.closed else replace(complaint, field=f"{name}.{complaint.field}")
    if NO_SUBJECT.match(complaint.text) or _words(name) in _words(complaint.text[:200]):
        return replace(complaint, field=name)
    return replace(complaint, label=complaint.label or name) if whole else complaint


def _words(text: str) -> str:
    return f" {' '.join(_WORDS.findall(text)).casefold()} "


def _is_texts(value: object) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    )


def _is_code(complaint: Complaint) -> bool:
    return not complaint.field and not complaint.header and " " not in complaint.text


def _is_said(complaint: Complaint) -> bool:
    return complaint.missing or bool(_SAID.search(complaint.text[:200]))


def _fhir_issue(members: Mapping[str, object]) -> Iterator[Complaint]:
    """Read an issue of an OperationOutcome (hl7.org/fhir/operationoutcome.html)."""
    if text_of(members.get("severity")) in {"information", "success"}:
        return
    details = members.get("details")
    parts = (text_of(members.get("diagnostics")), text_of(details))
    code = text_of(members.get("code"))
    text = next((part for part in parts if part), code)
    if not text:
        return
    expression = members.get("expression")
    first = text_of(expression[0] if isinstance(expression, list) and expression else expression)
    named = absent_in_text(text).fields
    # `Patient.name`: a field of a resource, whose type is none
    path = named[0] if named and "." in named[0] else first
    resource, _, rest = path.partition(".")
    field = rest if resource[:1].isupper() else path
    yield Complaint(field, text, code, explicit=bool(field))


def _within(text: str) -> object:
    """Return the list of errors that a text ends with as JSON, or None."""
    found = _IN_TEXT.search(text)
    if found is None or not text.endswith("]"):
        return None
    try:
        return json.loads(text[found.start() :])
    except (ValueError, RecursionError):
        return None


def _with_second(members: Mapping[str, object], text: str) -> str:
    """Return a text with the one beside it that says more: `Operation Failed: Mandatory field missing: risk_level`."""
    if text_of(members.get("message")) != text or says_missing(text, of_a_field=False):
        return text
    second = next((t for key in SECOND_KEYS if (t := text_of(members.get(key)))), "")
    return f"{text}: {second}" if _SAID.search(second[:200]) and second not in text else text
