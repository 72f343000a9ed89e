"""The device authorization grant (RFC 8628): a code that is entered in a browser anywhere, and polling until it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from oauthlib.oauth2 import DeviceClient

from healthdesk.connectors.auth.asking import TokenAnswer, seconds_of
from healthdesk.connectors.auth.failures import unexpected
from healthdesk.connectors.auth.oauth import OAuthClient
from healthdesk.connectors.auth.tokens import Tokens
from healthdesk.connectors.outgoing import NotAuthorized

INTERVAL_S = 5.0
"""Between polls where the app names no interval; and what slow_down adds to it (RFC 8628, section 3.5)."""
LIFETIME_S = 900.0
MOST_INTERVAL_S = 60.0


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """What the operator enters where, and the secret `device_code` that is polled with."""

    url: str
    user_code: str
    device_code: str
    interval_s: float
    lifetime_s: float


@dataclass(frozen=True, slots=True)
class NotYet:
    """Nobody has entered the code: ask again after `interval_s`."""

    interval_s: float


async def begin(client: OAuthClient) -> DeviceRequest:
    """Ask for a code; raises NotAuthorized."""
    parameters = {"client_id": client.client_id, "scope": client.scope}
    body = urlencode({name: value for name, value in parameters.items() if value})
    answer = await client.asker.form(
        client.url("device_url"), body, headers=client.headers(), secrets=(client.client_secret,)
    )
    told = answer.members
    user_code, device_code = _text(told, "user_code"), _text(told, "device_code")
    # Google names it verification_url, as an early draft did.
    url = _text(told, "verification_uri") or _text(told, "verification_url")
    if not (user_code and device_code and url.startswith(("https://", "http://"))):
        raise _no_code(client, answer)
    return DeviceRequest(
        url=url,
        user_code=user_code,
        device_code=device_code,
        interval_s=min(seconds_of(told.get("interval")) or INTERVAL_S, MOST_INTERVAL_S),
        lifetime_s=min(seconds_of(told.get("expires_in")) or LIFETIME_S, 2 * LIFETIME_S),
    )


async def poll(client: OAuthClient, device_code: str, interval_s: float) -> Tokens | NotYet:
    """Ask once whether the code was entered; raises NotAuthorized when it was refused or has expired."""
    body = DeviceClient(client.client_id).prepare_request_body(device_code, **client.token_parameters())
    try:
        return await client.ask(body, secrets=(device_code,))
    except NotAuthorized as error:
        if error.code == "authorization_pending":
            return NotYet(interval_s)
        if error.code == "slow_down":
            return NotYet(min(interval_s + INTERVAL_S, MOST_INTERVAL_S))
        if not error.failure.permanent:
            # A poll that got no answer says nothing of the grant (RFC 8628, section 3.5: wait longer).
            return NotYet(min(2 * interval_s, MOST_INTERVAL_S))
        raise


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _no_code(client: OAuthClient, answer: TokenAnswer) -> NotAuthorized:
    app = client.asker.app.name
    return NotAuthorized(
        unexpected(app, answer.exchange, "an answer that holds no device code"), answer.exchange
    )
