"""Asking an app through a connection before something is saved, and what to tell where it says no."""

from __future__ import annotations

from dataclasses import dataclass

from healthdesk.api.connections import UNCHECKED_HINT
from healthdesk.connectors.app import App
from healthdesk.connectors.connector import Connector
from healthdesk.connectors.results import TaskStatus
from healthdesk.connectors.spec import FieldManifest
from healthdesk.domain.exchange import Failure
from healthdesk.domain.health import REACHABILITY_KINDS
from healthdesk.domain.states import Blame
from healthdesk.domain.task_sync import Abilities
from healthdesk.engine.apps import connector_of
from healthdesk.errors import ConnectorError, RequestError, TrialImpossible, TrialRefused
from healthdesk.operations.desk import Desk
from healthdesk.operations.explain import sentence
from healthdesk.operations.secrets import opened
from healthdesk.store.rows import ConnectionSecretRow


@dataclass(frozen=True, slots=True)
class Offered:
    """What an app offers for tasks in a container."""

    statuses: list[TaskStatus]
    fields: list[FieldManifest]
    """Further ones that a creation wants."""
    only_these: bool
    """Whether a creation takes no others."""
    abilities: Abilities


async def saved_connector(desk: Desk, row: ConnectionSecretRow) -> Connector:
    """Return the connector of a saved connection; Conflict where its credentials cannot be read."""
    return await connector_of(desk.ctx, row, opened(desk, row))


async def offered(
    desk: Desk, row: ConnectionSecretRow, container: dict[str, str], *, saving: bool
) -> Offered:
    """Ask the app what it offers for tasks in a container, and whether the account may create them there.

    TrialRefused and TrialImpossible tell what the app said; `saving` says that nothing was saved then.
    """
    app = desk.ctx.apps.get(row.app)
    connector = await saved_connector(desk, row)
    probed = await connector.probe_tasks(container)
    if probed is not None and probed.failure is not None:
        raise refusal(app, probed.failure, field="tasks.container", saving=saving)
    statuses = await connector.statuses(container)
    if statuses.failure is not None:
        raise refusal(app, statuses.failure, field="tasks.container", saving=saving)
    try:
        fields = await connector.task_fields(container)
    except ConnectorError as error:
        at = f"tasks.container.{error.field}" if error.field in container else "tasks.container"
        raise ConnectorError(error.what, fix=error.fix, field=at) from error
    if fields.failure is not None:
        raise refusal(app, fields.failure, field="tasks.container", saving=saving)
    only_these = type(connector).task_fields is Connector.task_fields
    return Offered(statuses.statuses, fields.fields, only_these, connector.abilities(container))


def refusal(app: App, failure: Failure, *, field: str = "", saving: bool = True) -> RequestError:
    """Return what to tell of an app that was asked first: what it said, whose fault it is, and what to do."""
    said = f"{app.name} was asked first: {sentence(failure.sentence)}"
    if saving:
        said += " Nothing was saved."
    hint = UNCHECKED_HINT if saving else ""
    fix = f"{sentence(failure.next_action)} {hint}".strip()
    unreachable = failure.kind in REACHABILITY_KINDS
    if unreachable or failure.blame in (Blame.THEM, Blame.US):
        return TrialImpossible(said, blame=failure.blame, kind=failure.kind, fix=fix)
    at = "" if failure.blame is Blame.CREDENTIAL else field
    return TrialRefused(said, blame=failure.blame, kind=failure.kind, fix=fix, field=at)
