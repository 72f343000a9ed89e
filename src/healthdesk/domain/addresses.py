"""Addresses with secrets in them: a user with a password, and parameters whose names say that they hold one."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from healthdesk.domain.scrubbing import MASK

_SECRET_PARAMETER = re.compile(
    r"(^|[-_.])(key|apikey|token|secret|password|passwd|pwd|pass|signature|sig|auth|code|credential|session|sid|jwt)"
    r"([-_.]|$)|(token|secret|password|apikey)$",
    re.IGNORECASE,
)
_OF_THE_RECORD = re.compile(r"(\{[^{}]+\})+")
"""A value that a template makes of each record: what stands there is no secret."""
_IN_TEXT = re.compile(r"([?&])([^?&=#\s]+)=([^?&#\s,;\"'<>]+)")
_USER_IN_TEXT = re.compile(r"(?<=://)[^/?#\s@]+@")


def is_secret_parameter(name: str) -> bool:
    """Tell whether a parameter's name says that its value is a secret."""
    return _SECRET_PARAMETER.search(name) is not None


def secret_in(address: str) -> str:
    """Return the name of the first parameter of a URL or path that holds a secret, an empty text where none does."""
    query = address.partition("#")[0].partition("?")[2]
    return next((name for name, _, value in _parameters(query) if value and is_secret_parameter(name)), "")


def redact_url(url: str, secret_names: Collection[str] = ()) -> str:
    """Return the URL without a password, the values of secret parameters and the fragment.

    `secret_names` are parameters that hold secrets whatever their names say.
    """
    if not any(mark in url for mark in "@?#"):
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    user, at, host = parts.netloc.rpartition("@")
    if at:
        name, colon, _ = user.partition(":")
        host = f"{name}:{MASK}@{host}" if colon else f"{MASK}@{host}"
    query = "&".join(
        f"{given}={MASK}" if value and (name in secret_names or is_secret_parameter(name)) else whole
        for (name, given, value), whole in zip(_parameters(parts.query), parts.query.split("&"), strict=True)
    )
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def redact_text(text: str) -> str:
    """Return a text in which addresses may stand without their passwords and the values of secret parameters."""
    if "?" not in text and "@" not in text:
        return text
    text = _USER_IN_TEXT.sub(f"{MASK}@", text)
    return _IN_TEXT.sub(
        lambda found: f"{found[1]}{found[2]}={MASK}" if _secret(found[2], found[3]) else found[0], text
    )


def as_stored(given: str, stored: str) -> str:
    """Return the address that is stored where `given` is what is shown of it, else what is given."""
    return stored if given == redact_url(stored) else given


def _parameters(query: str) -> list[tuple[str, str, str]]:
    """Return of each parameter its name, the name as it is written, and its value; no value where each record has its own."""
    found = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        found.append((unquote_plus(name), name, "" if _OF_THE_RECORD.fullmatch(value) else value))
    return found


def _secret(name: str, value: str) -> bool:
    return is_secret_parameter(unquote_plus(name)) and not _OF_THE_RECORD.fullmatch(value)
