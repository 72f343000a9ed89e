"""Recognizes that a text complains of fields that are missing, of one that is not known, or of a header, and which.

Better no field than a wrong one: a name is taken only where the sentence leaves no doubt that it is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MAX_FIELD_CHARS = 64
_MAX_SCANNED_CHARS = 1000

_WORD = r"[A-Za-z_$][\w$.\-\[\]/]{0,80}"
_OPEN, _CLOSE = r"""["'`“‘\[(]{0,3}""", r"""["'`”’\])]{0,3}"""
_BEFORE = r"(?<![\w$.\-])"
_NAME = rf"{_BEFORE}{_OPEN}(?P<field>{_WORD}){_CLOSE}"
_AND = r"\s*(?:,\s*(?:and\s+)?|\band\s+|&\s*)"
_NEXT = rf"{_AND}{_OPEN}{_WORD}{_CLOSE}"
_NAMES = rf"{_BEFORE}{_OPEN}(?P<field>{_WORD}{_CLOSE}(?:{_NEXT}){{0,9}})"
_SEVERAL = rf"{_BEFORE}{_OPEN}(?P<field>{_WORD}{_CLOSE}(?:{_NEXT}){{1,9}})"
_THING = r"(?:field|propert(?:y|ies)|parameter|param|attribute|key|column|element|argument|member|input|path|variable)"
_START = rf"(?:^|[:;(.]\s*|\b{_THING}s?\s+|\bthe\s+)"
_LEAD = rf"(?:^|[:;,(.]\s*|\b{_THING}\s+|\bthe\s+|\bfor\s+)"
_GIVEN = r"(?:present|provided|set|given|specified|supplied|defined|filled)"
_STATE = rf"(?:an?\s+)?(?:required|missing|mandatory|blank|empty|null|undefined|not\s+{_GIVEN})"
_NOT_GIVEN = (
    rf"(?:not|was not)\s+(?:provided|given|set)|must\s+be\s+{_GIVEN}|"
    rf"(?:(?:must|should|may|can)\s+not|cannot|can['’]t)\s+be\s+(?:blank|empty|null|none|undefined|missing|omitted)|"
    rf"(?:must|should|may)\s+not\s+be\s+(?:blank|empty|null)|(?:required|missing)(?=\s*(?:[.,;:!)\]]|$))"
)
_ABSENT = rf"(?:(?:is|was)\s+{_STATE}|{_NOT_GIVEN})(?!\s+{_THING})"
_ALL_ABSENT = rf"(?:(?:are|were)\s+{_STATE}|{_NOT_GIVEN})(?!\s+{_THING})"
_BARELY = r"(?:(?:required|missing)\W*(?:$|[;,])|(?:must|may|can|should)\s*not\s+be\s+(?:blank|empty|null)\b)"
_LISTED = r"(?:named\s+|for\s+|of\s+|missing\s*:\s*|including(?:\s+the\s+following)?\s*:\s*)?[:=]?\s*"
_PATTERNS = tuple(
    re.compile(text, re.IGNORECASE)
    for text in (
        rf"\b{_THING}s?\s+(?:is|are|was|were)\s+(?:missing|required|mandatory|not\s+{_GIVEN})\s*:\s*{_NAMES}",
        rf"\bparam is missing or the value is empty:\s*{_NAME}",  # Rails
        rf"\bargument\s+{_NAME}\s+of\s+type\s+\S{{1,80}}\s+is\s+required\b",  # GraphQL, as the next two
        rf"\b{_THING}\s+{_NAME}\s+of\s+(?:required|non-null)\s+type\b",
        rf"\bfield\s+{_NAME}:\s+expected\s+\S{{1,80}},\s+found\s+null\b",
        rf"\bvalidation\s+for\s+{_NAME}\s+failed\s+on\s+the\s+['\"`]required",  # gin
        rf"{_NAME}:\s+minimum\s+required\s*=\s*1,\s+but\s+only\s+found\s+0",  # HAPI FHIR
        rf"\bnull\s+value\s+in\s+column\s+{_NAME}",  # databases, as the next three
        rf"\bnot\s+null\s+constraint\s+failed:\s*{_NAME}",
        rf"\bvalue\s+null\s+into\s+column\s+{_NAME}",
        rf"\bfield\s+{_NAME}\s+doesn['’]?t\s+have\s+a\s+default",
        rf"\brequired\s+(?:request\s+)?(?:\w{{1,40}}\s+)?parameter\s+{_NAME}\s+.{{0,80}}?is\s+not\s+present\b",  # Spring
        rf"{_START}{_SEVERAL}\s+(?:{_THING}s?\s+)?{_ALL_ABSENT}",
        rf"{_LEAD}{_NAME}\s+(?:{_THING}\s+)?{_ABSENT}",
        rf"{_NAME}\s+is\s+a\s+required\s+{_THING}",
        rf"\b(?:missing|required|mandatory)\s+(?:required\s+|mandatory\s+|creator\s+)?{_THING}s?\s*{_LISTED}{_NAMES}",
        rf"\b(?:required|mandatory)\s+{_THING}s?\s+missing\s*:\s*{_NAMES}",
        rf"\b{_THING}s?\s+(?:missing|required)\s*:\s*{_NAMES}",
        rf"^missing\s*:?\s+{_NAME}\.?$",
        rf"\b(?:missing\s+value|no\s+value\s+(?:was\s+)?(?:given|provided|set))\s+for\s+(?:{_THING}\s+)?{_NAME}",
        rf"(?:^|[;,]\s*){_NAME}\s*:\s*(?:(?:this\s+field\s+)?is\s+)?{_BARELY}",
    )
)
_UNKNOWN = tuple(
    re.compile(text, re.IGNORECASE)
    for text in (
        rf"\b(?:no\s+such|unknown|unrecogni[sz]ed)\s+{_THING}\s*:?\s*{_NAME}",
        rf"\b{_THING}\s+{_NAME}\s+(?:does\s+not|doesn['’]?t)\s+exist\b",
    )
)
_HEADER_NAME = r"""["'`\[(]*(?P<header>[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+){0,8})(?![\w-])["'`\])]*"""
_HEADERS = tuple(
    re.compile(text, re.IGNORECASE)
    for text in (
        (
            rf"\b(?:missing|required|mandatory|no)\s+(?:required\s+|mandatory\s+)?(?:request\s+|http\s+){{0,2}}headers?\s*"
            rf"(?:missing\s*)?[:=]?\s*(?:named\s+)?{_HEADER_NAME}"
        ),
        rf"\bheaders?\s*:?\s+{_HEADER_NAME}\s+(?:for\s+method\s+parameter\s+type\s+\S{{1,80}}\s+)?{_ABSENT}",
        rf"\b(?:missing|no|requires?)\s+(?:the\s+|an?\s+)?(?:required\s+|mandatory\s+)?{_HEADER_NAME}\s+(?:request\s+|http\s+)?header\b",
        rf"{_BEFORE}{_HEADER_NAME}\s+(?:request\s+|http\s+)?header\s+{_ABSENT}",
    )
)
_GENERIC = re.compile(
    rf"\b(?:is|are)\s+(?:required|missing|mandatory)\b|\b(?:missing|required|mandatory)\s+{_THING}|{_THING}s?\s+(?:required|missing)\b|"
    r"can(?:not|'t)\s+be\s+(?:blank|empty|null)|must\s+not\s+be\s+(?:blank|empty|null)",
    re.IGNORECASE,
)
_ABOUT_A_FIELD = re.compile(
    r"\b(?:required|missing|mandatory|blank|empty|null|presence|undefined|not_?(?:null|blank|empty)|"
    rf"not[_ ](?:provided|present)|must\s+(?:be\s+{_GIVEN}|specify|provide))\b|missing|required",
    re.IGNORECASE,
)
# one of several is asked for: none of them is the one that is missing
_CHOICE = re.compile(r"\b(?:either|(?:one|any|some)\s+of|at\s+least\s+(?:one|\d+))\b", re.IGNORECASE)
_NOT_FIELD_WORDS = """
    a all an and another any api are argument arguments array as at attribute attributes authentication authorization
    bad bearer be been being blank body both but by can cannot choose client column columns configuration constraint
    content content-length content-type credential credentials csrf data do document does each either element elements
    empty endpoint enter entity error errors every exception failed failure false fault field fields fill following for
    forbidden format from has have header headers hello how https if in including input inputs instance invalid is it
    item items its json key keys length list login mandatory many member members method missing more must no none not
    null object of on one only operation or order other our parameter parameters param params parse password path
    payload payment permission permissions please precondition privilege properties property provide provided proxy
    record records request required requirement resource resources response result results schema scope scopes see
    server service session should so some something sorry ssl string submission such system that the their then there
    these they this those tls to token true undefined unknown upgrade use user validation value values variable
    violation was we were what when where which with without wrong xml you your
"""
_NOT_FIELDS = frozenset(_NOT_FIELD_WORDS.split())
_HEADER_WORDS = frozenset({"authorization", "content-type", "content-length"})
_LEADING = frozenset({"body", "$", "#", "request", "payload"})
_NOT_PATHS = _LEADING | {"requestbody", "query", "path", "header", "headers", "cookie", "root", "value"}
_NOT_IN_BODY = frozenset({"query", "path", "header", "headers", "cookie"})
_PART = re.compile(r"[A-Za-z_@$][\w$-]*", re.ASCII)
_LONG_NUMBER = re.compile(r"\d{4}")
_MARKS = " \"'`“”‘’()"
_SEPARATOR = re.compile(_AND, re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Absent:
    """What a text says is missing: fields that it names, at times none, or a header of the request."""

    fields: tuple[str, ...] = ()
    missing: bool = False
    header: str = ""


def says_missing(text: str, *, of_a_field: bool) -> bool:
    """Tell whether the text says that something is missing; `of_a_field`: it was said of one field."""
    shown = text[:_MAX_SCANNED_CHARS]
    return bool((_ABOUT_A_FIELD if of_a_field else _GENERIC).search(shown))


def absent_in_text(text: str) -> Absent:
    """Return what the text says is missing."""
    shown = text[:_MAX_SCANNED_CHARS]
    for pattern in _HEADERS if "header" in shown.lower() else ():
        for match in pattern.finditer(shown):
            if _is_header(match):
                return Absent(header=match["header"])
    if _CHOICE.search(shown):
        return Absent(missing=bool(_GENERIC.search(shown)))
    for pattern in _PATTERNS:
        for match in pattern.finditer(shown):
            names = (field_name(part.strip(_MARKS)) for part in _SEPARATOR.split(match["field"]))
            if fields := tuple(name for name in names if name and name.lower() not in _NOT_FIELDS):
                return Absent(tuple(dict.fromkeys(fields)), missing=True)
    return Absent(missing=bool(_GENERIC.search(shown)))


def _is_header(match: re.Match[str]) -> bool:
    """Tell whether what stands where a header is named is written as one, and not as a word of the sentence."""
    name = match["header"]
    if name.lower() in _HEADER_WORDS:
        return True
    quoted = match.string[max(match.start("header") - 1, 0)] in "\"'`["
    return (quoted or "-" in name or name != name.lower()) and name.lower() not in _NOT_FIELDS


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


def field_at(path: str) -> str:
    """Return the name of what a path that an answer gives leads to, nothing where that is no field of the body."""
    name = field_name(path)
    first, _, rest = name.partition(".")
    return "" if name.lower() in _NOT_PATHS or (rest and first.lower() in _NOT_IN_BODY) else name
