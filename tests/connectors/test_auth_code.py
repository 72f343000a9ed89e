"""Authorization in a browser: what is asked for, with state and PKCE, and what comes back."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
from oauthlib.oauth2 import WebApplicationClient
from tests.connectors.auth_world import app_with, fields, form_of

from healthdesk.connectors.auth import code, device
from healthdesk.connectors.auth.build import oauth_client
from healthdesk.connectors.outgoing import NotAuthorized
from healthdesk.domain.states import ErrorKind
from healthdesk.errors import ConnectorError
from healthdesk.testing import reply

CLIENT = {"client_id": "desk", "client_secret": "c1ient-s3cret"}
REDIRECT = "https://desk.example.com/v1/oauth/callback"
RANDOM = bytes(range(code.STATE_BYTES + code.VERIFIER_BYTES))


@pytest.fixture
def client(session, clock, endpoint):
    def build(type_="oauth2_code", values=CLIENT, **oauth):
        method = {
            "type": type_,
            "fields": fields("client_id", "client_secret", secret=("client_secret",)),
            "oauth": {
                "authorize_url": f"{endpoint.url}/authorize?tenant=1",
                "token_url": f"{endpoint.url}/token",
                "device_url": f"{endpoint.url}/device",
                **oauth,
            },
        }
        return oauth_client(app_with(method), "main", values, {}, session=session, clock=clock)

    return build


def query_of(url):
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


def test_the_url_asks_for_a_code_with_state_and_the_challenge_of_the_verifier(client):
    begun = code.begin(
        client(scopes=["a", "b"], extra_authorize={"access_type": "offline"}), REDIRECT, RANDOM
    )
    asked = query_of(begun.url)
    digest = hashlib.sha256(begun.verifier.encode()).digest()
    assert asked == {
        "tenant": "1",
        "response_type": "code",
        "client_id": "desk",
        "redirect_uri": REDIRECT,
        "scope": "a b",
        "state": begun.state,
        # RFC 7636, section 4.2
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "access_type": "offline",
    }
    assert 43 <= len(begun.verifier) <= 128
    assert begun.verifier not in begun.url
    assert "c1ient-s3cret" not in begun.url


def test_the_state_is_what_oauthlib_expects_back(client):
    begun = code.begin(client(), REDIRECT, RANDOM)
    back = f"{REDIRECT}?code=abc&state={begun.state}"
    assert WebApplicationClient("desk").parse_request_uri_response(back, begun.state)["code"] == "abc"


def test_a_server_that_does_not_know_pkce_is_not_sent_it(client):
    begun = code.begin(client(pkce=False), REDIRECT, RANDOM)
    assert begun.verifier == ""
    assert "code_challenge" not in begun.url


async def test_the_code_is_exchanged_with_the_verifier(client, endpoint):
    endpoint.answer(200, json={"access_token": "at", "refresh_token": "rt", "expires_in": 60})
    tokens = await code.redeem(client(), "the-code", "the-verifier", REDIRECT)
    assert (tokens.access_token, tokens.refresh_token) == ("at", "rt")
    assert form_of(endpoint.requests[0]) == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "code_verifier": "the-verifier",
        "redirect_uri": REDIRECT,
        **CLIENT,
    }


async def test_a_code_that_is_refused_says_so_without_it(client, endpoint):
    endpoint.answer(400, json={"error": "invalid_grant", "error_description": "the-code was used before"})
    with pytest.raises(NotAuthorized) as caught:
        await code.redeem(client(), "the-code", "the-verifier", REDIRECT)
    assert caught.value.failure.kind is ErrorKind.AUTHENTICATION
    assert "the-code" not in caught.value.failure.sentence


def test_a_method_that_needs_no_browser_is_refused(session, clock):
    with pytest.raises(ConnectorError, match="needs no authorization"):
        oauth_client(app_with({}), "main", {}, {}, session=session, clock=clock)


CODE = {
    "device_code": "dev1ce-c0de",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://github.com/login/device",
    "expires_in": 900,
    "interval": 7,
}


async def test_a_device_code_is_asked_for_and_shown(client, endpoint):
    # https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps#device-flow
    endpoint.answer(200, json=CODE)
    begun = await device.begin(client("oauth2_device", scopes=["repo"]))
    assert (begun.url, begun.user_code) == ("https://github.com/login/device", "WDJB-MJHT")
    assert (begun.interval_s, begun.lifetime_s) == (7, 900)
    assert endpoint.requests[0].path == "/device"
    assert form_of(endpoint.requests[0]) == {"client_id": "desk", "scope": "repo"}


@pytest.mark.parametrize(
    "changes", [{"user_code": ""}, {"verification_uri": "javascript:alert(1)"}, {"device_code": 7}]
)
async def test_an_answer_without_a_device_code_is_unexpected(client, endpoint, changes):
    endpoint.answer(200, json={**CODE, **changes})
    with pytest.raises(NotAuthorized) as caught:
        await device.begin(client("oauth2_device"))
    assert caught.value.failure.kind is ErrorKind.UNEXPECTED_ANSWER
    assert b"dev1ce-c0de" not in caught.value.exchange.response_body


@pytest.mark.parametrize(
    ("answer", "interval_s"),
    [
        (reply(400, json={"error": "authorization_pending"}), 5),
        (reply(200, json={"error": "authorization_pending"}), 5),
        (reply(400, json={"error": "slow_down"}), 10),
        (reply(503), 10),
    ],
)
async def test_polling_goes_on_as_slowly_as_the_app_asks(client, endpoint, answer, interval_s):
    endpoint.behave(answer)
    assert await device.poll(client("oauth2_device"), "dev1ce-c0de", 5) == device.NotYet(interval_s)
    assert form_of(endpoint.requests[0]) == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": "dev1ce-c0de",
        **CLIENT,
    }


async def test_polling_ends_with_tokens_or_a_refusal(client, endpoint):
    endpoint.script(reply(200, json={"access_token": "at"}), reply(400, json={"error": "expired_token"}))
    public = client("oauth2_device", {"client_id": "desk"})
    assert (await device.poll(public, "dev1ce-c0de", 5)).access_token == "at"
    assert "client_secret" not in form_of(endpoint.requests[0])
    with pytest.raises(NotAuthorized) as caught:
        await device.poll(public, "dev1ce-c0de", 5)
    assert "the code has expired" in caught.value.failure.sentence
