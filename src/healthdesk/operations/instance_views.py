"""Tasks, proof syncs and their runs as operators see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from healthdesk.api.instances import FieldChange, Instance, Run
from healthdesk.domain.instance_words import FIELD_LABELS, instance_word, outcome_word
from healthdesk.operations.accounts import app_name
from healthdesk.operations.desk import Desk
from healthdesk.operations.explain_instances import explain_instance, not_now
from healthdesk.operations.refusals import refused_of
from healthdesk.store.instance_context import Around
from healthdesk.store.rows_instances import InstanceRow, RunRow

MOST_SHOWN = 1_000
"""Characters of a value in a change; a description may have 32,000."""


def instance_view(desk: Desk, row: InstanceRow, around: Around) -> Instance:
    """Return an instance with its names, why it is as it is, and what cannot be done with it."""
    task = around.tasks.get(row.id)
    connection = around.connections.get(row.connection_id or "")
    called = app_name(desk, row.app)
    refused = not_now(row, task, connection, paused=row.integration_id in around.paused)
    refused |= refused_of(desk, desk.standing_of(row, connection), connection)
    return Instance(
        id=row.id,
        kind=row.kind,
        name=row.name,
        integration_id=row.integration_id,
        integration_name=around.integrations.get(row.integration_id, ""),
        app=row.app,
        app_name=called,
        connection_id=connection.id if connection is not None else None,
        connection_name=connection.name if connection is not None else "",
        owner=row.owner,
        template_id=row.template_id,
        template_name=around.templates.get(row.template_id or "", ""),
        label_id=row.label_id,
        label_name=around.labels.get(row.label_id or "", ""),
        state=row.state,
        state_word=instance_word(row.state, task.link if task is not None else None),
        blocked=row.blocked,
        running=row.running,
        error_kind=row.error_kind,
        error=row.error,
        blame=row.blame,
        next_action=row.next_action,
        status=row.status,
        problem_id=row.problem_id,
        link=task.link if task is not None else None,
        external_key=task.external_key if task is not None else "",
        external_url=task.external_url if task is not None else "",
        every_s=row.every_s,
        last_checked=row.last_checked,
        last_succeeded=row.last_succeeded,
        next_at=None if row.running else row.next_at,
        explanation=explain_instance(row, called, connection, task),
        refused=refused,
    )


def run_view(row: RunRow) -> Run:
    """Return a run with what it did to each field."""
    return Run(
        id=row.id,
        instance_id=row.instance_id,
        outcome=row.outcome,
        outcome_word=outcome_word(row.outcome),
        trigger=row.trigger,
        triggered_by=row.triggered_by,
        started_at=row.started_at,
        finished_at=row.finished_at,
        duration_ms=row.duration_ms,
        status=row.status,
        error_kind=row.error_kind,
        blame=row.blame,
        error=row.error,
        next_action=row.next_action,
        changes=[change_view(each) for each in row.detail.get("changes", ())],
        content_hash=row.content_hash,
        rows=row.rows,
        cut=row.cut,
    )


def change_view(change: Mapping[str, Any]) -> FieldChange:
    """Return what was done to one field, from the detail of a run."""
    field = str(change.get("field", ""))
    values = {name: str(change.get(name) or "")[:MOST_SHOWN] for name in ("before", "after", "lost")}
    return FieldChange(
        field=field,
        label=FIELD_LABELS.get(field, field),
        taken="ours" if change.get("taken") == "ours" else "theirs",
        **values,
    )
