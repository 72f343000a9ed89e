"""Errors as RFC 9457 problem details: the one table from an error to an HTTP status."""

from __future__ import annotations

import json
import logging
import math
from http import HTTPStatus

from aiohttp import web

from healthdesk.api import API_VERSION, API_VERSION_HEADER
from healthdesk.errors import (
    ChannelError,
    ConnectorError,
    HealthdeskError,
    IdentityChanged,
    RateLimited,
    RequestError,
    SchemaMismatch,
    StoreUnavailable,
    TrialImpossible,
    TrialRefused,
    Unauthenticated,
    VaultError,
)

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TYPE_BASE = "urn:healthdesk:problem/"
BASE_HEADERS = {API_VERSION_HEADER: str(API_VERSION), "Server": "healthdesk", "Cache-Control": "no-store"}
"""Headers every answer of both listeners carries."""

STORE_RETRY_AFTER_S = 5
_TRIALS = (TrialRefused, TrialImpossible)

TABLE: tuple[tuple[type[HealthdeskError], int, str, str], ...] = (
    (StoreUnavailable, 503, "store-unavailable", "The database cannot be used now"),
    (SchemaMismatch, 503, "schema-mismatch", "The database was migrated by another version"),
    (ConnectorError, 400, "connector", "The app's settings are wrong"),
    (ChannelError, 400, "channel", "The channel's URL is wrong"),
    (VaultError, 500, "vault", "A secret cannot be decrypted"),
    (HealthdeskError, 500, "internal", "healthdesk failed"),
)
"""Status, slug and title of errors that do not carry their own; RequestErrors do."""


_SLUGS = {400: "malformed", 404: "not-found", 413: "too-large", 500: "internal"}
"""Types of errors that HTTP itself names, where we have a word of our own; else the status phrase is the word."""


def status_of(error: HealthdeskError) -> tuple[int, str, str]:
    """Return status, slug and title of an error."""
    if isinstance(error, RequestError):
        return error.status, error.slug, error.title
    return next((status, slug, title) for kind, status, slug, title in TABLE if isinstance(error, kind))


def _answer(status: int, slug: str, title: str, detail: str, **further: object) -> web.Response:
    members: dict[str, object] = {
        "type": TYPE_BASE + slug,
        "title": title,
        "status": status,
        "detail": detail,
    }
    members |= {name: value for name, value in further.items() if value}
    return web.Response(
        status=status,
        # Escaped to ASCII: a detail may quote lone surrogates out of what was sent.
        body=json.dumps(members).encode("ascii"),
        headers={**BASE_HEADERS, "Content-Type": CONTENT_TYPE},
    )


def respond(error: HealthdeskError, *, instance: str = "") -> web.Response:
    """Return the answer for one of our own errors."""
    status, slug, title = status_of(error)
    response = _answer(
        status,
        slug,
        title,
        error.what,
        fix=error.fix,
        field=error.field if isinstance(error, RequestError | ConnectorError | ChannelError) else "",
        instance=instance,
        **({"blame": error.blame, "kind": error.kind} if isinstance(error, _TRIALS) else {}),
        **({"changes": list(error.changes)} if isinstance(error, IdentityChanged) else {}),
    )
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    elif status == 503:
        response.headers["Retry-After"] = str(STORE_RETRY_AFTER_S)
    elif isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="healthdesk"'
    return response


def respond_status(status: int, detail: str, *, fix: str = "", instance: str = "") -> web.Response:
    """Return the answer for a fault that HTTP itself names: 404 for no route, 405, 413, 417, malformed HTTP."""
    title = HTTPStatus(status).phrase
    slug = _SLUGS.get(status) or title.lower().replace(" ", "-")
    return _answer(status, slug, title, detail, fix=fix, instance=instance)


def respond_any(error: Exception, *, instance: str = "") -> web.Response:
    """Return the answer for whatever a handler raised. What is not expected is logged and says nothing outside."""
    if isinstance(error, HealthdeskError):
        if status_of(error)[0] == 500:
            log.error("%s: %s", instance, error)
        return respond(error, instance=instance)
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return respond_status(413, "the body is larger than this desk accepts", instance=instance)
    if isinstance(error, web.HTTPException):
        return respond_status(error.status, error.reason, instance=instance)
    if isinstance(error, web.RequestPayloadError):
        return respond_status(400, "the body is not well-formed HTTP", instance=instance)
    log.error("%s failed", instance or "a request", exc_info=error)
    return _answer(
        500,
        "internal",
        "healthdesk failed",
        "healthdesk failed to handle this request; nothing of it was stored unless a retry says so",
        fix="See the daemon's log, and report it.",
        instance=instance,
    )
