"""Promoting: what of testing proved itself is copied to production, credentials excepted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from healthdesk.api.integrations import ChangedIntegration
from healthdesk.api.keys import NewSecret
from healthdesk.api.samples import Promote, Promotion, SettingChange
from healthdesk.domain.activity import Verb
from healthdesk.domain.masking import is_secret_header, redact_headers, redact_url
from healthdesk.domain.states import Environment, IntegrationKind
from healthdesk.errors import Conflict, Malformed, NotFound
from healthdesk.operations.addresses import given_delivery, shown_delivery
from healthdesk.operations.apart import apart_notes, refuse_shared
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.integration_views import changed_view
from healthdesk.operations.integrations import app_of, checked, know_connection
from healthdesk.operations.keys import first_signing_secret
from healthdesk.operations.paths import given_path
from healthdesk.store import integrations as queries
from healthdesk.store.rows import EnvironmentRow, IntegrationRow

COPIED = tuple(name for name in queries.CHANGEABLE if name not in ("connection_id", "delivery"))
"""Columns that are copied, in the order in which they are shown; of `delivery` each part is told by itself."""

BY_APP = ("path", "method", "headers")
BY_APP_OF_DELIVERY = frozenset({"operation", "inputs", "body", "xml_root", "batch", "lookup", "receipt"})
"""What only means something to the app that an environment delivers to: it stays where the two deliver to different ones."""

Apps = dict[Environment, tuple[str, str]]
"""Id and name of what each environment delivers to."""
ENDPOINT = ("", "an HTTP endpoint")

HEADERS_STAY = "secrets belong into the credentials of each environment's own connection"
KEEPS_ITS_OWN = "each environment keeps its own connection, and with it endpoint, account and credentials"


async def promotion(desk: Desk, integration_id: str) -> Promotion:
    """Return what promoting would change, or raise Malformed where there is no testing environment."""
    desk.require("integrations.show")

    def read(conn: Conn) -> Promotion:
        row = queries.get(conn, integration_id)
        return _promotion(row, _apps(desk, conn, row))

    return await desk.read(read)


async def promote(desk: Desk, integration_id: str, confirmed: Promote) -> ChangedIntegration:
    """Copy testing's settings to production, if they still differ as was shown.

    Raises Conflict where they do not, Malformed where production is new and no connection is named, where it is testing's,
    and where production could not deliver so.
    """
    desk.require("integrations.promote")
    now = desk.now()

    def change(conn: Conn) -> tuple[IntegrationRow, list[NewSecret], list[str]]:
        row = queries.get(conn, integration_id)
        shown = _promotion(row, _apps(desk, conn, row))
        if shown.version != confirmed.version:
            raise Conflict(
                "the settings have changed since they were compared",
                fix="Look at the difference again and confirm it.",
            )
        _, production = pair = _pair(row)
        columns = _columns(*pair, _apps(desk, conn, row))
        _refuse_secrets(columns, production)
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
        after = queries.get(conn, integration_id)
        refuse_shared(after, [Environment.PRODUCTION] if confirmed.connection_id is not None else [])
        _refuse_of_another_app(_apps(desk, conn, row), _apps(desk, conn, after))
        notes = checked(desk, conn, after, [Environment.PRODUCTION])
        secrets = (
            [first_signing_secret(desk, conn, integration_id, Environment.PRODUCTION)]
            if production is None
            else []
        )
        detail = {"changed": [each.name for each in shown.changes if each.copied]}
        desk.note(conn, Verb.PROMOTED, "integration", integration_id, row.name, detail)
        return queries.get(conn, integration_id), secrets, notes

    row, secrets, notes = await desk.write(change, ("integration", integration_id))
    await desk.engine.refresh()
    return changed_view(desk, row, secrets, notes)


def _apps(desk: Desk, conn: Conn, row: IntegrationRow) -> Apps:
    """Return through what each environment delivers: the app where that has operations, else any HTTP endpoint."""
    found: Apps = {}
    for each in row.environments:
        app = app_of(desk, conn, each.connection_id)
        operates = app is not None and bool(app.manifest.delivery)
        found[each.environment] = (app.id, app.name) if app is not None and operates else ENDPOINT
    return found


def _refuse_secrets(columns: Mapping[str, Any], production: EnvironmentRow | None) -> None:
    """Raise Malformed where testing's addresses would bring production a secret, which stays in credentials of its own."""
    given_path(columns["path"], production.path if production is not None else "", "testing.path")
    given_delivery(
        columns["delivery"], production.delivery if production is not None else {}, "testing.delivery"
    )


def _refused(columns: Mapping[str, Any], production: EnvironmentRow | None) -> list[str]:
    """Return what to see to before this can be promoted."""
    try:
        _refuse_secrets(columns, production)
    except Malformed as error:
        return [f"Promoting is refused: {error.what}; {error.fix}."]
    return []


def _differ(apps: Apps) -> bool:
    return len(set(apps.values())) > 1


def _refuse_of_another_app(before: Apps, after: Apps) -> None:
    """Raise Malformed for a connection named here whose app takes records otherwise than was compared."""
    was = before.get(Environment.PRODUCTION, before[Environment.TESTING])
    becomes = after[Environment.PRODUCTION]
    if becomes != was:
        raise Malformed(
            f"that connection is of {becomes[1]}, and what was compared is for {was[1]}",
            field="connection_id",
            fix="`healthdesk integrations edit --environment production --connection …` sets production up for it",
        )


def _promotion(row: IntegrationRow, apps: Apps) -> Promotion:
    testing, production = pair = _pair(row)
    columns = _columns(*pair, apps)
    becomes = _settings(columns)
    was = _settings(_as_columns(production)) if production is not None else {}
    wanted = _settings(_as_columns(testing))
    changes = [
        _change(name, becomes, was)
        for name in {**becomes, **was}
        if production is None or becomes.get(name) != was.get(name)
    ]
    why = _of_its_app(apps) if _differ(apps) else HEADERS_STAY
    kept = [
        _change(name, wanted, was).model_copy(update={"copied": False, "why": why})
        for name in {**wanted, **was}
        if production is not None and wanted.get(name) != was.get(name) and becomes.get(name) == was.get(name)
    ]
    if production is not None and testing.connection_id != production.connection_id:
        kept.append(
            SettingChange(
                name="connection",
                testing=testing.connection_name,
                production=production.connection_name,
                copied=False,
                why=KEEPS_ITS_OWN,
            )
        )
    said = json.dumps([becomes, was, wanted, production is None], sort_keys=True)
    return Promotion(
        changes=[*changes, *kept],
        copied=len(changes),
        version=hashlib.sha256(said.encode()).hexdigest()[:16],
        creates=production is None,
        notes=[
            *(apart_notes([testing, production]) if production is not None else []),
            *(
                f"The header {name} of testing holds a secret and is not copied: {HEADERS_STAY}."
                for name in testing.headers
                if is_secret_header(name)
            ),
            *_refused(columns, production),
        ],
    )


def _change(name: str, testing: Mapping[str, Any], production: Mapping[str, Any]) -> SettingChange:
    """Return a setting of both as it is shown."""
    shown = [_shown(name, settings.get(name)) for settings in (testing, production)]
    return SettingChange(name=name, testing=shown[0], production=shown[1])


def _shown(name: str, value: Any) -> Any:
    if name == "path" and value is not None:
        return redact_url(value)
    return shown_delivery({"lookup": value})["lookup"] if name == "delivery.lookup" else value


def _of_its_app(apps: Apps) -> str:
    names = (apps[each][1] for each in (Environment.TESTING, Environment.PRODUCTION))
    return "testing delivers to {}, production to {}, and each takes records in its own way".format(*names)


def _columns(testing: EnvironmentRow, production: EnvironmentRow | None, apps: Apps) -> dict[str, Any]:
    """Return what production's columns become: testing's, but for what only another app knows and headers with secrets."""
    columns = _as_columns(testing)
    own_headers = dict(production.headers) if production is not None else {}
    columns["headers"] = {
        **{name: value for name, value in testing.headers.items() if not is_secret_header(name)},
        **{name: value for name, value in own_headers.items() if is_secret_header(name)},
    }
    if production is None or not _differ(apps):
        return columns
    own = _as_columns(production)
    columns |= {name: own[name] for name in BY_APP}
    columns["delivery"] = {
        **{name: value for name, value in columns["delivery"].items() if name not in BY_APP_OF_DELIVERY},
        **{name: value for name, value in own["delivery"].items() if name in BY_APP_OF_DELIVERY},
    }
    return columns


def _as_columns(row: EnvironmentRow) -> dict[str, Any]:
    columns = {name: getattr(row, name) for name in COPIED}
    return columns | {"headers": dict(row.headers), "delivery": dict(row.delivery)}


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


def _settings(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is copied, by name, as it is shown; what is as by default is left out of `delivery`."""
    settings = {name: columns[name] for name in COPIED}
    settings["headers"] = redact_headers(columns["headers"])
    settings["on_unknown"] = columns["on_unknown"].value
    return settings | {f"delivery.{name}": value for name, value in columns["delivery"].items()}
