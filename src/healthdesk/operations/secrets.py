"""Secrets as operators hand them in and as the desk makes them: encrypted at once, shown once."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from pydantic import SecretStr

from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.spec import AuthManifest
from healthdesk.errors import Conflict, ConnectorError, VaultError
from healthdesk.operations.desk import Desk
from healthdesk.store.rows import ConnectionSecretRow
from healthdesk.vault import hint

KEY_PREFIX = "hdk_"
_RANDOM_BYTES = 32


def hash_key(text: str) -> bytes:
    """Return the hash a bearer key is kept and looked up by: equal work for every key, right or wrong."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def new_bearer_key(desk: Desk) -> str:
    """Return a new bearer key, 256 random bits."""
    raw = base64.urlsafe_b64encode(desk.ctx.random_bytes(_RANDOM_BYTES)).rstrip(b"=")
    return KEY_PREFIX + raw.decode("ascii")


def plain(secret: SecretStr | None) -> str:
    """Return a secret in clear, or an empty string."""
    return secret.get_secret_value().strip() if secret is not None else ""


def opened(desk: Desk, row: ConnectionSecretRow) -> StoredCredentials:
    """Return a connection's credentials; Conflict when they cannot be read."""
    return open_text(desk, row.credentials_enc, row.auth, row.name)


def open_text(desk: Desk, encrypted: str, auth: str, name: str) -> StoredCredentials:
    """Return credentials out of what is stored of them; Conflict when they cannot be read."""
    if not encrypted:
        return StoredCredentials(auth)
    try:
        return StoredCredentials.from_json(desk.ctx.vault.decrypt(encrypted))
    except (VaultError, ConnectorError) as error:
        raise Conflict(f"the credentials of {name} cannot be read: {error}", fix=error.fix) from error


def sealed(desk: Desk, credentials: StoredCredentials) -> str:
    """Return credentials as they are stored; none are an empty text."""
    if not credentials.values and credentials.tokens is None:
        return ""
    return desk.ctx.vault.encrypt(credentials.to_json())


def credential_columns(desk: Desk, method: AuthManifest, credentials: StoredCredentials) -> dict[str, Any]:
    """Return the columns of a connection's credentials."""
    secret = credentials.secret_of(method)
    return {
        "auth": credentials.auth,
        "credentials_enc": sealed(desk, credentials),
        "credential_hint": hint(secret) if secret else "",
    }
