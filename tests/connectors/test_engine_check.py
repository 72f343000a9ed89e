"""Heartbeats by a manifest: who we are, and whose fault it is when we are not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.connectors.engine import TOKEN, StaticAuth, connector

from healthdesk.connectors.outgoing import NotAuthorized
from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.identity import Identity
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.testing import reply

ME = """
[[heartbeat]]
request = { path = "/user" }
[heartbeat.identity]
account_id = "id"
account = "login"
site = "org.name"
scopes = { header = "X-OAuth-Scopes" }
expires = { header = "GitHub-Authentication-Token-Expiration" }
"""


async def test_a_healthy_answer_says_who_we_are(session, clock, endpoint):
    endpoint.answer(
        200,
        json={"id": 42, "login": "ada\n", "org": {"name": "Acme Ltd"}},
        headers={
            "X-OAuth-Scopes": "repo, read:org,repo",
            "GitHub-Authentication-Token-Expiration": "2026-12-31 23:59:59 UTC",
        },
    )
    outcome = await connector(ME, session, clock, endpoint.url + "/api/").check()
    assert outcome.failure is None
    assert outcome.identity == Identity(
        "42", "ada", "Acme Ltd", ("repo", "read:org"), datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    )
    [seen] = endpoint.requests
    assert (seen.method, seen.path, seen.body) == ("GET", "/api/user", b"")
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["accept"] == "application/json"
    assert "content-type" not in seen.headers
    assert TOKEN not in repr(outcome)


@pytest.mark.parametrize(
    ("body", "headers", "says"),
    [
        (b"<!doctype html><title>Sign in</title>", {"Content-Type": "text/html; charset=utf-8"}, "a web page (text/html)"),
        (b"<html>", {"Content-Type": "application/json"}, "a web page"),
        (b'{"id": 1}', {"Content-Type": "text/html"}, "a web page (text/html) instead of JSON"),
        (b'{"id": 1}', {"Content-Type": "text/plain"}, "text/plain instead of JSON"),
        (b"{", {"Content-Type": "application/json"}, "something that is not JSON"),
        (b'{"id": "\xff"}', {"Content-Type": "application/json"}, "text that is not UTF-8"),
        (b"", {}, "an empty answer"),
        (b"{}", {}, "without an account"),
        (b'{"id": null}', {}, "without an account"),
        (b'{"id": ""}', {}, "without an account"),
        (b'{"id": []}', {}, "without an account"),
        (b'{"id": NaN}', {}, "not JSON"),
    ],
)  # fmt: skip
async def test_a_200_that_is_broken_is_not_health(session, clock, endpoint, body, headers, says):
    endpoint.answer(200, body=body, headers=headers)
    outcome = await connector(ME, session, clock, endpoint.url).check()
    assert outcome.identity is None
    assert (outcome.failure.kind, outcome.failure.blame) == (ErrorKind.UNEXPECTED_ANSWER, Blame.THEM)
    assert outcome.failure.sentence.startswith("Acme answered 200 with")
    assert says in outcome.failure.sentence


@pytest.mark.parametrize(
    ("status", "kind", "blame", "sentence"),
    [
        (401, ErrorKind.AUTHENTICATION, Blame.CREDENTIAL, "Acme refused the credential (401 Unauthorized): Bad token"),
        (403, ErrorKind.PERMISSION, Blame.PERMISSION, "The account lacks a permission at Acme (403 Forbidden): Bad token"),
        (404, ErrorKind.NOT_FOUND, Blame.CONFIGURATION, "Acme does not know what was asked for (404 Not Found): Bad token"),
        (302, ErrorKind.REDIRECT, Blame.CONFIGURATION, "Acme redirects, and redirects are not followed (302 Found): Bad token"),
        (400, ErrorKind.UNEXPECTED_ANSWER, Blame.CONFIGURATION, "Acme refused the request that shows whether it is well (400 Bad Request): Bad token"),
        (500, ErrorKind.SERVER_ERROR, Blame.THEM, "Acme failed (500 Internal Server Error): Bad token"),
    ],
)  # fmt: skip
async def test_without_a_rule_the_status_decides(session, clock, endpoint, status, kind, blame, sentence):
    endpoint.answer(status, json={"message": "Bad token"})
    failure = (await connector(ME, session, clock, endpoint.url).check()).failure
    assert (failure.kind, failure.blame, failure.sentence) == (kind, blame, sentence)
    assert "Bad token" not in failure.safe_sentence
    assert "endpoint" not in failure.next_action


async def test_no_answer_is_a_failure_without_a_status(session, clock, refused_port):
    outcome = await connector(ME, session, clock, f"http://127.0.0.1:{refused_port}").check()
    assert (outcome.failure.kind, outcome.exchange.status) == (ErrorKind.CONNECTION_REFUSED, None)
    assert outcome.failure.safe_sentence == "Acme's host refused the connection"
    assert "whoever runs Acme" in outcome.failure.next_action


async def test_a_setting_that_is_missing_is_named(session, clock):
    check = connector(
        ME, session, clock, "", head='base_url = "https://{site}.acme.example"\n' + HEAD_OF_ACME
    ).check()
    outcome = await check
    assert (outcome.failure.kind, outcome.failure.field) == (ErrorKind.CONFIGURATION, "site")
    assert outcome.failure.sentence == "Site is missing, and the base URL needs it"
    assert outcome.exchange.status is None


HEAD_OF_ACME = """
id = "acme"
name = "Acme"
[[auth]]
id = "token"
name = "Token"
"""

ALSO = """
[[heartbeat]]
request = { path = "/me" }
[heartbeat.identity]
account_id = "gid"
[[heartbeat.also]]
request = { path = "/tokens/{account_id}" }
expires = { path = "expires_at" }
scopes = { path = "scopes" }
site = "site"
"""


async def test_a_further_request_tells_the_rest(session, clock, endpoint):
    endpoint.on_path("/me", reply(200, json={"gid": "a/b"}))
    endpoint.on_path(
        "/tokens/a%2Fb", reply(200, json={"expires_at": "2026-12-31", "scopes": ["api"], "site": "x"})
    )
    outcome = await connector(ALSO, session, clock, endpoint.url).check()
    assert outcome.identity == Identity("a/b", "", "x", ("api",), datetime(2026, 12, 31, tzinfo=UTC))


@pytest.mark.parametrize("required", [False, True])
async def test_a_further_request_that_fails_counts_only_where_it_is_required(
    session, clock, endpoint, required
):
    endpoint.on_path("/me", reply(200, json={"gid": "7"}))
    endpoint.on_path("/tokens/7", reply(403))
    text = ALSO + ("required = true\n" if required else "")
    outcome = await connector(text, session, clock, endpoint.url).check()
    if required:
        assert outcome.identity is None
        assert outcome.failure.kind is ErrorKind.PERMISSION
        assert outcome.exchange.url.endswith("/tokens/7")
    else:
        assert outcome.failure is None
        assert outcome.identity == Identity("7")


async def test_a_token_that_can_be_renewed_is_tried_once_more(session, clock, endpoint):
    auth = StaticAuth(renewed="tok-9876543210-renewed")
    endpoint.script(reply(401), reply(200, json={"id": 1}))
    outcome = await connector(ME, session, clock, endpoint.url, auth=auth).check()
    assert outcome.ok
    assert [each.headers["authorization"] for each in endpoint.requests] == [
        f"Bearer {TOKEN}",
        "Bearer tok-9876543210-renewed",
    ]


async def test_a_renewed_token_that_is_refused_too_is_told_of(session, clock, endpoint):
    auth = StaticAuth(renewed="tok-9876543210-renewed")
    endpoint.answer(401)
    outcome = await connector(ME, session, clock, endpoint.url, auth=auth).check()
    assert outcome.failure.kind is ErrorKind.AUTHENTICATION
    assert len(endpoint.requests) == 2


async def test_without_a_token_nothing_is_sent(session, clock, endpoint):
    refused = Failure(
        ErrorKind.SERVER_ERROR, Blame.THEM, False, "The token endpoint failed", "It failed", "Wait", Sent.YES
    )
    outcome = await connector(
        ME, session, clock, endpoint.url, auth=StaticAuth(refuses=NotAuthorized(refused))
    ).check()
    assert outcome.failure is refused
    assert outcome.exchange.status is None
    assert endpoint.requests == []


async def test_a_credential_that_is_repeated_is_nowhere_in_what_is_kept(session, clock, endpoint):
    key = "key-abcdefgh-0123"
    endpoint.answer(403, json={"message": f"token {TOKEN} of {key} may not"}, headers={"X-Echo": TOKEN})
    outcome = await connector(ME, session, clock, endpoint.url, auth=StaticAuth(query={"appid": key})).check()
    assert f"appid={key}" in endpoint.requests[0].path
    kept = repr(outcome)
    assert TOKEN not in kept
    assert key not in kept
    assert "may not" in outcome.failure.sentence
