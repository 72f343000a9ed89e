"""What the desk would make of what a file says: defaults filled in, addresses in their plain form.

A file is compared with the desk in this form, so that the same file twice changes nothing. What cannot be right stays as it
is: the operation that is to do it says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from healthdesk.api.integrations import ProofSettings
from healthdesk.connectors.app import App
from healthdesk.connectors.spec import Manifest
from healthdesk.domain.states import Environment, IntegrationKind
from healthdesk.errors import HealthdeskError
from healthdesk.operations.addresses import ENDPOINTS
from healthdesk.operations.connection_fields import base_url_of, settings_of
from healthdesk.operations.desk import Desk
from healthdesk.operations.proof_inputs import wanted_of
from healthdesk.operations.setup_connections import verification_by_default
from healthdesk.operations.setup_document import (
    SetupConnection,
    SetupEnvironment,
    SetupIntegration,
    SetupProof,
    SetupRule,
    SetupSource,
)
from healthdesk.operations.setup_found import (
    Current,
    address_of,
    heartbeat_of,
    lookup_of,
    path_of,
    setting_of,
)
from healthdesk.operations.task_settings import checked

M = TypeVar("M", bound=BaseModel)


Everything = Mapping[tuple[str, str], BaseModel]
"""What there will be, by kind and key: of the file, and of the desk where the file says nothing."""


def as_kept(desk: Desk, item: M, there: BaseModel | None, found: Current, everything: Everything) -> M:
    """Return an item as the desk would keep it beside what is there; which fields were given stays the same."""
    try:
        changes = _changes(desk, item, there, found, everything)
    except HealthdeskError:
        return item
    given = {name: value for name, value in changes.items() if name in item.model_fields_set}
    return item.model_copy(update=given)


def _changes(
    desk: Desk, item: BaseModel, there: BaseModel | None, found: Current, everything: Everything
) -> dict[str, Any]:
    if isinstance(item, SetupConnection):
        was = there if isinstance(there, SetupConnection) else None
        return _of_connection(desk, item, was, found)
    if isinstance(item, SetupSource):
        levels = list(dict.fromkeys(item.levels))
        silence = sorted(item.silence, key=lambda each: (each.integration, each.environment.value))
        return {"levels": levels, "enabled": sorted(set(item.enabled)), "silence": silence}
    if isinstance(item, SetupRule):
        return {
            "environments": list(dict.fromkeys(item.environments)),
            "channels": sorted(set(item.channels)),
        }
    if isinstance(item, SetupIntegration) and item.kind is IntegrationKind.TASKS:
        admin = everything.get(("connections", item.connection))
        app = _app(desk, admin.app) if isinstance(admin, SetupConnection) else None
        if app is not None and item.tasks is not None:
            return {"app": app.id, "tasks": checked(app.manifest, item.tasks)}
    if isinstance(item, SetupIntegration):
        places = {Environment.PRODUCTION: item.production, Environment.TESTING: item.testing}
        return {
            environment.value: _of_place(place, item.name, environment, found)
            for environment, place in places.items()
            if place is not None
        }
    if isinstance(item, SetupProof):
        return _of_proof(desk, item, there, everything)
    return {}


def _of_place(
    place: SetupEnvironment, integration: str, environment: Environment, found: Current
) -> SetupEnvironment:
    """Return an environment with its addresses as what is there is shown; which fields were given stays the same."""
    changes: dict[str, Any] = {}
    if "path" in place.model_fields_set:
        changes["path"] = found.kept(place.path, path_of(integration, environment))
    if (
        "delivery" in place.model_fields_set
        and place.delivery is not None
        and place.delivery.lookup is not None
    ):
        path = found.kept(place.delivery.lookup.path, lookup_of(integration, environment))
        lookup = place.delivery.lookup.model_copy(update={"path": path})
        changes["delivery"] = place.delivery.model_copy(update={"lookup": lookup})
    return place.model_copy(update=changes)


def _of_proof(
    desk: Desk, item: SetupProof, there: BaseModel | None, everything: Everything
) -> dict[str, Any]:
    integration = everything.get(("integrations", item.integration))
    if not isinstance(integration, SetupIntegration):
        return {}
    usual_s = (integration.proof or ProofSettings()).every_s
    changes: dict[str, Any] = {"every_s": None if item.every_s == usual_s else item.every_s}
    app = _app(desk, integration.app)
    if app is not None:
        known = there.fields if isinstance(there, SetupProof) and there.dataset == item.dataset else {}
        changes["fields"] = wanted_of(app, item.dataset, {**known, **item.fields}).fields
    return changes


def _of_connection(
    desk: Desk, item: SetupConnection, there: SetupConnection | None, found: Current
) -> dict[str, Any]:
    owner = found.owners.get(found.ids.get("connections", {}).get(item.name, ""), desk.operator.user)
    changes: dict[str, Any] = {
        "members": {user: grant for user, grant in item.members.items() if user != owner},
        "fields": {**(there.fields if there is not None else {}), **_stripped(item.fields)},
    }
    if (
        there is not None and there.verification is None
    ):  # written out, it is still what the app's callbacks have
        by_default = verification_by_default(desk, item.app)
        changes["verification"] = None if item.verification == by_default else item.verification
    if item.heartbeat is not None:
        path = found.kept(item.heartbeat.path, heartbeat_of(item.name))
        changes["heartbeat"] = item.heartbeat.model_copy(update={"path": path})
    app = _app(desk, item.app)
    if app is not None:
        there_settings = there.settings if there is not None else {}
        settings = {
            key: found.kept(text, setting_of(item.name, key)) if key in ENDPOINTS else text
            for key, text in item.settings.items()
        }
        changes["settings"] = settings_of(app.manifest, {**there_settings, **settings}, there_settings)
        changes["base_url"] = found.kept(_base_url(app.manifest, item), address_of(item.name))
    return changes


def _base_url(manifest: Manifest, item: SetupConnection) -> str:
    try:
        return base_url_of(manifest, manifest.method(item.auth) or manifest.auth[0], item.base_url)
    except HealthdeskError:
        return item.base_url


def _app(desk: Desk, app_id: str) -> App | None:
    return desk.ctx.apps.get(app_id) if app_id in desk.ctx.apps else None


def _stripped(values: Mapping[str, str]) -> dict[str, str]:
    return {key: value.strip() for key, value in values.items()}
