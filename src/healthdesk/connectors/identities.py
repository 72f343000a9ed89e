"""Reads from an answer whose a credential is: account, site, scopes, expiry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from healthdesk.connectors.paths import find, one_line, text_at
from healthdesk.connectors.spec import AlsoManifest, IdentityManifest, ValueFrom
from healthdesk.connectors.times import read_time
from healthdesk.domain.identity import Identity

MOST_SCOPES = 200


def read_identity(
    part: IdentityManifest | AlsoManifest,
    document: object,
    headers: Mapping[str, str],
    before: Identity | None = None,
) -> Identity:
    """Return what an answer tells of the credential; what it does not tell stays as it was `before`.

    `account_id` is empty where the answer has none. `headers` have lower-case names.
    """
    known = before or Identity("")
    scopes = None if part.scopes is None else _scopes(part.scopes, document, headers)
    expires_at = None if part.expires is None else _time(part.expires, document, headers)
    return Identity(
        account_id=text_at(part.account_id, document) or known.account_id,
        account=text_at(part.account, document) or known.account,
        site=text_at(part.site, document) or known.site,
        scopes=known.scopes if scopes is None else scopes,
        expires_at=expires_at or known.expires_at,
    )


def plain(identity: Identity) -> Identity:
    """Return what the code of a connector says of a credential as it can be kept: text of an app may be in it as it came.

    TypeError or AttributeError where it is no identity at all.
    """
    at = identity.expires_at
    return Identity(
        account_id=one_line(identity.account_id),
        account=one_line(identity.account),
        site=one_line(identity.site),
        scopes=None
        if identity.scopes is None
        else tuple(one_line(each) for each in identity.scopes[:MOST_SCOPES]),
        expires_at=at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC),
    )


def _value(where: ValueFrom, document: object, headers: Mapping[str, str]) -> object:
    if where.header:
        return headers.get(where.header.lower())
    return find(where.path or "@", document)


def _scopes(where: ValueFrom, document: object, headers: Mapping[str, str]) -> tuple[str, ...] | None:
    found = _value(where, document, headers)
    if isinstance(found, str):
        found = found.split(where.separator) if where.separator else found.split()
    if not isinstance(found, list):
        return None
    names = [name for each in found[:MOST_SCOPES] if (name := one_line(each))]
    return tuple(dict.fromkeys(names))


def _time(where: ValueFrom, document: object, headers: Mapping[str, str]) -> datetime | None:
    return read_time(_value(where, document, headers), where.format)
