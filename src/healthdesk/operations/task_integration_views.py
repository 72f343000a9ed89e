"""Integrations of kinds tasks and proof as operators see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from healthdesk.api.instances import InstanceTotals as TotalsView
from healthdesk.api.integrations import (
    Integration,
    ProofSettings,
    TaskSettings,
)
from healthdesk.domain.states import IntegrationKind
from healthdesk.operations.accounts import app_name
from healthdesk.operations.desk import Conn, Desk
from healthdesk.store import app_integrations as queries
from healthdesk.store import instances
from healthdesk.store.app_integrations import Admin
from healthdesk.store.rows import IntegrationRow
from healthdesk.store.rows_instances import InstanceTotals


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside integrations where they are shown: admin connections by id, totals by integration."""

    admins: Mapping[str, Admin]
    totals: Mapping[str, InstanceTotals]


def beside(conn: Conn, rows: Sequence[IntegrationRow]) -> Beside:
    """Return what stands beside integrations of kinds tasks and proof."""
    ours = [row for row in rows if row.kind is not IntegrationKind.DELIVERY]
    if not ours:
        return Beside({}, {})
    admins = queries.admins(conn, (row.connection_id for row in ours if row.connection_id))
    totals: dict[str, InstanceTotals] = {}
    for (_, integration_id, _), each in instances.totals_by(conn).items():
        totals[integration_id] = _sum(totals.get(integration_id, InstanceTotals()), each)
    return Beside(admins, totals)


def view(desk: Desk, row: IntegrationRow, around: Beside) -> Integration:
    """Return an integration of kind tasks or proof as operators see it."""
    admin = around.admins.get(row.connection_id or "")
    totals = around.totals.get(row.id, InstanceTotals())
    tasks = row.kind is IntegrationKind.TASKS
    return Integration(
        id=row.id,
        kind=row.kind,
        name=row.name,
        app=row.app,
        app_name=app_name(desk, row.app),
        connection_id=row.connection_id if admin is not None else None,
        connection_name=admin.name if admin is not None else "",
        admin=admin.owner if admin is not None else "",
        state=row.state,
        tasks=TaskSettings.model_validate(row.settings) if tasks else None,
        proof=None if tasks else ProofSettings.model_validate(row.settings),
        totals=TotalsView.model_validate(totals, from_attributes=True),
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _sum(one: InstanceTotals, other: InstanceTotals) -> InstanceTotals:
    return replace(
        one, **{name: getattr(one, name) + getattr(other, name) for name in InstanceTotals.__slots__}
    )
