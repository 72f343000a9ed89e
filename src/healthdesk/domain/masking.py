"""Keeps values of people's data, and secrets, out of what is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

MASK = "••••"


def mask_json(value: object, clear: frozenset[str] = frozenset()) -> object:
    """Return the same shape with every string, number and boolean masked; keys and nulls stay.

    `clear` names top-level keys whose values are declared not sensitive and stay.
    """
    raise NotImplementedError


def mask_text(
    body: bytes,
    content_type: str,
    *,
    under: str = "",
    values: frozenset[str] = frozenset(),
    clear: frozenset[str] = frozenset(),
) -> str:
    """Return a body for a view: JSON and forms with their values masked, anything else hidden whole.

    `under` masks only that top-level member (`data` of a posted record); keys that hold one of `values` are masked too.
    """
    raise NotImplementedError


def values_of(data: object) -> frozenset[str]:
    """Return every string, number and boolean of the data as text."""
    raise NotImplementedError


def scrub(text: str, values: frozenset[str]) -> str:
    """Return the text with every value (and numbers equal to one, and parts of names) masked."""
    raise NotImplementedError


def redact_headers(
    headers: Mapping[str, str], secret_names: Iterable[str] = (), values: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Return headers with secrets as `••••` + last 4 at most; signatures stay. Values of the record are masked."""
    raise NotImplementedError


def redact_url(url: str) -> str:
    """Return the URL without a password and without the values of secret parameters."""
    raise NotImplementedError
