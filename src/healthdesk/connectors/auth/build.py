"""From a connection's credentials to what authorizes its requests."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.clock import Clock
from healthdesk.connectors.app import App
from healthdesk.connectors.auth.asking import Asker
from healthdesk.connectors.auth.bearing import Bearing, Grant, TokenAuthorizer
from healthdesk.connectors.auth.jwt import JwtGrant
from healthdesk.connectors.auth.oauth import ClientCredentials, OAuthClient, Refresh
from healthdesk.connectors.auth.static import StaticAuthorizer
from healthdesk.connectors.auth.tokens import TokenStore
from healthdesk.connectors.client_certificates import certificate_of
from healthdesk.connectors.outgoing import Authorizer
from healthdesk.connectors.session import GuardedSession
from healthdesk.connectors.spec import AuthManifest
from healthdesk.errors import ConnectorError


def method_of(app: App, auth_id: str) -> AuthManifest:
    """Return one of an app's methods; a ConnectorError names those there are."""
    method = app.manifest.method(auth_id)
    if method is None:
        known = ", ".join(each.id for each in app.manifest.auth)
        raise ConnectorError(
            f"{app.name} has no authentication {auth_id!r}", fix=f"one of {known}", field="credentials.auth"
        )
    return method


def oauth_client(
    app: App,
    auth_id: str,
    values: Mapping[str, str],
    settings: Mapping[str, str],
    *,
    session: GuardedSession,
    clock: Clock,
) -> OAuthClient:
    """Return the OAuth client of a method that an operator authorizes; ConnectorError when the method is none."""
    method = method_of(app, auth_id)
    if method.oauth is None or method.type not in ("oauth2_code", "oauth2_device"):
        raise ConnectorError(
            f"{method.name} of {app.name} needs no authorization",
            fix="give its fields as credentials",
            field="auth",
        )
    return OAuthClient(
        Asker(app, session, clock), method.oauth, _known(method, values, _with_defaults(app, settings))
    )


def _with_defaults(app: App, settings: Mapping[str, str]) -> dict[str, str]:
    defaults = {field.key: field.default for field in app.manifest.fields if field.default}
    return {**defaults, **{name: value for name, value in settings.items() if value}}


def _known(method: AuthManifest, values: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """Return what templates of the method may name; settings win over fields."""
    return {**{field.key: field.default for field in method.fields}, **values, **settings}


def build_authorizer(
    app: App,
    auth_id: str,
    values: Mapping[str, str],
    settings: Mapping[str, str],
    *,
    session: GuardedSession,
    clock: Clock,
    tokens: TokenStore,
) -> Authorizer:
    """Return what authorizes requests with one method of the app; ConnectorError when there is no such method.

    `values` are the fields of the method, `settings` those of the connection. Nothing is sent yet.
    """
    method = method_of(app, auth_id)
    settings = _with_defaults(app, settings)
    known = _known(method, values, settings)
    asker = Asker(app, session, clock, certificate_of(method, values))
    if method.aws is not None:
        from healthdesk.connectors.auth.aws import AssumeRole, AwsAuthorizer  # botocore, for few desks

        role = (
            Bearing(AssumeRole(asker, method.aws, known, clock), tokens, clock)
            if known.get("role_arn")
            else None
        )
        return AwsAuthorizer(method, method.aws, values, settings, clock, role)
    grant: Grant
    if method.jwt is not None:
        grant = JwtGrant(asker, method.jwt, known, clock)
    elif method.oauth is not None:
        client = OAuthClient(asker, method.oauth, known)
        grant = ClientCredentials(client) if method.type == "oauth2_client_credentials" else Refresh(client)
    else:
        return StaticAuthorizer(method, values, settings)
    return TokenAuthorizer(method, values, settings, Bearing(grant, tokens, clock))
