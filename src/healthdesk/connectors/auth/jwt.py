"""A signed assertion exchanged for a token (RFC 7523): Salesforce's JWT bearer flow, Google's service accounts, and
Okta's service apps, which prove with it who they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import jwt
from jwt.exceptions import PyJWTError

from healthdesk.clock import Clock
from healthdesk.connectors.auth.asking import Asker
from healthdesk.connectors.auth.failures import misconfigured
from healthdesk.connectors.auth.static import fill
from healthdesk.connectors.auth.tokens import Tokens
from healthdesk.connectors.outgoing import NotAuthorized
from healthdesk.connectors.spec.auth import JwtSettings
from healthdesk.errors import ConnectorError

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FROM_KEY_FILE = ("private_key_id", "client_email", "client_id", "project_id", "token_uri")


def key_values(text: str, field: str) -> dict[str, str]:
    """Return the private key and what its file says beside it; ConnectorError when it is none.

    `text` is PEM, or Google's key file: https://developers.google.com/identity/protocols/oauth2/service-account
    """
    if not text.lstrip().startswith("{"):
        return {"private_key": text}
    wrong = ConnectorError(
        "the key file is not one of a service account",
        fix="give the JSON file that Google Cloud made for the service account, whole",
        field=f"credentials.{field}",
    )
    try:
        members = json.loads(text)
    except ValueError:
        raise wrong from None
    private_key = members.get("private_key")
    if not isinstance(private_key, str) or members.get("type", "service_account") != "service_account":
        raise wrong
    told = {name: value for name in _FROM_KEY_FILE if isinstance(value := members.get(name), str)}
    return {"private_key": private_key, **told}


class JwtGrant:
    """Signs an assertion and exchanges it. The claims `iat` and `exp` are the desk's; `aud` is the token URL by default."""

    def __init__(self, asker: Asker, settings: JwtSettings, known: Mapping[str, str], clock: Clock) -> None:
        self._asker = asker
        self._settings = settings
        self._known = known
        self._clock = clock

    def renewable(self, _tokens: Tokens) -> bool:
        """Return True: the key signs another assertion."""
        return True

    async def fetch(self, _before: Tokens | None) -> Tokens:
        """Return new tokens; raises NotAuthorized."""
        settings = self._settings
        key = self._known.get(settings.key, "")
        try:
            values = key_values(key, settings.key)
        except ConnectorError as error:
            raise NotAuthorized(misconfigured(error.what)) from None
        known = {**values, **self._known}
        private_key = values["private_key"]
        url = known.get("token_url") or fill(settings.token_url, known, "token_url")
        assertion = self._signed(known, private_key, url)
        body = urlencode(self._body(assertion))
        answer = await self._asker.form(url, body, headers={}, secrets=(assertion, private_key))
        # An answer that says no lifetime is trusted for as long as the assertion is: it costs little to ask again.
        return self._asker.tokens(answer, None, settings.lifetime_s)

    def _body(self, assertion: str) -> dict[str, str]:
        """Return what is posted: the assertion as the grant, or beside a request for client credentials."""
        if self._settings.grant == "jwt_bearer":
            return {"grant_type": GRANT, "assertion": assertion}
        scope = {"scope": " ".join(self._settings.scopes)} if self._settings.scopes else {}
        return {
            "grant_type": "client_credentials",
            **scope,
            "client_assertion_type": CLIENT_ASSERTION,
            "client_assertion": assertion,
        }

    def _signed(self, known: Mapping[str, str], private_key: str, url: str) -> str:
        settings, now = self._settings, self._clock.now()
        claims: dict[str, Any] = {
            name: fill(template, known, f"the claim {name}") for name, template in settings.claims.items()
        }
        claims = {name: value for name, value in claims.items() if value}
        if settings.scopes and settings.grant == "jwt_bearer":
            claims.setdefault("scope", " ".join(settings.scopes))
        claims.setdefault("aud", url)
        if settings.grant == "client_credentials":
            # Each assertion counts once (RFC 7523, section 3).
            claims.setdefault("jti", str(uuid4()))
        claims |= {"iat": now, "exp": now + timedelta(seconds=settings.lifetime_s)}
        key_id = fill(settings.key_id, known, "the key id") or known.get("private_key_id")
        try:
            return jwt.encode(
                claims, private_key, algorithm=settings.algorithm, headers={"kid": key_id} if key_id else None
            )
        except (PyJWTError, ValueError, TypeError):
            # The library's words may quote the key.
            raise NotAuthorized(
                misconfigured(f"{settings.key} holds no private key that signs {settings.algorithm}")
            ) from None
