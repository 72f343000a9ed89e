"""From a connection's credentials to what authorizes its requests."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.clock import Clock
from healthdesk.connectors.app import App
from healthdesk.connectors.auth.static import StaticAuthorizer
from healthdesk.connectors.auth.tokens import TokenStore
from healthdesk.connectors.outgoing import Authorizer
from healthdesk.connectors.session import GuardedSession
from healthdesk.errors import ConnectorError


def build_authorizer(
    app: App,
    auth_id: str,
    values: Mapping[str, str],
    settings: Mapping[str, str],
    *,
    session: GuardedSession,  # noqa: ARG001 - for the methods that get tokens
    clock: Clock,  # noqa: ARG001 - for the methods that get tokens
    tokens: TokenStore,  # noqa: ARG001 - for the methods that get tokens
) -> Authorizer:
    """Return what authorizes requests with one method of the app; ConnectorError when there is no such method.

    `values` are the fields of the method, `settings` those of the connection. Nothing is sent yet.
    """
    method = app.manifest.method(auth_id)
    if method is None:
        known = ", ".join(each.id for each in app.manifest.auth)
        raise ConnectorError(
            f"{app.manifest.name} has no authentication {auth_id!r}",
            fix=f"one of {known}",
            field="credentials.auth",
        )
    return StaticAuthorizer(method, values, settings)
