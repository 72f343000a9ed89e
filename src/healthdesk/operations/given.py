"""The credentials that an operator gave: by fields, or by an authorization that was granted in a browser."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from healthdesk.api.apps import BY_BROWSER
from healthdesk.api.connections import ConnectionCreate, Credentials, CredentialsUpdate
from healthdesk.connectors.app import App
from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.client_certificates import check_certificate
from healthdesk.connectors.spec import AuthManifest
from healthdesk.errors import Conflict, Malformed
from healthdesk.operations import authorizations
from healthdesk.operations.connection_fields import credentials_of, method_of
from healthdesk.operations.desk import Desk
from healthdesk.operations.secrets import opened
from healthdesk.store.rows import ConnectionSecretRow


async def given_credentials(
    desk: Desk,
    app: App,
    given: ConnectionCreate | CredentialsUpdate,
    settings: Mapping[str, str],
    before: ConnectionSecretRow | None = None,
) -> tuple[AuthManifest, StoredCredentials]:
    """Return the method and the credentials that were given: by fields, or by an authorization that was granted.

    What is not secret stays as it was `before` with the same method: a user name need not be given with each password.
    """
    if given.authorization is not None:
        granted = await authorizations.take(desk, given.authorization, app)
        return method_of(app.manifest, Credentials(auth=granted.auth)), granted
    method = method_of(app.manifest, given.credentials)
    if method.type in BY_BROWSER:
        raise Malformed(
            f"{method.name} of {app.name} needs an authorization",
            field="authorization",
            fix="begin one (POST /v1/authorizations), grant it in a browser, and give its id",
        )
    fields = {**_open_fields(desk, method, before), **given.credentials.fields}
    whole = given.credentials.model_copy(update={"fields": fields})
    credentials = credentials_of(app.manifest, method, whole, settings)
    check_certificate(method, credentials.values, desk.now())
    return method, credentials


def _open_fields(
    desk: Desk, method: AuthManifest, before: ConnectionSecretRow | None
) -> dict[str, SecretStr]:
    """Return the fields of a connection's credentials that are not secret; none of another method."""
    if before is None or before.auth != method.id:
        return {}
    try:
        values = opened(desk, before).values
    except Conflict:
        return {}
    return {
        field.key: SecretStr(values[field.key])
        for field in method.fields
        if not field.secret and field.key in values
    }
