"""The signature schemes of callbacks: how each app proves that a callback is its own.

Sources: GitHub "Validating webhook deliveries", GitLab "Webhooks", Jira Cloud "Webhooks", Asana "Webhooks",
Slack "Verifying requests from Slack", Stripe "Verify webhook signatures", standardwebhooks.com.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from healthdesk.domain.signing import TOLERANCE_S, decoded

TimestampFormat = Literal["epoch_s", "epoch_ms", "iso", "http"]
_PIECE = re.compile(r"(\{(?:body|timestamp|url|method)\})")


@dataclass(frozen=True, slots=True)
class Came:
    """A callback as it came. Header names are lower-case; `url` is the one that the app was given."""

    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    url: str = ""


@dataclass(frozen=True, slots=True)
class HmacScheme:
    """An HMAC in `header`, `prefix` before it; several may stand there, separated by commas.

    `signed` says over what: `{body}`, `{timestamp}`, `{url}`, `{method}` and text between. With a `timestamp_header`
    a callback is good for five minutes, so that it cannot be sent again later.
    """

    header: str
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    signed: str = "{body}"
    timestamp_header: str = ""
    timestamp_format: str = "epoch_s"
    id_header: str = ""
    event_header: str = ""


HMAC_SCHEMES: Mapping[str, HmacScheme] = {
    "github": HmacScheme(
        "X-Hub-Signature-256", prefix="sha256=", id_header="X-GitHub-Delivery", event_header="X-GitHub-Event"
    ),
    "jira": HmacScheme("X-Hub-Signature", prefix="sha256=", id_header="X-Atlassian-Webhook-Identifier"),
    "asana": HmacScheme("X-Hook-Signature"),
    "slack": HmacScheme(
        "X-Slack-Signature",
        prefix="v0=",
        signed="v0:{timestamp}:{body}",
        timestamp_header="X-Slack-Request-Timestamp",
    ),
}

TOKEN_HEADERS: Mapping[str, str] = {"gitlab": "X-Gitlab-Token"}
ID_HEADERS: Mapping[str, str] = {"gitlab": "X-Gitlab-Event-UUID"}
EVENT_HEADERS: Mapping[str, str] = {"gitlab": "X-Gitlab-Event"}


def verify_hmac_scheme(
    scheme: HmacScheme, secrets: Sequence[str], came: Came, now: datetime, *, timestamp: str | None = None
) -> str | None:
    """Return why the callback is not authentic, or None when it is. `timestamp` is given where the body holds it."""
    value = came.headers.get(scheme.header.lower())
    if not secrets:
        return "No secret is configured to verify it with."
    if not value:
        return f"The header {scheme.header}, which carries the signature, is missing."
    if timestamp is None and scheme.timestamp_header:
        timestamp = came.headers.get(scheme.timestamp_header.lower())
        if not timestamp:
            return f"The header {scheme.timestamp_header} is missing."
    if timestamp is not None and (reason := stale(timestamp, scheme.timestamp_format, now)):
        return reason
    given = [part.strip() for part in value.split(",")]
    named = [part[len(scheme.prefix) :] for part in given if part.startswith(scheme.prefix)]
    if not named:
        return f"The signature in {scheme.header} does not begin with {scheme.prefix}, the configured prefix."
    digests = [each for part in named if (each := decoded(part, scheme.encoding)) is not None]
    if not digests:
        return f"The signature in {scheme.header} is not {scheme.encoding}."
    content = signed_content(scheme.signed, came, timestamp or "")
    if _any_fits(secrets, content, digests, scheme.algorithm):
        return None
    return f"The signature in {scheme.header} does not match."


def verify_stripe(secrets: Sequence[str], came: Came, now: datetime) -> str | None:
    """Return why `Stripe-Signature: t=…,v1=…` is not right, or None when it is."""
    value = came.headers.get("stripe-signature", "")
    if not secrets:
        return "No secret is configured to verify it with."
    if not value:
        return "The header Stripe-Signature is missing."
    pairs = [part.strip().partition("=") for part in value.split(",")]
    timestamp = next((text for name, _, text in pairs if name == "t"), "")
    if reason := stale(timestamp, "epoch_s", now):
        return reason
    digests = [each for name, _, text in pairs if name == "v1" and (each := decoded(text, "hex")) is not None]
    content = timestamp.encode() + b"." + came.body
    return (
        None
        if _any_fits(secrets, content, digests, "sha256")
        else "The signature in Stripe-Signature does not match."
    )


def verify_token(header: str, secrets: Sequence[str], came: Came) -> str | None:
    """Return why the header does not hold the secret itself, or None when it does."""
    return _equals_one(came.headers.get(header.lower()), header, secrets)


def verify_bearer(secrets: Sequence[str], came: Came) -> str | None:
    """Return why the Authorization header is not the secret as a bearer token, or None when it is."""
    scheme, _, token = came.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return "The header Authorization with a bearer token is missing."
    return _equals_one(token.strip(), "Authorization", secrets)


def verify_basic(secrets: Sequence[str], came: Came) -> str | None:
    """Return why the Authorization header is not the secret, `user:password`, or None when it is."""
    scheme, _, encoded = came.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "The header Authorization with user and password is missing."
    given = decoded(encoded.strip(), "base64")
    if given is None:
        return "The header Authorization is not base64."
    return _equals_one(given, "Authorization", secrets)


def stale(timestamp: str, form: str, now: datetime) -> str | None:
    """Return why the time of a signature is not of the last five minutes, or None when it is."""
    at = _time(timestamp, form)
    if at is None:
        return "The time it was signed at cannot be read."
    age_s = (now - at).total_seconds()
    if abs(age_s) <= TOLERANCE_S:
        return None
    return f"It was signed more than 5 minutes {'ago' if age_s > 0 else 'in the future'} (by the clock here)."


def signed_content(template: str, came: Came, timestamp: str) -> bytes:
    """Return the bytes that a signature is over."""
    pieces = {
        "{body}": came.body,
        # Signed are the bytes that came; a header that is not UTF-8 has them as surrogates.
        "{timestamp}": timestamp.encode("utf-8", "surrogateescape"),
        "{url}": came.url.encode(),
        "{method}": came.method.encode(),
    }
    return b"".join(pieces.get(part, part.encode()) for part in _PIECE.split(template))


def _any_fits(secrets: Sequence[str], content: bytes, given: Sequence[bytes], algorithm: str) -> bool:
    """Compare every pair, so that the time taken tells nothing: several secrets are valid while one is rotated."""
    good = False
    for secret in secrets:
        digest = hmac.digest(secret.encode(), content, algorithm)
        for each in given:
            good |= hmac.compare_digest(each, digest)
    return good


def _equals_one(given: str | bytes | None, header: str, secrets: Sequence[str]) -> str | None:
    if not secrets:
        return "No secret is configured to verify it with."
    if not given:
        return f"The header {header} is missing."
    raw = given if isinstance(given, bytes) else given.encode("utf-8", "surrogateescape")
    good = False
    for secret in secrets:
        good |= hmac.compare_digest(raw, secret.encode())
    return None if good else f"What the header {header} holds is not the secret."


def _time(text: str, form: str) -> datetime | None:
    try:
        if form in ("epoch_s", "epoch_ms"):
            if not (text.isascii() and text.isdecimal() and len(text) <= 15):
                return None
            return datetime.fromtimestamp(int(text) / (1000 if form == "epoch_ms" else 1), UTC)
        at = parsedate_to_datetime(text) if form == "http" else datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
