"""The authorization code grant with PKCE (RFC 6749, section 4.1; RFC 7636): a browser somewhere, and back to the desk."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass

from oauthlib.common import add_params_to_uri
from oauthlib.oauth2 import WebApplicationClient

from healthdesk.connectors.auth.failures import grant_refused
from healthdesk.connectors.auth.oauth import OAuthClient
from healthdesk.connectors.auth.tokens import Tokens
from healthdesk.connectors.outgoing import NotAuthorized

STATE_BYTES = 32
VERIFIER_BYTES = 48


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """Where a browser has to go, and what has to be known when it comes back. `verifier` and `state` are secret."""

    url: str
    state: str
    verifier: str
    redirect_uri: str


def begin(client: OAuthClient, redirect_uri: str, random: bytes) -> CodeRequest:
    """Return the request for a code, from STATE_BYTES + VERIFIER_BYTES random bytes; raises NotAuthorized."""
    state = _text(random[:STATE_BYTES])
    verifier = _text(random[STATE_BYTES : STATE_BYTES + VERIFIER_BYTES]) if client.oauth.pkce else ""
    parameters = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "scope": client.scope,
        "state": state,
    }
    if verifier:
        challenge = WebApplicationClient(client.client_id).create_code_challenge(verifier, "S256")
        parameters |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    parameters |= client.parameters(client.oauth.extra_authorize)
    # Not oauthlib's own request: that refuses http, which servers on the desk's own network may speak.
    url = add_params_to_uri(client.url("authorize_url"), [each for each in parameters.items() if each[1]])
    return CodeRequest(url, state, verifier, redirect_uri)


async def redeem(client: OAuthClient, code: str, verifier: str, redirect_uri: str) -> Tokens:
    """Exchange the code for tokens; raises NotAuthorized."""
    body = WebApplicationClient(client.client_id).prepare_request_body(
        code=code, redirect_uri=redirect_uri, code_verifier=verifier or None, **client.token_parameters()
    )
    return await client.ask(body, secrets=(code, verifier))


def denied(client: OAuthClient, code: str, description: str) -> NotAuthorized:
    """Return what it means that the browser came back with an error instead of a code."""
    return NotAuthorized(grant_refused(client.asker.app.name, code, description))


def _text(random: bytes) -> str:
    return urlsafe_b64encode(random).rstrip(b"=").decode("ascii")
