"""Recognizes that a text complains of a field that is missing, or of one that is not known, and which one."""

from __future__ import annotations

import re

_MAX_FIELD_CHARS = 64
_MAX_SCANNED_CHARS = 1000

_NAME = r"""(?<![\w$.\-])["'`“\[(]*(?P<field>[A-Za-z_$][\w$.\-\[\]/]{0,80})["'`”\])]*"""
_THING = r"(?:field|propert(?:y|ies)|parameter|param|attribute|key|column|element|argument|member|input)"
_LEAD = rf"(?:^|[:;,(.]\s*|\b{_THING}\s+|\bthe\s+|\bfor\s+)"
_ABSENT = (
    rf"(?:(?:is|was|are)\s+(?:an?\s+)?(?:required|missing|mandatory|blank|empty|null|undefined|"
    rf"not\s+(?:present|provided|set|given|specified|supplied))|(?:not|was not)\s+(?:found|provided|given|set)|"
    rf"must\s+be\s+(?:present|provided|set|given|specified|supplied|filled)|"
    rf"(?:(?:must|should|may|can)\s+not|cannot|can't)\s+be\s+(?:blank|empty|null|none|undefined|missing|omitted)|"
    rf"(?:required|missing)(?=\s*(?:[.,;:!)\]]|$)))(?!\s+{_THING})"
)
_PATTERNS = tuple(
    re.compile(text, re.IGNORECASE)
    for text in (
        rf"\b{_THING}s?\s+(?:is|are|was|were)\s+(?:missing|required|mandatory|not\s+(?:set|given|provided|present))\s*:\s*{_NAME}",
        rf"{_LEAD}{_NAME}\s+(?:{_THING}\s+)?{_ABSENT}",
        rf"{_NAME}\s+is\s+a\s+required\s+{_THING}",
        rf"\b(?:missing|required|mandatory)\s+(?:required\s+|mandatory\s+)?{_THING}s?\s*(?:named\s+|for\s+|of\s+)?[:=]?\s*{_NAME}",
        rf"^missing\s*:?\s+{_NAME}\.?$",
    )
)
_UNKNOWN = tuple(
    re.compile(text, re.IGNORECASE)
    for text in (
        rf"\b(?:no\s+such|unknown|unrecogni[sz]ed)\s+{_THING}\s*:?\s*{_NAME}",
        rf"\b{_THING}\s+{_NAME}\s+(?:does\s+not|doesn['’]?t)\s+exist\b",
    )
)
_GENERIC = re.compile(
    rf"\b(?:is|are)\s+(?:required|missing|mandatory)\b|\b(?:missing|required)\s+{_THING}|{_THING}\s+required|"
    r"can(?:not|'t)\s+be\s+(?:blank|empty|null)|must\s+not\s+be\s+(?:blank|empty|null)",
    re.IGNORECASE,
)
_ABOUT_A_FIELD = re.compile(
    r"\b(?:required|missing|mandatory|blank|empty|null|presence|undefined|not[_ ](?:provided|present))\b|missing|required",
    re.IGNORECASE,
)
_NOT_FIELD_WORDS = """
    a an and any api are argument attribute authentication authorization body column credentials data
    element field following header input is it json key login member no not one or parameter param
    password payload permission property record request required scope that the there this token
    user value values was were what which
"""
_NOT_FIELDS = frozenset(_NOT_FIELD_WORDS.split())
_LEADING = frozenset({"body", "$", "#", "request", "payload"})
_PART = re.compile(r"[A-Za-z_@$][\w$-]*", re.ASCII)
_LONG_NUMBER = re.compile(r"\d{4}")


def says_missing(text: str, *, of_a_field: bool) -> bool:
    """Tell whether the text says that something is missing; `of_a_field`: it was said of one field."""
    shown = text[:_MAX_SCANNED_CHARS]
    return bool((_ABOUT_A_FIELD if of_a_field else _GENERIC).search(shown))


def field_in_text(text: str) -> tuple[str, bool]:
    """Return the missing field that the text names (or nothing), and whether it speaks of a missing one at all."""
    shown = text[:_MAX_SCANNED_CHARS]
    for pattern in _PATTERNS:
        for match in pattern.finditer(shown):
            name = field_name(match["field"])
            if name and name.lower() not in _NOT_FIELDS:
                return name, True
    return "", bool(_GENERIC.search(shown))


def unknown_in_text(text: str) -> str:
    """Return the field that the text says its writer does not know, or nothing."""
    found = (pattern.search(text[:_MAX_SCANNED_CHARS]) for pattern in _UNKNOWN)
    names = (field_name(match["field"]) for match in found if match)
    return next((name for name in names if name and name.lower() not in _NOT_FIELDS), "")


def unescaped_path(path: str) -> str:
    """Return a JSON pointer without its escapes."""
    return path.replace("~1", "/").replace("~0", "~")


def field_name(path: str) -> str:
    """Return a field's plain name from a path, pointer or name: `#/items/0/risk_level` → `items.risk_level`.

    Nothing is returned when it does not look like the name of a field, or holds a number as long as an id.
    """
    parts = [part for part in re.split(r"[/.\[\]\"']+", unescaped_path(path)) if part and not part.isdigit()]
    while len(parts) > 1 and parts[0].lower() in _LEADING:
        parts.pop(0)
    name = ".".join(part for part in parts if part not in {"#", "$"})
    fits = 0 < len(name) <= _MAX_FIELD_CHARS and all(_PART.fullmatch(part) for part in name.split("."))
    return name if fits and not _LONG_NUMBER.search(name) else ""
