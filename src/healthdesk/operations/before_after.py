"""What the activity log says of a change: each value before and after it. Secrets are left out, and only named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from healthdesk.store.rows import ConnectionRow, EnvironmentRow, IntegrationRow


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], replaced: list[str] | None = None
) -> dict[str, Any]:
    """Return `before` and `after` of what differs, and the names of what was `replaced` and is not told."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    told: dict[str, Any] = {}
    if names:
        told = {
            when: {name: _plain(values.get(name)) for name in names}
            for when, values in (("before", before), ("after", after))
        }
    return told | ({"replaced": replaced} if replaced else {})


def connection_words(row: ConnectionRow) -> dict[str, Any]:
    """Return what an edit of a connection may change, without its secrets."""
    beat = row.heartbeat
    return {
        "name": row.name,
        "base_url": row.base_url,
        **{f"settings.{key}": value for key, value in row.settings.items()},
        "heartbeat": f"{beat.method} {beat.path}, {beat.expected_status}" if beat else "",
        "callbacks": row.verification.scheme,
        "callback_limit_per_minute": row.callback_limit_per_minute,
        "expires_at": row.expires_at,
    }


def integration_words(row: IntegrationRow) -> dict[str, Any]:
    """Return what an edit of a delivery integration may change; of headers their names alone."""
    words: dict[str, Any] = {"name": row.name}
    for each in row.environments:
        words |= {f"{each.environment.value}.{name}": value for name, value in _place_words(each).items()}
    return words


def replaced_headers(before: IntegrationRow, after: IntegrationRow) -> list[str]:
    """Return the environments of an integration whose headers have other values under the same names."""
    was = {each.environment: each.headers for each in before.environments}
    return [
        f"{each.environment.value}.headers"
        for each in after.environments
        if each.environment in was
        and each.headers != was[each.environment]
        and each.headers.keys() == was[each.environment].keys()
    ]


def _place_words(row: EnvironmentRow) -> dict[str, Any]:
    return {
        "connection": row.connection_name,
        "path": row.path,
        "method": row.method,
        "headers": sorted(row.headers),
        "concurrency": row.concurrency,
        "rate_per_s": row.rate_per_s,
        "timeout_s": row.timeout_s,
        "on_unknown": row.on_unknown,
        "accept_limit_per_minute": row.accept_limit_per_minute,
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
