"""A desk with connections to fake apps, for tests of task integrations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.connectors.apps.fake import FakeApp
from tests.integration.http_desk import HttpDesk

from healthdesk.domain.states import Role
from healthdesk.operations.desk import Operator


@contextmanager
def acting(desk: HttpDesk, user: str, role: Role = Role.MANAGER) -> Iterator[None]:
    """Let somebody else ask."""
    before, desk.operator = desk.operator, Operator(user, role)
    try:
        yield
    finally:
        desk.operator = before


async def connect(desk: HttpDesk, app: FakeApp, name: str, **more: Any) -> dict[str, Any]:
    """Add a connection to a fake app, owned by whoever asks."""
    secrets = {key: value for key, value in app.credentials.items() if key not in app.connection_settings()}
    settings = {key: value for key, value in app.credentials.items() if key not in secrets}
    method = _fields_of(desk, app)
    fields = {key: value for key, value in secrets.items() if key in method}
    settings |= {key: value for key, value in secrets.items() if key not in method}
    body = {
        "app": app.app_id,
        "name": name,
        "base_url": app.url,
        "settings": {**app.connection_settings(), **settings},
        "credentials": {"auth": app.auth, "fields": fields},
        **more,
    }
    made: dict[str, Any] = await desk.ok("POST", "/v1/connections", body)
    return made


def _fields_of(desk: HttpDesk, app: FakeApp) -> set[str]:
    method = desk.engine.ctx.apps.get(app.app_id).manifest.method(app.auth)
    assert method is not None
    return {field.key for field in method.fields}


async def integrate(
    desk: HttpDesk, app: FakeApp, connection_id: str, name: str = "Tasks there", **tasks: Any
) -> dict[str, Any]:
    """Add a task integration of an app, in the fake's own container."""
    body = {
        "kind": "tasks",
        "name": name,
        "connection_id": connection_id,
        "tasks": {"container": dict(app.container), **tasks},
    }
    made: dict[str, Any] = await desk.ok("POST", "/v1/integrations", body)
    return made


async def told(desk: HttpDesk) -> list[tuple[str, str, dict[str, Any]]]:
    """Return (verb, kind, detail) of the activity log, oldest first."""
    page = await desk.ok("GET", "/v1/activity?limit=500")
    return [(each["verb"], each["object_kind"], each["detail"]) for each in reversed(page["items"])]
