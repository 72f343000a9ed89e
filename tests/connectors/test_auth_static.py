"""Credentials that go with each request as they are."""

from __future__ import annotations

import json

import pytest
from tests.connectors.auth_world import app_with, fields

from healthdesk.connectors.auth.build import build_authorizer
from healthdesk.connectors.auth.credentials import StoredCredentials, check_credentials
from healthdesk.connectors.auth.tokens import MemoryTokens, Tokens
from healthdesk.connectors.outgoing import NotAuthorized, Outgoing
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.errors import ConnectorError
from healthdesk.testing.clock import START

GET = Outgoing("GET", "https://api.example.com/me?full=1", {"Accept": "application/json", "x-key": "old"})


def authorizer(app, values, settings=None, *, session, clock):
    return build_authorizer(
        app, "main", values, settings or {}, session=session, clock=clock, tokens=MemoryTokens()
    )


@pytest.fixture
def built(session, clock):
    def build(auth, values, settings=None):
        return authorizer(app_with(auth), values, settings, session=session, clock=clock)

    return build


async def test_a_header_of_the_manifest_replaces_one_of_the_request(built):
    auth = {"headers": {"X-Key": "Key {token}"}, "fields": fields("token", secret=("token",))}
    sent = await built(auth, {"token": "s3cret-t0ken"}).authorize(GET)
    assert sent.headers == {"Accept": "application/json", "X-Key": "Key s3cret-t0ken"}
    assert sent.secret_headers == {"x-key"}
    assert (
        sent.secrets.out_of(b"no s3cret-t0ken here")
        == b"no \xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2 here"
    )


async def test_the_name_of_a_header_can_be_a_field(built):
    auth = {"headers": {"{header_name}": "{token}"}, "fields": fields("header_name", "token")}
    sent = await built(auth, {"header_name": "X-Api", "token": "abc"}).authorize(GET)
    assert sent.headers["X-Api"] == "abc"


async def test_parameters_are_added_to_those_of_the_url_and_encoded(built):
    auth = {"query": {"key": "{key}", "token": "{token}"}, "fields": fields("key", "token")}
    sent = await built(auth, {"key": "a b", "token": "c&d=é"}).authorize(GET)
    assert sent.url == "https://api.example.com/me?full=1&key=a%20b&token=c%26d%3D%C3%A9"
    bare = await built(auth, {"key": "k"}).authorize(Outgoing("GET", "https://api.example.com/"))
    assert bare.url == "https://api.example.com/?key=k"


async def test_the_name_of_a_parameter_can_be_a_field_and_replaces_the_urls_own(built):
    auth = {"query": {"{name}": "{token}"}, "fields": fields("name", "token", secret=("token",))}
    asked = Outgoing("GET", "https://api.example.com/me?code%5B%5D=old&a=b%20c&code[]=older")
    sent = await built(auth, {"name": "code[]", "token": "abc"}).authorize(asked)
    assert sent.url == "https://api.example.com/me?a=b%20c&code%5B%5D=abc"
    assert sent.secret_parameters == {"code[]"}


async def test_user_and_password_are_templates(built):
    auth = {"basic": ["{email}/token", "{token}"], "fields": fields("email", "token", secret=("token",))}
    sent = await built(auth, {"email": "desk@example.com", "token": "abcd"}).authorize(GET)
    assert sent.headers["Authorization"] == "Basic ZGVza0BleGFtcGxlLmNvbS90b2tlbjphYmNk"
    assert b"ZGVza0BleGFtcGxlLmNvbS90b2tlbjphYmNk" not in sent.secrets.out_of(
        b"Basic ZGVza0BleGFtcGxlLmNvbS90b2tlbjphYmNk"
    )


async def test_an_optional_header_without_a_value_is_left_out(built):
    auth = {"headers": {"X-Org": "org {org}"}, "fields": fields("org")}
    assert "X-Org" not in (await built(auth, {}).authorize(GET)).headers


async def test_settings_are_known_too(built):
    auth = {"headers": {"X-Site": "{site}"}}
    assert (await built(auth, {}, {"site": "acme"}).authorize(GET)).headers["X-Site"] == "acme"


async def test_what_is_missing_is_named(built):
    with pytest.raises(NotAuthorized) as caught:
        await built({"headers": {"X-Site": "{site}"}}, {}).authorize(GET)
    failure = caught.value.failure
    assert "the header X-Site needs site" in failure.sentence
    assert (failure.kind, failure.blame) == (ErrorKind.CONFIGURATION, Blame.CONFIGURATION)


async def test_a_line_break_does_not_get_into_a_header(built):
    with pytest.raises(NotAuthorized) as caught:
        await built({"headers": {"X-Site": "{site}"}}, {}, {"site": "a\r\nX-Evil: 1"}).authorize(GET)
    assert "Evil" not in caught.value.failure.sentence


async def test_requests_may_name_what_is_no_secret(built):
    auth = {"headers": {"X-Key": "{token}"}, "fields": fields("org", "token", secret=("token",))}
    assert await built(auth, {"org": "acme", "token": "abc"}).values() == {"org": "acme"}


async def test_a_method_without_anything_sends_nothing(built):
    authorizer = built({"type": "none"}, {})
    assert await authorizer.authorize(GET) == GET
    assert not await authorizer.refused(GET)


def test_an_unknown_method_is_refused_with_those_there_are(session, clock):
    with pytest.raises(ConnectorError, match="no authentication 'other'") as caught:
        build_authorizer(app_with({}), "other", {}, {}, session=session, clock=clock, tokens=MemoryTokens())
    assert caught.value.fix == "one of main"


FIELDS = [
    {"key": "token", "label": "API token", "secret": True, "pattern": "[a-z]{4}", "example": "abcd"},
    {"key": "region", "label": "Region", "options": ["eu", "us"], "default": "eu"},
    {"key": "key_file", "label": "Key file", "secret": True, "multiline": True, "required": False},
]
TOKEN_METHOD = app_with({"headers": {"X-Key": "{token}"}, "fields": FIELDS}).manifest.auth[0]


def test_credentials_are_judged_by_the_fields_of_the_method_and_defaults_filled_in():
    checked = check_credentials(
        StoredCredentials("main", {"token": "abcd", "key_file": "line\nline\n"}), TOKEN_METHOD
    )
    assert checked.values == {"token": "abcd", "region": "eu", "key_file": "line\nline\n"}
    assert checked.secret_of(TOKEN_METHOD) == "abcd"


@pytest.mark.parametrize(
    ("values", "what", "field"),
    [
        ({}, "the API token is missing", "token"),
        ({"token": "abc1"}, "the API token does not look like one", "token"),
        ({"token": "ab\ncd"}, "the API token contains a line break or control character", "token"),
        ({"token": "abcd", "region": "mars"}, "the region is none of those there are", "region"),
        ({"token": "abcd", "key_file": "a\0b"}, "the key file contains a line break or control", "key_file"),
        ({"token": "abcd", "other": "x"}, "Main has no field other", "other"),
    ],
)
def test_what_a_method_cannot_take_is_refused_by_name(values, what, field):
    with pytest.raises(ConnectorError) as caught:
        check_credentials(StoredCredentials("main", values), TOKEN_METHOD)
    assert what in caught.value.what
    assert caught.value.field == f"credentials.{field}"
    assert "abc1" not in caught.value.what


def test_a_value_for_a_header_is_ascii():
    method = app_with({"headers": {"X-Key": "{token}"}, "fields": fields("token")}).manifest.auth[0]
    with pytest.raises(ConnectorError, match="not ASCII"):
        check_credentials(StoredCredentials("main", {"token": "schlüssel"}), method)


def test_fields_and_tokens_are_read_back_as_they_were_kept():
    tokens = Tokens("at", START, refresh_token="rt", expires_at=START, values={"instance_url": "https://x"})
    credentials = StoredCredentials("main", {"client_id": "c", "token": "t"}, tokens=tokens)
    assert StoredCredentials.from_json(credentials.to_json()) == credentials
    assert "at" not in repr(tokens).removeprefix("Tokens(obtained_at=")


def test_an_older_daemon_reads_the_credentials_of_an_http_endpoint():
    kept = StoredCredentials("basic", {"username": "u", "password": "p"}).to_json()
    assert kept == '{"auth": "basic", "username": "u", "password": "p"}'


async def test_a_setting_that_is_not_given_is_what_the_manifest_says(session, clock):
    app = app_with(
        {"headers": {"X-Site": "{site}"}},
        fields=[{"key": "site", "label": "Site", "default": "main", "required": False}],
    )
    for settings in ({}, {"site": ""}):
        sent = await authorizer(app, {}, settings, session=session, clock=clock).authorize(GET)
        assert sent.headers["X-Site"] == "main"


async def test_a_secret_that_the_app_wants_in_a_request_stands_there_only_as_it_is_sent(built):
    auth = {
        "query": {"key": "{key}"},
        "in_requests": ["token"],
        "fields": fields("key", "token", "other", secret=("token", "other")),
    }
    given = built(auth, {"key": "k", "token": 'a/b"c', "other": "0ther-secret"})
    known = await given.values()
    assert set(known) == {"key", "token"}
    assert 'a/b"c' not in known["token"]

    url = f"https://api.example.com/tokens/{known['token']}?fields=end"
    sent = await given.authorize(Outgoing("GET", url))
    assert sent.url == "https://api.example.com/tokens/a%2Fb%22c?fields=end&key=k"
    assert "a%2Fb" not in sent.secrets.out_of_text(sent.url)

    body = f'{{"tokenKey": "{known["token"]}"}}'.encode()
    sent = await given.authorize(Outgoing("POST", "https://api.example.com/", body=body))
    assert json.loads(sent.body) == {"tokenKey": 'a/b"c'}


async def test_a_mark_of_another_connection_is_no_secret(built):
    auth = {"in_requests": ["token"], "fields": fields("token", secret=("token",))}
    first, second = built(auth, {"token": "first-secret"}), built(auth, {"token": "second-secret"})
    foreign = (await first.values())["token"]
    sent = await second.authorize(Outgoing("GET", f"https://api.example.com/{foreign}"))
    assert sent.url.endswith(foreign)
