"""Promoting: what of testing proved itself is copied to production, credentials excepted."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from healthdesk.api.integrations import ChangedIntegration
from healthdesk.api.keys import NewSecret
from healthdesk.api.samples import Promote, Promotion, SettingChange
from healthdesk.domain.activity import Verb
from healthdesk.domain.states import Environment, IntegrationKind
from healthdesk.errors import Conflict, Malformed, NotFound
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.integration_views import changed_view
from healthdesk.operations.integrations import know_connection
from healthdesk.operations.keys import first_signing_secret
from healthdesk.store import integrations as queries
from healthdesk.store.rows import EnvironmentRow, IntegrationRow

COPIED = tuple(name for name in queries.CHANGEABLE if name not in ("connection_id", "delivery"))
"""Columns that are copied, in the order in which they are shown; of `delivery` each part is told by itself."""

KEEPS_ITS_OWN = "each environment keeps its own connection, and with it endpoint, account and credentials"


async def promotion(desk: Desk, integration_id: str) -> Promotion:
    """Return what promoting would change, or raise Malformed where there is no testing environment."""
    desk.require("integrations.show")
    return _promotion(await desk.read(queries.get, integration_id))


async def promote(desk: Desk, integration_id: str, confirmed: Promote) -> ChangedIntegration:
    """Copy testing's settings to production, if they still differ as was shown.

    Raises Conflict where they do not, Malformed where production is new and no connection is named.
    """
    desk.require("integrations.promote")
    now = desk.now()

    def change(conn: Conn) -> tuple[IntegrationRow, list[NewSecret]]:
        row = queries.get(conn, integration_id)
        shown = _promotion(row)
        if shown.version != confirmed.version:
            raise Conflict(
                "the settings have changed since they were compared",
                fix="Look at the difference again and confirm it.",
            )
        testing, production = _pair(row)
        columns = {name: getattr(testing, name) for name in (*COPIED, "delivery")}
        columns |= {"headers": dict(testing.headers), "delivery": dict(testing.delivery)}
        if confirmed.connection_id is not None:
            columns["connection_id"] = confirmed.connection_id
            know_connection(desk, conn, Environment.PRODUCTION, columns)
        elif production is None:
            raise Malformed(
                "production does not exist yet and needs a connection of its own",
                field="connection_id",
                fix="name one: `--connection` of `healthdesk integrations promote`, or `connection_id`",
            )
        queries.put_environment(conn, integration_id, Environment.PRODUCTION, columns, now)
        secrets = (
            [first_signing_secret(desk, conn, integration_id, Environment.PRODUCTION)]
            if production is None
            else []
        )
        detail = {"changed": [each.name for each in shown.changes if each.copied]}
        desk.note(conn, Verb.PROMOTED, "integration", integration_id, row.name, detail)
        return queries.get(conn, integration_id), secrets

    row, secrets = await desk.write(change, ("integration", integration_id))
    await desk.engine.refresh()
    return changed_view(desk, row, secrets)


def _promotion(row: IntegrationRow) -> Promotion:
    testing, production = _pair(row)
    ours = _settings(testing)
    theirs = _settings(production) if production is not None else {}
    changes = [
        SettingChange(name=name, testing=ours.get(name), production=theirs.get(name))
        for name in {**ours, **theirs}
        if production is None or ours.get(name) != theirs.get(name)
    ]
    stays = (
        []
        if production is None or testing.connection_id == production.connection_id
        else [
            SettingChange(
                name="connection",
                testing=testing.connection_name,
                production=production.connection_name,
                copied=False,
                why=KEEPS_ITS_OWN,
            )
        ]
    )
    said = json.dumps([ours, theirs, production is None], sort_keys=True)
    return Promotion(
        changes=[*changes, *stays],
        copied=len(changes),
        version=hashlib.sha256(said.encode()).hexdigest()[:16],
        creates=production is None,
    )


def _pair(row: IntegrationRow) -> tuple[EnvironmentRow, EnvironmentRow | None]:
    """Return the testing environment and, where there is one, production."""
    if row.kind is not IntegrationKind.DELIVERY:
        raise Malformed(f"{row.name} delivers nothing: it has no environments")
    by_environment = {each.environment: each for each in row.environments}
    if Environment.TESTING not in by_environment:
        raise NotFound(
            f"{row.name} has no testing environment",
            fix=f"`healthdesk integrations edit {row.id} --environment testing --connection …` makes one",
        )
    return by_environment[Environment.TESTING], by_environment.get(Environment.PRODUCTION)


def _settings(row: EnvironmentRow) -> dict[str, Any]:
    """Return what is copied, by name, as it is shown; what is as by default is left out of `delivery`."""
    settings = {name: getattr(row, name) for name in COPIED}
    settings["on_unknown"] = row.on_unknown.value
    settings["headers"] = dict(row.headers)
    return settings | {f"delivery.{name}": value for name, value in row.delivery.items()}
