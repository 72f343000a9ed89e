"""Base URLs: what one may be, and the URL of a path under it."""

from __future__ import annotations

import re

from yarl import URL

from healthdesk.connectors.policy import is_literal
from healthdesk.domain.masking import MASK, redact_url
from healthdesk.errors import ConnectorError


def join_url(base_url: str, path: str) -> str:
    """Return the URL of `path` (with its query) under `base_url`; never another host, whatever `path` says.

    An empty path, or `/` alone, is the base URL itself.
    """
    base, _, base_query = base_url.partition("#")[0].partition("?")
    rest, _, query = path.partition("#")[0].partition("?")
    rest = rest.lstrip("/")
    url = f"{base.rstrip('/')}/{rest}" if rest else base
    both = "&".join(part for part in (base_query, query) if part)
    return f"{url}?{both}" if both else url


def _bad_url(what: str, *, fix: str) -> ConnectorError:
    return ConnectorError(what, fix=fix, field="base_url")


def check_base_url(text: str) -> str:
    """Return the base URL in its plain form; a ConnectorError says what is wrong with it and the fix."""
    example = "for example https://crm.example.com/api"
    stripped = text.strip()
    if _SPACE_OR_CONTROL.search(stripped):
        raise _bad_url("the URL contains a space or control character", fix="write a space in it as %20")
    if MASK in stripped:
        raise _bad_url(
            f"{MASK} stands for a secret that an export leaves out", fix="write what belongs there"
        )
    try:
        url = URL(stripped)
        port = url.explicit_port
    except ValueError as error:
        raise _bad_url(f"{_shown(stripped)} is not a URL", fix=example) from error
    if url.scheme not in {"http", "https"}:
        raise _bad_url(f"{_shown(stripped)} does not begin with http:// or https://", fix=example)
    if not url.host:
        raise _bad_url("the URL names no host", fix=example)
    if url.user is not None or url.password is not None:
        raise _bad_url(
            "the URL contains a user name or password",
            fix="leave them out and give them as credentials (authentication basic)",
        )
    if port == 0:
        raise _bad_url("port 0 is not a port", fix=example)
    if url.raw_fragment:
        raise _bad_url("the URL contains a fragment (#…), which is never sent", fix="leave it out")
    if _LOOSE_IPV4.fullmatch(url.host) and not is_literal(url.host):
        raise _bad_url(f"{url.host} is not an IPv4 address in four parts", fix="for example 192.0.2.10")
    return str(url)


def _shown(text: str) -> str:
    """Return the start of a wrong URL: what follows an @ or the scheme may be secret."""
    return f"“{redact_url(text)[:80]}”"


_SPACE_OR_CONTROL = re.compile(r"[\s\x00-\x1f\x7f]")
# Spellings such as 127.1 or 2130706433, which some resolvers take for an address.
_LOOSE_IPV4 = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?", re.IGNORECASE)
