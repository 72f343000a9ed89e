"""Verification of callbacks: who sent them, which delivery they are, which event they tell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import jmespath
from jmespath.exceptions import JMESPathError

from healthdesk.connectors.signatures import (
    EVENT_HEADERS,
    HMAC_SCHEMES,
    ID_HEADERS,
    TOKEN_HEADERS,
    Came,
    HmacScheme,
    verify_basic,
    verify_bearer,
    verify_hmac_scheme,
    verify_stripe,
    verify_token,
)
from healthdesk.connectors.spec import CallbackManifest, Where
from healthdesk.domain.signing import verify_standard_webhook
from healthdesk.errors import Malformed, Unauthenticated

_LONGEST_ID = 200
_LONGEST_EVENT = 100
_MOST_ABOUT = 200
_UNREAD = object()


class VerificationSpec(Protocol):
    """How callbacks of a connection are verified; the API's CallbackVerification and store rows fit it."""

    @property
    def scheme(self) -> str:
        """One of the schemes of docs/connectors.md."""
        ...

    @property
    def header(self) -> str:
        """The header with the HMAC or the token."""
        ...

    @property
    def algorithm(self) -> str:
        """One of sha1, sha256, sha512."""
        ...

    @property
    def encoding(self) -> str:
        """One of hex, base64."""
        ...

    @property
    def prefix(self) -> str:
        """Text before the HMAC, such as `sha256=`."""
        ...

    @property
    def id_header(self) -> str:
        """The header with the delivery id, or empty."""
        ...

    @property
    def event_header(self) -> str:
        """The header with the event's name, or empty."""
        ...

    @property
    def signed(self) -> str:
        """What the HMAC is over: `{body}`, `{timestamp}`, `{url}`, `{method}` and text between."""
        ...

    @property
    def timestamp_header(self) -> str:
        """The header with the time of the signature, or empty."""
        ...

    @property
    def timestamp_format(self) -> str:
        """One of epoch_s, epoch_ms, iso, http."""
        ...


@dataclass(frozen=True, slots=True)
class Verified:
    """A callback whose sender is known. `delivery_id` deduplicates it unless it is empty; `event` may be empty."""

    delivery_id: str
    event: str


@dataclass(frozen=True, slots=True)
class About:
    """What a callback is about, by the app's own ids: instances to be looked at, records it is a receipt of."""

    instances: tuple[str, ...] = ()
    records: tuple[str, ...] = ()


class Callback:
    """One callback that came, its body parsed at most once."""

    def __init__(self, came: Came, app: CallbackManifest | None = None) -> None:
        self.came = came
        self.app = app
        self._document: object = _UNREAD

    @property
    def document(self) -> object:
        """The body as JSON, or None when it is none."""
        if self._document is _UNREAD:
            try:
                self._document = json.loads(self.came.body)
            except (ValueError, RecursionError):
                self._document = None
        return self._document

    def find(self, where: Where | None) -> str:
        """Return the text at a header or a path, or nothing."""
        if where is None:
            return ""
        found = self.came.headers.get(where.header.lower()) if where.header else self.at(where.path or "@")
        return _text(found)

    def at(self, path: str, document: object = _UNREAD) -> Any:
        """Return what an expression finds in the body, or in a part of it; None where it does not fit."""
        try:
            return jmespath.search(path, self.document if document is _UNREAD else document)
        except (JMESPathError, RecursionError):
            return None


def came(headers: Mapping[str, str], body: bytes, *, method: str = "POST", url: str = "") -> Came:
    """Return a callback as it came, its header names in lower case."""
    return Came({name.lower(): value for name, value in headers.items()}, body, method, url)


def verify_callback(
    verification: VerificationSpec, secrets: Sequence[str], callback: Callback, now: datetime
) -> Verified:
    """Return the delivery id and event of a genuine callback, or raise Unauthenticated with the reason.

    The delivery id is empty where the callback names none: it cannot be told from another with the same body then,
    and losing a genuine one would be worse than processing one twice.
    """
    if (reason := _refusal(verification, secrets, callback, now)) is not None:
        raise Unauthenticated(reason)
    return Verified(_delivery_id(verification, callback), _event(verification, callback))


def about(callback: Callback, event: str) -> About:
    """Return what a verified callback is about, by the events that its connector knows."""
    app = callback.app
    if app is None or callback.document is None:
        return About()
    instances: dict[str, None] = {}
    records: dict[str, None] = {}
    for part in _parts(callback):
        name = _event_of(callback, part) or event
        for known in app.events:
            if known.name not in ("*", name) or (known.when and not callback.at(known.when, part)):
                continue
            for path, found in ((known.instance, instances), (known.record, records)):
                if path and (text := _text(callback.at(path, part))):
                    found.setdefault(text)
    return About(tuple(instances)[:_MOST_ABOUT], tuple(records)[:_MOST_ABOUT])


def _parts(callback: Callback) -> list[Any]:
    """Return the events in a callback: the body, or what `each` finds in it."""
    if callback.app is None or not callback.app.each:
        return [callback.document]
    found = callback.at(callback.app.each)
    return found if isinstance(found, list) else []


def _event_of(callback: Callback, part: Any) -> str:
    """Return the name of one of several events, where each says its own."""
    where = callback.app.event if callback.app else None
    if where is None or not where.path or part is callback.document:
        return ""
    return _plain(_text(callback.at(where.path, part)))


def _refusal(
    verification: VerificationSpec, secrets: Sequence[str], callback: Callback, now: datetime
) -> str | None:
    scheme, came = verification.scheme, callback.came
    if scheme == "none":
        return None
    if scheme == "standard_webhooks":
        return _standard_refusal(secrets, came, now)
    if scheme == "stripe":
        return verify_stripe(secrets, came, now)
    if scheme == "bearer":
        return verify_bearer(secrets, came)
    if scheme == "basic":
        return verify_basic(secrets, came)
    if scheme == "token" or scheme in TOKEN_HEADERS:
        return verify_token(TOKEN_HEADERS.get(scheme, verification.header), secrets, came)
    if scheme == "hmac":
        own = HmacScheme(
            header=verification.header,
            algorithm=verification.algorithm,
            encoding=verification.encoding,
            prefix=verification.prefix,
            signed=verification.signed,
            timestamp_header=verification.timestamp_header,
            timestamp_format=verification.timestamp_format,
        )
        timestamp = callback.find(callback.app.timestamp) if callback.app and callback.app.timestamp else None
        return verify_hmac_scheme(own, secrets, came, now, timestamp=timestamp)
    known = HMAC_SCHEMES.get(scheme)
    if known is None:
        return f"The verification scheme {scheme!r} is not known."
    return verify_hmac_scheme(known, secrets, came, now)


def _standard_refusal(secrets: Sequence[str], came: Came, now: datetime) -> str | None:
    try:
        return verify_standard_webhook(secrets, came.headers, came.body, now)
    except Malformed:
        return "The callback secret of the connection is not a Standard Webhooks secret (whsec_…)."


def _delivery_id(verification: VerificationSpec, callback: Callback) -> str:
    headers = callback.came.headers
    if verification.scheme == "standard_webhooks":
        # Only the signed id counts: anybody could change another header of a genuine callback.
        return _kept_id(headers.get("webhook-id" if "webhook-id" in headers else "svix-id", ""))
    if callback.app is not None and callback.app.delivery_id is not None:
        return _kept_id(callback.find(callback.app.delivery_id))
    if verification.scheme == "stripe" and not verification.id_header:
        return _kept_id(_text(callback.at("id")))
    known = HMAC_SCHEMES.get(verification.scheme)
    usual = known.id_header if known else ID_HEADERS.get(verification.scheme, "")
    return _kept_id(headers.get((verification.id_header or usual).lower(), ""))


def _kept_id(text: str) -> str:
    """Return the id as it is kept. Cutting a long one could fold two deliveries into one; a digest cannot."""
    text = text.strip()
    if len(text) <= _LONGEST_ID and text.isprintable():
        return text
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _event(verification: VerificationSpec, callback: Callback) -> str:
    """Return the event's name: from its header, where the connector says, or the `type` in the body of Standard Webhooks and Stripe."""
    if callback.app is not None and callback.app.event is not None:
        found = _plain(callback.find(callback.app.event))
        return found or next((name for part in _parts(callback) if (name := _event_of(callback, part))), "")
    known = HMAC_SCHEMES.get(verification.scheme)
    usual = known.event_header if known else EVENT_HEADERS.get(verification.scheme, "")
    if header := verification.event_header or usual:
        return _plain(callback.came.headers.get(header.lower(), ""))
    if verification.scheme not in ("standard_webhooks", "stripe") or not isinstance(callback.document, dict):
        return ""
    kind = callback.document.get("type")
    return _plain(kind) if isinstance(kind, str) else ""


def _text(found: object) -> str:
    """Return an id or name from outside as text; what is neither text nor a whole number says nothing."""
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    return " ".join(str(found).split())[:_LONGEST_ID] if isinstance(found, str) else str(found)[:_LONGEST_ID]


def _plain(text: str) -> str:
    """Return a name from outside without what cannot be printed, and not too long."""
    return "".join(each for each in text.strip() if each.isprintable())[:_LONGEST_EVENT]
