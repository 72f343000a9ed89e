"""What the activity log says of a change: each value before and after it. Secrets are left out, and only named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from healthdesk.domain.addresses import redact_url
from healthdesk.domain.delivery import Step, method_from
from healthdesk.operations.addresses import shown_delivery, shown_settings
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
        "base_url": redact_url(row.base_url),
        **{f"settings.{key}": value for key, value in shown_settings(row.settings).items()},
        "heartbeat": f"{beat.method} {redact_url(beat.path)}, {beat.expected_status}" if beat else "",
        "callbacks": row.verification.scheme,
        "callback_limit_per_minute": row.callback_limit_per_minute,
        "expires_at": row.expires_at,
    }


def integration_words(row: IntegrationRow) -> dict[str, Any]:
    """Return what an edit of a delivery integration may change; of headers their names, of a mapping no values."""
    words: dict[str, Any] = {"name": row.name}
    for each in row.environments:
        words |= {f"{each.environment.value}.{name}": value for name, value in _place_words(each).items()}
    return words


def replaced_values(before: IntegrationRow, after: IntegrationRow) -> list[str]:
    """Return which headers and mappings have other values, and are told with the same words as before."""
    was = {each.environment: each for each in before.environments}
    found = []
    for each in after.environments:
        if (old := was.get(each.environment)) is None:
            continue
        words, old_words = _place_words(each), _place_words(old)
        values = {
            "headers": (each.headers, old.headers),
            "delivery.mapping": (each.delivery.get("mapping"), old.delivery.get("mapping")),
        }
        found += [
            f"{each.environment.value}.{name}"
            for name, (new, former) in values.items()
            if new != former and words.get(name) == old_words.get(name)
        ]
    return found


def step_words(step: Step) -> str:
    """Return what a step of a mapping does, without the value it puts there."""
    return f"{step.do.value} {step.path}" + (f" to {step.to}" if step.to else "")


def _place_words(row: EnvironmentRow) -> dict[str, Any]:
    return {
        "connection": row.connection_name,
        "path": redact_url(row.path),
        "method": row.method,
        "headers": sorted(row.headers),
        "concurrency": row.concurrency,
        "rate_per_s": row.rate_per_s,
        "timeout_s": row.timeout_s,
        "on_unknown": row.on_unknown,
        "accept_limit_per_minute": row.accept_limit_per_minute,
        **{
            f"delivery.{name}": value
            for name, value in shown_delivery(row.delivery).items()
            if name != "mapping"
        },
        "delivery.mapping": "; ".join(map(step_words, method_from(row.delivery).mapping)),
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
