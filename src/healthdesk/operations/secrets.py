"""Secrets as operators hand them in and as the desk makes them: encrypted at once, shown once."""

from __future__ import annotations

import base64
import hashlib

from pydantic import SecretStr

from healthdesk.api.connections import Credentials
from healthdesk.connectors.auth import StoredCredentials, check_credentials
from healthdesk.errors import Malformed
from healthdesk.operations.desk import Desk

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


def stored_credentials(given: Credentials) -> StoredCredentials:
    """Return credentials that a request can carry; ConnectorError says what is missing."""
    auth = given.auth
    if auth not in ("none", "bearer", "basic", "header"):
        raise Malformed(
            f"there is no authentication {auth!r}",
            field="credentials.auth",
            fix="none, bearer, basic or header",
        )
    return check_credentials(
        StoredCredentials(
            auth=auth,
            token=plain(given.token) if auth in ("bearer", "header") else "",
            username=(given.username or "") if auth == "basic" else "",
            # A password may begin or end with a space.
            password=given.password.get_secret_value() if auth == "basic" and given.password else "",
            header_name=(given.header_name or "") if auth == "header" else "",
        )
    )
