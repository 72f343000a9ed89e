"""Integrations of kind delivery as operators see them."""

from __future__ import annotations

from collections.abc import Sequence

from healthdesk.api.delivery import DeliveryMethod
from healthdesk.api.flow import Circuit
from healthdesk.api.integrations import (
    ChangedIntegration,
    EnvironmentView,
    Integration,
)
from healthdesk.api.keys import NewSecret
from healthdesk.connectors.urls import join_url
from healthdesk.domain.masking import redact_headers, redact_url
from healthdesk.operations.addresses import shown_delivery
from healthdesk.operations.desk import Desk
from healthdesk.operations.receipts import receipts_url
from healthdesk.store.rows import EnvironmentRow, IntegrationRow


def view(desk: Desk, row: IntegrationRow) -> Integration:
    """Return a delivery integration as operators see it."""
    public = desk.ctx.config.server.public_url.rstrip("/")
    return Integration(
        id=row.id,
        kind=row.kind,
        name=row.name,
        environments=[environment_view(desk, each) for each in row.environments],
        sources=row.sources,
        records_url=f"{public}/v1/records/{row.id}",
        receipts_url=receipts_url(public, row.id),
        created_at=row.created_at,
        created_by=row.created_by,
    )


def environment_view(desk: Desk, row: EnvironmentRow) -> EnvironmentView:
    """Return one environment as operators see it."""
    delivery = desk.ctx.config.delivery
    return EnvironmentView(
        environment=row.environment,
        connection_id=row.connection_id,
        connection_name=row.connection_name,
        endpoint=redact_url(join_url(row.base_url, row.path)),
        path=redact_url(row.path),
        method=row.method,
        headers=redact_headers(row.headers),
        concurrency=row.concurrency or delivery.concurrency,
        rate_per_s=row.rate_per_s,
        timeout_s=row.timeout_s or delivery.timeout_s,
        on_unknown=row.on_unknown,
        accept_limit_per_minute=row.accept_limit_per_minute,
        delivery=DeliveryMethod.model_validate(shown_delivery(row.delivery)),
        circuit=Circuit(
            state=row.circuit,
            since=row.circuit_at,
            next_probe_at=row.circuit_probe_at,
            step=row.circuit_step,
            reason=row.circuit_reason,
        ),
        state=row.state,
        hold_reason=desk.engine.hold_state(row.integration_id, row.environment),
        key_hint=row.key_hint,
        key_created_at=row.key_created_at,
        signing_secret_hint=row.signing_secret_hint,
        receipt_secret_hint=row.receipt_secret_hint,
        totals=dict(row.totals),
    )


def changed_view(
    desk: Desk, row: IntegrationRow, secrets: list[NewSecret], notes: Sequence[str] = ()
) -> ChangedIntegration:
    """Return an integration as a change left it, with the secrets it made and what to see to."""
    shown = view(desk, row).model_copy(update={"notes": list(notes)})
    return ChangedIntegration(**shown.model_dump(), new_signing_secrets=secrets)
