"""What operators give for a connection, judged by the app's manifest: settings, method, and the method's fields."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.api.apps import AppAuth
from healthdesk.api.connections import Credentials
from healthdesk.connectors.auth import StoredCredentials, check_credentials
from healthdesk.connectors.auth.tokens import Tokens
from healthdesk.connectors.spec import AuthManifest, Manifest
from healthdesk.connectors.urls import check_base_url
from healthdesk.domain.addresses import as_stored
from healthdesk.engine.checker import HTTP_ENDPOINT
from healthdesk.errors import ConnectorError, Malformed
from healthdesk.operations.addresses import ENDPOINTS, refuse_secrets
from healthdesk.operations.inputs import filled, how_to_give, refuse_unknown

_NAMED = ("token", "username", "password", "header_name")
"""Fields that are members of the credentials on the wire, too."""
_NEW: Mapping[str, str] = {}
_KEPT_AS_TYPED = "password"
"""A password may begin or end with a space; whatever else is pasted with one was not meant to."""


def method_of(manifest: Manifest, given: Credentials) -> AuthManifest:
    """Return the method of authentication asked for: the only one there is, where none is named. Raises Malformed."""
    if "auth" not in given.model_fields_set and len(manifest.auth) == 1:
        return manifest.auth[0]
    method = manifest.method(given.auth)
    if method is None:
        known = ", ".join(each.id for each in manifest.auth)
        raise Malformed(
            f"{manifest.name} has no authentication {given.auth!r}",
            field="credentials.auth",
            fix=f"one of {known}; `healthdesk apps {manifest.id}` shows what each asks for",
        )
    return method


def credentials_of(
    manifest: Manifest,
    method: AuthManifest,
    given: Credentials,
    settings: Mapping[str, str],
    tokens: Tokens | None = None,
) -> StoredCredentials:
    """Return credentials that a request can carry.

    A ConnectorError names the field, gives its example, and says where to find what goes into it.
    """
    known = {field.key: field for field in method.fields}
    values = {key: secret.get_secret_value() for key, secret in given.fields.items()}
    for key in _NAMED:
        named = getattr(given, key)
        if named is not None and key in known:
            values[key] = named if isinstance(named, str) else named.get_secret_value()
    values = {key: value if key == _KEPT_AS_TYPED else value.strip() for key, value in values.items()}
    refuse_unknown(values, known, method.name, "credentials.fields")
    try:
        return check_credentials(StoredCredentials(method.id, values, tokens=tokens), method)
    except ConnectorError as error:
        raise _at_its_field(error, manifest, method, given, settings) from error


def settings_of(
    manifest: Manifest, given: Mapping[str, str], stored: Mapping[str, str] = _NEW
) -> dict[str, str]:
    """Return the settings of a connection with defaults filled in; ConnectorError or Malformed names the field.

    An address that is as `stored`, or as that is shown, stays as it is.
    """
    known = {field.key: field for field in manifest.fields}
    values = {key: value.strip() for key, value in given.items() if value.strip()}
    refuse_unknown(values, [*known, *ENDPOINTS], manifest.name, "settings")
    settings = {key: _address(key, values[key], stored.get(key, "")) for key in ENDPOINTS if key in values}
    settings |= filled(manifest.fields, values, "settings")
    return settings


def base_url_of(manifest: Manifest, method: AuthManifest, given: str) -> str:
    """Return the connection's own base URL in its plain form, empty for the app's.

    ConnectorError where it is needed or is none, Malformed for one with a secret in it.
    """
    if given or not (method.base_url or manifest.base_url):
        refuse_secrets(given, "base_url")
        return check_base_url(given)
    return ""


def _address(key: str, given: str, stored: str) -> str:
    text = as_stored(given, stored)
    if stored and text == stored:
        return stored
    refuse_secrets(text, f"settings.{key}")
    try:
        return check_base_url(text)
    except ConnectorError as error:
        raise ConnectorError(error.what, fix=error.fix, field=f"settings.{key}") from error


def _at_its_field(
    error: ConnectorError,
    manifest: Manifest,
    method: AuthManifest,
    given: Credentials,
    settings: Mapping[str, str],
) -> ConnectorError:
    """Return the error with the path the field was given at, and what helps where nothing was given."""
    key = error.field.rpartition(".")[2]
    field = next((each for each in method.fields if each.key == key), None)
    if field is None:
        return error
    fix = error.fix
    if not (given.fields.get(key) or (key in _NAMED and getattr(given, key))):
        where = AppAuth.model_validate(method, from_attributes=True).where_with(settings)
        fix = "; ".join(
            part for part in (how_to_give(field), f"where to find it: {where}" if where else "") if part
        )
    by_name = manifest.id == HTTP_ENDPOINT and key in _NAMED and key not in given.fields
    path = f"credentials.{key}" if by_name else f"credentials.fields.{key}"
    return ConnectorError(error.what, fix=fix, field=path)
