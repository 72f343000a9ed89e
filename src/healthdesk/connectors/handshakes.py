"""How apps make sure of a callback address before they use it, and how Asana hands over its secret.

Sources: Asana "Webhooks" (The handshake), Slack "url_verification event", monday.com "Webhooks", Okta "Event hooks"
(One-time verification request), Microsoft Graph "Receive change notifications" (Notification endpoint validation).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from healthdesk.connectors.verify import Callback

LONGEST = 1024
"""What is sent back is short: an address must not become a mirror."""

SECRET_HEADER = "X-Hook-Secret"  # noqa: S105 - the name of a header


@dataclass(frozen=True, slots=True)
class Echo:
    """The answer to a handshake. `secret` is one that the app hands over with it."""

    body: bytes = b""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: str = field(default="", repr=False)


def before_verification(callback: Callback, query: Mapping[str, str]) -> Echo | None:
    """Return the answer to a handshake that comes before anything is signed, or None when this is none."""
    kind = callback.app.handshake if callback.app else ""
    headers = callback.came.headers
    if kind == "asana" and (secret := _short(headers.get(SECRET_HEADER.lower(), ""))):
        return Echo(headers={SECRET_HEADER: secret}, secret=secret)
    if kind == "okta" and (given := _short(headers.get("x-okta-verification-challenge", ""))):
        return _json({"verification": given})
    if kind == "validation_token" and (given := _short(query.get("validationToken", ""))):
        return Echo(given.encode())
    return None


def after_verification(callback: Callback) -> Echo | None:
    """Return the answer to a challenge in a verified callback, or None when there is none in it."""
    if callback.app is None or callback.app.handshake != "challenge":
        return None
    document = callback.document
    if not isinstance(document, dict) or not isinstance(document.get("challenge"), str):
        return None
    given = _short(document["challenge"])
    return _json({"challenge": given}) if given else None


def _short(text: str) -> str:
    return text if len(text) <= LONGEST and text.isprintable() else ""


def _json(answer: Mapping[str, str]) -> Echo:
    return Echo(json.dumps(answer).encode(), "application/json")
