"""Reads one error object of an answer: its text, and what it names beside that. Members come with lower-case keys."""

from __future__ import annotations

import re
from collections.abc import Mapping

from healthdesk.domain.complaint_keys import CONTEXT_KEYS, FIELD_KEYS, MISSING_KEYS

_MAX_APART = 5
_ERROR_NAME = re.compile(
    r"(?:error|exception|failure|fault|violation)s?$|^(?:bad|invalid|un|not)[ _]|\s", re.IGNORECASE
)
_I18N = re.compile(
    r"(?:^|[._])(?:errors?|validation|messages?|invalid|required|missing)(?:[._]|$)", re.IGNORECASE
)
_ALONE = frozenset({"text", "value", "lang", "language", "coding"})
_CHILD = re.compile(r"[\w$-]{1,64}", re.ASCII)


def named_apart(members: Mapping[str, object]) -> tuple[bool, tuple[str, ...]]:
    """Return whether fields are listed as missing beside a text, and the fields that are listed."""
    for key in MISSING_KEYS:
        if names := _names(members.get(key)):
            return True, names
    found = [members.get("fields"), members.get("membernames")]
    context = members.get("context")
    if isinstance(context, dict):
        inner = {str(key).lower(): item for key, item in context.items()}
        found += [inner.get(key) for key in CONTEXT_KEYS]
    return False, next((names for each in found if (names := _names(each))), ())


def _names(value: object) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list):
        return ()
    return tuple(each for each in listed[:_MAX_APART] if isinstance(each, str) and each.strip())


def text_of(value: object) -> str:
    """Return a text, also of an object that has it with its language or its codes, and the first in several languages."""
    if (
        isinstance(value, dict)
        and value
        and _ALONE.issuperset(members := {str(key).lower() for key in value})
    ):
        own = "text" if "text" in members else "value"
        value = next((item for key, item in value.items() if str(key).lower() == own), None)
        value = value[0] if isinstance(value, list) and value else value
    return value.strip() if isinstance(value, str) else ""


def own_field(members: Mapping[str, object], *, outermost: bool) -> tuple[str, str]:
    """Return the field that an error names beside its text, and the header of the request that it names instead."""
    of_header = text_of(members.get("location")).lower() in {"header", "headers"}
    for key in FIELD_KEYS:
        value = members.get(key)
        if key == "source":
            if isinstance(value, dict) and text_of(value.get("header")):
                return "", text_of(value.get("header"))
            value = (value.get("pointer") or value.get("parameter")) if isinstance(value, dict) else None
        if isinstance(value, list):
            parts = [part for part in value if isinstance(part, str)]
            if key == "loc" and len(parts) == 2 and parts[0] == "header":
                return "", parts[1]
            value = ".".join(parts)
        if isinstance(value, str) and value and _may_be_field(key, value, members, outermost=outermost):
            return ("", value) if of_header else (value, "")
    return "", ""


def _may_be_field(key: str, value: str, members: Mapping[str, object], *, outermost: bool) -> bool:
    """Tell whether the member of an error is the name of a field, and not the address asked for or the error's own name."""
    if key == "path":
        asked = not members.keys().isdisjoint({"timestamp", "locations", "extensions"})
        return not asked and not (outermost and value.startswith("/")) and "://" not in value
    if key in {"name", "key", "target"}:
        return not (outermost or _ERROR_NAME.search(value) or _I18N.search(value) or value.isupper())
    return True


def of_schema(members: Mapping[str, object]) -> tuple[str, bool]:
    """Return the member that a validator of JSON Schema finds missing, or too much, within the object it names."""
    for holder in (members.get("params"), members.get("info")):
        if isinstance(holder, dict):
            for key, extra in (("missingProperty", False), ("additionalProperty", True)):
                child = holder.get(key)
                if isinstance(child, str) and _CHILD.fullmatch(child):
                    return child, extra
    return "", False
