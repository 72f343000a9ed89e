"""Query parameters of lists."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from healthdesk.api.callbacks import CallbackFilter
from healthdesk.api.instances import InstanceFilter
from healthdesk.api.records import RecordFilter
from healthdesk.errors import ClientError

Params = list[tuple[str, str]]


def seg(text: str) -> str:
    """Return `text` as one segment of a path, whatever is in it."""
    if text in {"", ".", ".."}:
        raise ClientError(f"{text!r} is not an id")
    return quote(text, safe="")


def paging(after: str | None, limit: int, direction: str | None = None) -> Params:
    """Return the parameters of a page."""
    params = [("limit", str(limit))]
    if after is not None:
        params.append(("after", after))
    if direction is not None:
        params.append(("direction", direction))
    return params


def optional(**values: str | datetime | None) -> Params:
    """Return the parameters that have a value."""
    params = []
    for name, value in values.items():
        if value is not None:
            params.append((name, value.isoformat() if isinstance(value, datetime) else str(value)))
    return params


_PLAIN = (
    "integration_id",
    "environment",
    "source",
    "problem_id",
    "job_id",
    "arrived_from",
    "arrived_to",
    "completed_from",
    "completed_to",
    "first_attempt_from",
    "first_attempt_to",
    "last_attempt_from",
    "last_attempt_to",
)
_REPEATED = {
    "state": "states",
    "level": "levels",
    "status": "statuses",
    "error_kind": "error_kinds",
    "hold_reason": "hold_reasons",
}


def record_filter(chosen: RecordFilter) -> Params:
    """Return the log's filter as parameters; lists repeat, and each `lookup` is `field=value`."""
    params = optional(
        **{name: getattr(chosen, name) for name in _PLAIN},
        sample=None if chosen.sample is None else str(chosen.sample).lower(),
        text=chosen.text or None,
    )
    for name, field in _REPEATED.items():
        params += [(name, str(each)) for each in getattr(chosen, field)]
    params += [("lookup", f"{name}={value}") for name, value in chosen.lookup.items()]
    return params


def callback_filter(chosen: CallbackFilter) -> Params:
    """Return a filter of callbacks as parameters; `state` repeats."""
    params = optional(
        connection_id=chosen.connection_id,
        integration_id=chosen.integration_id,
        arrived_from=chosen.arrived_from,
        arrived_to=chosen.arrived_to,
    )
    params += [("state", state.value) for state in chosen.states]
    return params


def instance_filter(chosen: InstanceFilter) -> Params:
    """Return a filter of instances as parameters; `state`, `connection_id` and `integration_id` repeat."""
    params = optional(
        kind=chosen.kind,
        blocked=None if chosen.blocked is None else str(chosen.blocked).lower(),
        label_id=chosen.label_id,
        template_id=chosen.template_id,
        problem_id=chosen.problem_id,
        owner=chosen.owner,
        text=chosen.text,
    )
    for name in ("state", "connection_id", "integration_id"):
        params += [(name, each) for each in getattr(chosen, name)]
    return params
