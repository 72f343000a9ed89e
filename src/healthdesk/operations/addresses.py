"""Addresses that operators give: of connections, environments, heartbeats, lookups. They are shown, so no secret belongs into them.

What was saved before that was refused goes on as it is, and is shown masked; what is shown of it means it in an edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from healthdesk.domain.addresses import as_stored, redact_url, secret_in
from healthdesk.errors import Malformed

ENDPOINTS = ("token_url", "authorize_url", "device_url")
"""Settings of any connection that take the place of the manifest's addresses: self-hosted apps have their own."""

INSTEAD = (
    "give it as a credential of the connection: for an HTTP endpoint the authentication method `query` sends a parameter of its"
    " own"
)


def refuse_secrets(address: str, field: str) -> None:
    """Raise Malformed where a parameter of a URL or path holds a secret; it is named, and its value is not."""
    if name := secret_in(address):
        raise Malformed(
            f"the parameter {name} is a secret, and addresses are shown to operators",
            field=field,
            fix=f"leave it out and {INSTEAD}: `healthdesk connections update-credentials --auth query --parameter-name {name}`",
        )


def shown_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a connection as they are shown."""
    return {name: redact_url(text) if name in ENDPOINTS else text for name, text in settings.items()}


def shown_delivery(delivery: Mapping[str, Any]) -> dict[str, Any]:
    """Return how an environment delivers as it is shown."""
    return _with_lookup(delivery, redact_url(_asked_at(delivery)))


def given_delivery(given: Mapping[str, Any], stored: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Return how an environment is to deliver. Raises Malformed for a secret in an address that is not as `stored`."""
    was = _asked_at(stored)
    path = as_stored(_asked_at(given), was)
    if path != was:
        refuse_secrets(path, f"{field}.lookup.path")
    return _with_lookup(given, path)


def _asked_at(delivery: Mapping[str, Any]) -> str:
    """Return the path that is asked for a record, empty where none is."""
    return str((delivery.get("lookup") or {}).get("path", ""))


def _with_lookup(delivery: Mapping[str, Any], path: str) -> dict[str, Any]:
    lookup = delivery.get("lookup")
    return {**delivery, "lookup": {**lookup, "path": path}} if lookup and path else dict(delivery)
