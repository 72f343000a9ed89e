"""Keeps values of people's data, and secrets, out of what is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import partial
from urllib.parse import parse_qsl, unquote_plus, urlsplit, urlunsplit

from healthdesk.domain.addresses import redact_url
from healthdesk.domain.masking_xml import mask_xml
from healthdesk.domain.scrubbing import MASK, Scrubber, scrub
from healthdesk.domain.values import plain, values_of

__all__ = [
    "MASK",
    "mask_headers",
    "mask_json",
    "mask_text",
    "mask_url",
    "redact_headers",
    "redact_url",
    "scrub",
    "values_of",
]

_NOTHING: frozenset[str] = frozenset()
_MAX_DEPTH = 100

_SECRET_HEADER = re.compile(
    r"(?:proxy-)?authorization|cookie|set-cookie|www-authenticate|authentication-info"
    r"|(?:.*[-_])?(?:token|secret|password|api-?key|auth-key|access-key|credentials?)"
)
_PROTOCOL_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "age",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "healthdesk-probe",
        "healthdesk-sample",
        "host",
        "keep-alive",
        "retry-after",
        "server",
        "transfer-encoding",
        "user-agent",
        "vary",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    }
)
"""Headers whose values are the protocol's or our own, not the record's: a number in them only happens to equal one."""

_ADDRESSES = frozenset({"location", "content-location"})
_SAID = frozenset(
    [
        "message",
        "messages",
        "msg",
        "error",
        "errors",
        "error_description",
        "error_message",
        "errormessage",
        "errorcode",
        "error_code",
        "detail",
        "details",
        "reason",
        "title",
        "code",
        "subcode",
        "type",
        "status",
        "statuscode",
        "status_code",
        "field",
        "fields",
        "pointer",
        "path",
        "loc",
        "param",
        "property",
        "propertyname",
        "attribute",
        "instancepath",
        "expression",
        "diagnostics",
        "category",
        "severity",
        "faultcode",
        "faultstring",
        "success",
        "ok",
    ]
)
"""Keys under which endpoints say what they did not take, and why: what the error of an attempt is made of, too."""
_WHOLLY_SECRET = frozenset({"cookie", "set-cookie", "www-authenticate", "authentication-info"})
_HINT_FROM = 12
_XML = re.compile(r"(?:application|text)/(?:[\w.-]+\+)?xml")
_KEEPS_KEYS = Scrubber(_NOTHING)


def mask_json(value: object, clear: frozenset[str] = _NOTHING) -> object:
    """Return the same shape with every string, number and boolean masked; keys and nulls stay.

    `clear` names top-level keys whose values are declared not sensitive and stay.
    """
    if clear and isinstance(value, dict):
        return {key: item if key in clear else _masked(item, _KEEPS_KEYS, 1) for key, item in value.items()}
    return _masked(value, _KEEPS_KEYS, 0)


def mask_text(
    body: bytes,
    content_type: str,
    *,
    under: str = "",
    values: frozenset[str] = _NOTHING,
    clear: frozenset[str] = _NOTHING,
    refusal: bool = False,
) -> str:
    """Return a body for a view: JSON, forms and XML with their values masked, anything else hidden whole.

    `under` masks only that top-level member (`data` of a posted record). `values` are those of the record that a body is the
    answer to: keys that hold one are masked too, as an endpoint may use what it was sent as a key. What a `refusal` says under
    keys like `message` and `field` is shown without traces of them. What cannot be parsed cannot be masked, so it is hidden.
    """
    if not body.strip():
        return ""
    try:
        media_type = _media_type(content_type)
        if _XML.fullmatch(media_type):
            scrubber = Scrubber(values)
            told = partial(_told, scrubber=scrubber, refusal=refusal)
            return _storable(mask_xml(body, lambda name: masked_key(name, scrubber, {}), told))
        text = body.decode("utf-8-sig")
        if media_type == "application/x-www-form-urlencoded":
            return _masked_form(text, values)
        parsed = json.loads(text)
        masked = (
            _mask_parsed(parsed, under, clear)
            if under or clear
            else _masked(parsed, Scrubber(values), 0, refusal=refusal)
        )
        return _storable(json.dumps(masked, ensure_ascii=False, indent=2))
    except (ValueError, RecursionError):
        kind = _media_type(content_type) or "not JSON"
        return f"{MASK} ({kind}, {len(body):,} bytes, hidden until revealed)"


def _mask_parsed(parsed: object, under: str, clear: frozenset[str]) -> object:
    if under and isinstance(parsed, dict) and under in parsed:
        return {key: mask_json(item, clear) if key == under else item for key, item in parsed.items()}
    return mask_json(parsed, clear)


def _masked(value: object, scrubber: Scrubber, depth: int, *, refusal: bool = False) -> object:
    if isinstance(value, dict):
        if depth >= _MAX_DEPTH:
            return MASK
        masked: dict[str, object] = {}
        for key, item in value.items():
            said = _said(key, item, scrubber) if refusal and scrubber else None
            masked[masked_key(key, scrubber, masked)] = (
                _masked(item, scrubber, depth + 1, refusal=refusal) if said is None else said
            )
        return masked
    if isinstance(value, list):
        return (
            MASK
            if depth >= _MAX_DEPTH
            else [_masked(item, scrubber, depth + 1, refusal=refusal) for item in value]
        )
    return None if value is None else MASK


def _said(key: str, item: object, scrubber: Scrubber) -> object:
    """Return what an answer says of itself under a key, without traces of the record; None where it is no such thing."""
    if key.lower() not in _SAID:
        return None
    if isinstance(item, bool):
        return item
    if isinstance(item, int):
        return item if scrubber.scrub(str(item)) == str(item) else None
    if isinstance(item, str):
        return scrubber.scrub(item)
    if isinstance(item, list) and item and all(isinstance(each, str) for each in item):
        return [scrubber.scrub(each) for each in item]
    return None


def masked_key(key: str, scrubber: Scrubber, taken: Mapping[str, object]) -> str:
    if not scrubber or not (scrubber.holds(key) or (not key.isidentifier() and scrubber.scrub(key) != key)):
        return key
    name, number = MASK, 1
    while name in taken:
        number += 1
        name = f"{MASK} {number}"
    return name


def _masked_form(text: str, values: frozenset[str]) -> str:
    names = [name for name, _ in parse_qsl(text.strip(), keep_blank_values=True, strict_parsing=True)]
    scrubber = Scrubber(values)
    return _storable("&".join(f"{masked_key(name, scrubber, {})}={MASK}" for name in names))


def _told(name: str, text: str, *, scrubber: Scrubber, refusal: bool) -> str:
    """Return what is shown of the text of an element."""
    if not (refusal and scrubber) or name.rpartition(":")[2].lower() not in _SAID:
        return MASK
    return scrubber.scrub(text)


def _media_type(content_type: str) -> str:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type if re.fullmatch(r"[\w.+-]+/[\w.+-]+", media_type) else ""


def _storable(text: str) -> str:
    """Return the text without lone surrogates, which JSON can name and UTF-8 cannot hold."""
    return text.encode(errors="replace").decode()


def is_secret_header(name: str) -> bool:
    """Tell whether a header's name says that its value is a secret."""
    return _SECRET_HEADER.fullmatch(name.lower()) is not None


def redact_headers(
    headers: Mapping[str, str], secret_names: Iterable[str] = (), values: frozenset[str] = _NOTHING
) -> dict[str, str]:
    """Return headers with secrets as `••••` + last 4 at most; signatures stay. Values of the record are masked."""
    secret = {name.lower() for name in secret_names}
    scrubber = Scrubber(values)
    return {
        name: _hint(name.lower(), text)
        if name.lower() in secret or is_secret_header(name)
        else text
        if not values or name.lower() in _PROTOCOL_HEADERS
        else scrubber.scrub(text)
        for name, text in headers.items()
    }


def mask_headers(headers: Mapping[str, str], scrubber: Scrubber | None) -> dict[str, str]:
    """Return an answer's headers for a view: names and values without what they repeat of the record.

    Without a scrubber the values of the record are no longer known, and only the protocol's headers are shown.
    """
    masked: dict[str, str] = {}
    for name, text in headers.items():
        if name.lower() in _PROTOCOL_HEADERS:
            masked[name] = text
        elif name.lower() in _ADDRESSES:
            masked[name] = _mask_location(text, scrubber)
        elif scrubber is None:
            masked[name] = MASK
        else:
            masked[masked_key(name, scrubber, masked)] = scrubber.scrub(text)
    return masked


def mask_url(url: str, scrubber: Scrubber | None) -> str:
    """Return a URL for a view: segments of its path and values of its query that hold a value of the record are masked.

    Without a scrubber the values of the record are no longer known, and only the host is shown.
    """
    parts = urlsplit(url)
    if scrubber is None:
        return urlunsplit(
            (parts.scheme, parts.netloc, f"/{MASK}" if parts.path.strip("/") else parts.path, "", "")
        )
    path = "/".join(_masked_part(each, scrubber) for each in parts.path.split("/"))
    pairs = (each.partition("=") for each in parts.query.split("&")) if parts.query else ()
    query = "&".join(f"{name}{mark}{_masked_part(text, scrubber)}" for name, mark, text in pairs)
    return urlunsplit((parts.scheme, parts.netloc, path, query, parts.fragment))


def _mask_location(text: str, scrubber: Scrubber | None) -> str:
    """Return where an endpoint sends to, for a view: host and port stay, unless a name in them is one of the record's."""
    try:
        shown = mask_url(redact_url(text.strip()), scrubber)
        host = urlsplit(shown).netloc
    except ValueError:
        return MASK
    names = re.findall(r"[^\W\d_][\w-]*", host)
    if scrubber is None or not any(scrubber.holds(name) for name in names):
        return shown
    return shown.replace(host, MASK, 1)


def _masked_part(part: str, scrubber: Scrubber) -> str:
    text = unquote_plus(part)
    return MASK if text != MASK and scrubber.scrub(text) != plain(text) else part


def _hint(name: str, text: str) -> str:
    """Return what may be shown of a secret header: its scheme, and the end of a long token."""
    if name in _WHOLLY_SECRET:
        return MASK
    scheme, _, token = text.strip().rpartition(" ")
    if scheme and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,19}", scheme):
        return MASK
    # the end of a basic credential is the end of a password, in base64
    shown = token[-4:] if scheme.lower() in {"", "bearer", "token"} and len(token) >= _HINT_FROM else ""
    return f"{scheme} {MASK}{shown}" if scheme else f"{MASK}{shown}"
