"""Assertions signed for service accounts, verified with the public key."""

from __future__ import annotations

import json
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.connectors.auth_world import app_with, fields, form_of

from healthdesk.connectors.auth.build import build_authorizer
from healthdesk.connectors.auth.tokens import MemoryTokens
from healthdesk.connectors.outgoing import NotAuthorized, Outgoing
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.testing import reply

GET = Outgoing("GET", "https://api.example.com/me")
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def pem(key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


SALESFORCE = {
    "type": "jwt_grant",
    "fields": fields("client_id", "username", "private_key", secret=("private_key",)),
    "jwt": {
        "token_url": "{login}/services/oauth2/token",
        "key": "private_key",
        "claims": {"iss": "{client_id}", "sub": "{username}", "aud": "https://login.salesforce.com"},
        "lifetime_s": 180,
    },
}
GOOGLE = {
    "type": "jwt_grant",
    "fields": fields("key_file", "subject", secret=("key_file",)),
    "jwt": {
        "token_url": "{token_uri}",
        "key": "key_file",
        "claims": {"iss": "{client_email}", "sub": "{subject}"},
        "scopes": ["https://www.googleapis.com/auth/a", "https://www.googleapis.com/auth/b"],
        "lifetime_s": 3600,
    },
}


def key_file(endpoint, **changes) -> str:
    members = {
        "type": "service_account",
        "private_key": pem(RSA),
        "private_key_id": "key-1",
        "client_email": "desk@project.iam.gserviceaccount.com",
        "token_uri": f"{endpoint.url}/token",
    }
    return json.dumps({**members, **changes})


@pytest.fixture
def built(session, clock, endpoint):
    def build(auth, values):
        return build_authorizer(
            app_with(auth),
            "main",
            values,
            {"login": endpoint.url},
            session=session,
            clock=clock,
            tokens=MemoryTokens(),
        )

    return build


def claims_of(assertion, key, audience, algorithm="RS256"):
    """Verify the signature; the time is the test's, not the host's."""
    return jwt.decode(
        assertion,
        key.public_key(),
        algorithms=[algorithm],
        audience=audience,
        options={"verify_exp": False, "verify_iat": False},
    )


async def test_salesforce_gets_the_claims_of_the_manifest_signed(built, endpoint, clock):
    # https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm
    endpoint.answer(200, json={"access_token": "00D-token", "instance_url": "https://acme.my.salesforce.com"})
    values = {"client_id": "3MVG9", "username": "desk@acme.example", "private_key": pem(RSA)}
    authorizer = built(SALESFORCE, values)
    assert (await authorizer.values())["instance_url"] == "https://acme.my.salesforce.com"
    assert (await authorizer.authorize(GET)).headers["Authorization"] == "Bearer 00D-token"
    request = endpoint.requests[0]
    assert request.path == "/services/oauth2/token"
    form = form_of(request)
    assert form["grant_type"] == GRANT
    now = int(clock.now().timestamp())
    assert claims_of(form["assertion"], RSA, "https://login.salesforce.com") == {
        "iss": "3MVG9",
        "sub": "desk@acme.example",
        "aud": "https://login.salesforce.com",
        "iat": now,
        "exp": now + 180,
    }
    # The answer said no lifetime, so another is asked for when the assertion is over.
    clock.advance(180)
    await authorizer.authorize(GET)
    assert len(endpoint.requests) == 2


async def test_google_takes_everything_from_the_key_file(built, endpoint):
    # https://developers.google.com/identity/protocols/oauth2/service-account#httprest
    endpoint.answer(200, json={"access_token": "ya29-token", "expires_in": 3599})
    authorizer = built(GOOGLE, {"key_file": key_file(endpoint), "subject": "admin@acme.example"})
    await authorizer.authorize(GET)
    assertion = form_of(endpoint.requests[0])["assertion"]
    assert jwt.get_unverified_header(assertion) == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
    claims = claims_of(assertion, RSA, f"{endpoint.url}/token")
    assert claims["iss"] == "desk@project.iam.gserviceaccount.com"
    assert claims["sub"] == "admin@acme.example"
    assert claims["scope"] == "https://www.googleapis.com/auth/a https://www.googleapis.com/auth/b"
    assert claims["exp"] - claims["iat"] == 3600


async def test_a_claim_without_a_value_is_left_out(built, endpoint):
    endpoint.answer(200, json={"access_token": "t"})
    await built(GOOGLE, {"key_file": key_file(endpoint)}).authorize(GET)
    assertion = form_of(endpoint.requests[0])["assertion"]
    assert "sub" not in claims_of(assertion, RSA, f"{endpoint.url}/token")


async def test_an_elliptic_key_signs_es256(built, endpoint):
    endpoint.answer(200, json={"access_token": "t"})
    auth = {**SALESFORCE, "jwt": {**SALESFORCE["jwt"], "algorithm": "ES256"}}
    await built(auth, {"client_id": "c", "username": "u", "private_key": pem(EC)}).authorize(GET)
    assertion = form_of(endpoint.requests[0])["assertion"]
    assert claims_of(assertion, EC, "https://login.salesforce.com", "ES256")["iss"] == "c"


@pytest.mark.parametrize(
    ("auth", "field", "key"),
    [
        (SALESFORCE, "private_key", "no key"),
        (SALESFORCE, "private_key", pem(EC)),
        (GOOGLE, "key_file", '{"type": "authorized_user", "private_key": "x"}'),
        (GOOGLE, "key_file", "{broken"),
        (GOOGLE, "key_file", '{"type": "service_account", "private_key": "not-a-private-key"}'),
    ],
    # Not the keys themselves: every worker makes its own, and all have to name the tests alike.
    ids=["no key", "another kind of key", "a key file of a person", "no JSON", "a key file without a key"],
)
async def test_a_key_that_is_none_is_our_configuration_and_is_not_quoted(built, endpoint, auth, field, key):
    values = {"client_id": "c", "username": "u", "subject": "s", field: key}
    with pytest.raises(NotAuthorized) as caught:
        await built({**auth, "jwt": {**auth["jwt"], "token_url": endpoint.url}}, values).authorize(GET)
    failure = caught.value.failure
    assert failure.kind is ErrorKind.CONFIGURATION
    assert failure.blame in (Blame.CONFIGURATION, Blame.CREDENTIAL)
    assert "PRIVATE" not in failure.sentence
    assert "not-a-private-key" not in failure.sentence
    assert endpoint.requests == []


async def test_the_assertion_is_not_kept_when_the_answer_repeats_it(built, endpoint):
    seen = {}

    class Echo:
        before_reading = False

        async def act(self, visit):
            seen["assertion"] = form_of(visit.request)["assertion"]
            body = {"error": "invalid_grant", "error_description": f"bad {seen['assertion']}"}
            return await reply(400, json=body).act(visit)

    endpoint.behave(Echo())
    with pytest.raises(NotAuthorized) as caught:
        await built(GOOGLE, {"key_file": key_file(endpoint)}).authorize(GET)
    assert seen["assertion"].encode() not in caught.value.exchange.response_body
    assert caught.value.failure.kind is ErrorKind.AUTHENTICATION


async def test_iat_and_exp_follow_the_clock_of_the_desk(built, endpoint, clock):
    endpoint.answer(200, json={"access_token": "t"})
    clock.advance(timedelta(days=400).total_seconds())
    await built(GOOGLE, {"key_file": key_file(endpoint)}).authorize(GET)
    claims = claims_of(form_of(endpoint.requests[0])["assertion"], RSA, f"{endpoint.url}/token")
    assert claims["iat"] == int(clock.now().timestamp())


async def test_an_assertion_can_say_who_asks_for_client_credentials(built, endpoint):
    # https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/
    endpoint.answer(200, json={"access_token": "t", "expires_in": 60})
    okta = {
        "type": "jwt_grant",
        "fields": fields("client_id", "key_id", "private_key", secret=("private_key",)),
        "jwt": {
            "token_url": "{login}/oauth2/v1/token",
            "key": "private_key",
            "key_id": "{key_id}",
            "grant": "client_credentials",
            "claims": {"iss": "{client_id}", "sub": "{client_id}"},
            "scopes": ["okta.users.read", "okta.groups.read"],
        },
    }
    authorizer = built(okta, {"client_id": "0oa1", "key_id": "k1", "private_key": pem(RSA)})
    await authorizer.authorize(GET)
    form = form_of(endpoint.requests[0])
    assertion = form.pop("client_assertion")
    assert form == {
        "grant_type": "client_credentials",
        "scope": "okta.users.read okta.groups.read",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert jwt.get_unverified_header(assertion)["kid"] == "k1"
    claims = claims_of(assertion, RSA, f"{endpoint.url}/oauth2/v1/token")
    assert (claims["iss"], claims["sub"]) == ("0oa1", "0oa1")
    assert claims["jti"]
    assert "scope" not in claims
