"""OAuth 2.0 clients: client credentials and refresh (RFC 6749). `code` and `device` get the first tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from oauthlib.oauth2 import BackendApplicationClient, WebApplicationClient

from healthdesk.connectors.auth.asking import Asker
from healthdesk.connectors.auth.failures import not_authorized_yet
from healthdesk.connectors.auth.static import basic, fill
from healthdesk.connectors.auth.tokens import Tokens
from healthdesk.connectors.outgoing import NotAuthorized
from healthdesk.connectors.spec.auth import CLIENT_AUTH, OAuthSettings


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A client as an app knows it, with what templates of the manifest may name: fields and settings."""

    asker: Asker
    oauth: OAuthSettings
    known: Mapping[str, str]

    @property
    def client_id(self) -> str:
        """The field `client_id`."""
        return self.known.get("client_id", "")

    @property
    def client_secret(self) -> str:
        """The field `client_secret`; a public client has none."""
        return self.known.get("client_secret", "")

    @property
    def scope(self) -> str:
        """The scopes to ask for: those of the setting `scopes`, else the manifest's. Raises NotAuthorized."""
        scopes = [fill(each, self.known, "the scopes") for each in self.oauth.scopes]
        return self.known.get("scopes", "") or self.oauth.scope_separator.join(scopes)

    def url(self, name: str) -> str:
        """Return `token_url`, `authorize_url` or `device_url`; the connection's setting wins. Raises NotAuthorized."""
        return self.known.get(name) or fill(getattr(self.oauth, name), self.known, name)

    def parameters(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """Return further parameters with their values."""
        return {name: fill(template, self.known, name) for name, template in parameters.items()}

    @property
    def in_header(self) -> bool:
        """Whether a header says who the client is; else the body does. A public client has no secret for one."""
        chosen = self.known.get(self.oauth.client_auth_field or "", "")
        return CLIENT_AUTH.get(chosen, self.oauth.client_auth) == "basic" and bool(self.client_secret)

    def token_parameters(self) -> dict[str, Any]:
        """Return what a token request says beside its grant, as oauthlib's clients take it."""
        parameters = self.parameters(self.oauth.extra_token)
        if self.in_header:
            return {"include_client_id": False, **parameters}
        return {"include_client_id": True, "client_secret": self.client_secret or None, **parameters}

    def headers(self) -> dict[str, str]:
        """Return the header that says who the client is, where it is not the body that does."""
        if not self.in_header:
            return {}
        # RFC 6749, section 2.3.1: both are encoded as in a form first
        user, password = quote(self.client_id, safe=""), quote(self.client_secret, safe="")
        return {"Authorization": basic(user, password)}

    async def ask(self, body: str, *, before: Tokens | None = None, secrets: tuple[str, ...] = ()) -> Tokens:
        """Post a body that oauthlib made to the token endpoint; raises NotAuthorized."""
        answer = await self.asker.form(
            self.url("token_url"), body, headers=self.headers(), secrets=(self.client_secret, *secrets)
        )
        return self.asker.tokens(answer, before, self.oauth.lifetime_s)


class ClientCredentials:
    """Gets a token with the client's own id and secret (RFC 6749, section 4.4)."""

    def __init__(self, client: OAuthClient) -> None:
        self._client = client

    def renewable(self, _tokens: Tokens) -> bool:
        """Return True: the secret gets a new one."""
        return True

    async def fetch(self, _before: Tokens | None) -> Tokens:
        """Return new tokens; raises NotAuthorized."""
        client = self._client
        body = BackendApplicationClient(client.client_id).prepare_request_body(
            scope=client.scope, **client.token_parameters()
        )
        return await client.ask(body)


class Refresh:
    """Renews what a browser or a device was granted (RFC 6749, section 6)."""

    def __init__(self, client: OAuthClient) -> None:
        self._client = client

    def renewable(self, tokens: Tokens) -> bool:
        """Tell whether there is a refresh token."""
        return bool(tokens.refresh_token)

    async def fetch(self, before: Tokens | None) -> Tokens:
        """Return new tokens, a new refresh token among them where the app rotates it; raises NotAuthorized."""
        client = self._client
        if before is None or not before.refresh_token:
            raise NotAuthorized(not_authorized_yet(client.asker.app.name))
        body = WebApplicationClient(client.client_id).prepare_refresh_body(
            refresh_token=before.refresh_token, client_id=client.client_id, **client.token_parameters()
        )
        return await client.ask(body, before=before, secrets=(before.refresh_token,))
