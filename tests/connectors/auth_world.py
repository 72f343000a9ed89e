"""Apps of a few lines, and a token endpoint that rotates refresh tokens as strict ones do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from healthdesk.connectors.app import App
from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.auth.build import build_authorizer
from healthdesk.connectors.auth.tokens import MemoryTokens
from healthdesk.connectors.outgoing import Authorizer
from healthdesk.connectors.registry import Registry
from healthdesk.connectors.session import GuardedSession
from healthdesk.connectors.spec import Manifest
from healthdesk.testing import FakeClock, SeenRequest


def app_with(auth: Mapping[str, Any], **more: Any) -> App:
    """Return an app with one method of authentication, `main`."""
    method = {"id": "main", "name": "Main", **auth}
    manifest = {"id": "testapp", "name": "Test App", "auth": [method], **more}
    return App(Manifest.model_validate(manifest), Path(__file__).parent)


def fields(*keys: str, secret: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return fields of these names; those in `secret` are."""
    return [{"key": key, "label": key, "secret": key in secret, "required": False} for key in keys]


def form_of(request: SeenRequest) -> dict[str, str]:
    """Return the form that a request posted."""
    return dict(parse_qsl(request.body.decode(), strict_parsing=True, keep_blank_values=True))


def endpoint_authorizer(session: GuardedSession, credentials: StoredCredentials) -> Authorizer:
    """Return what authorizes requests to an HTTP endpoint."""
    return build_authorizer(
        Registry.builtin().get("http-endpoint"),
        credentials.auth,
        credentials.values,
        {},
        session=session,
        clock=FakeClock(),
        tokens=MemoryTokens(),
    )
