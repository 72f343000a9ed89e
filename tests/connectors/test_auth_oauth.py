"""OAuth client credentials and refresh: what is sent, what is kept, what refusals mean."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta

import pytest
from tests.connectors.auth_world import app_with, fields, form_of

from healthdesk.connectors.auth.build import build_authorizer
from healthdesk.connectors.auth.tokens import MemoryTokens, Tokens
from healthdesk.connectors.outgoing import NotAuthorized, Outgoing
from healthdesk.connectors.wire import leaving, turn
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.errors import StoreUnavailable
from healthdesk.testing import reply

CLIENT = {"client_id": "desk", "client_secret": "c1ient-s3cret"}
GET = Outgoing("GET", "https://api.example.com/me")


def app(type_="oauth2_client_credentials", *, errors=(), headers=None, **oauth):
    method = {
        "type": type_,
        "headers": headers or {},
        "fields": fields("client_id", "client_secret", secret=("client_secret",)),
        "oauth": {"token_url": "{login}/token", "authorize_url": "{login}/authorize", **oauth},
    }
    return app_with(method, errors=list(errors))


@pytest.fixture
def built(session, clock, endpoint):
    def build(an_app, tokens=None, *, values=CLIENT, **settings):
        return build_authorizer(
            an_app,
            "main",
            values,
            {"login": endpoint.url, **settings},
            session=session,
            clock=clock,
            tokens=MemoryTokens(tokens),
        )

    return build


def granted(token="t0ken-one", **more):
    return reply(200, json={"access_token": token, "token_type": "bearer", **more})


async def refusal(authorizer):
    with pytest.raises(NotAuthorized) as caught:
        await authorizer.authorize(GET)
    return caught.value


async def test_a_client_gets_a_token_once_and_uses_it_until_it_ends(built, endpoint, clock):
    endpoint.script(granted(expires_in=3600), granted("t0ken-two", expires_in="3600"))
    authorizer = built(app(scopes=["a", "b"], extra_token={"audience": "{login}/api"}))
    paced = turn.set(asyncio.Event().wait)  # the rate is that of the endpoint, which is asked for no token
    checked = leaving.set(lambda: pytest.fail("a token is no record"))
    async with asyncio.timeout(5):
        sent = await authorizer.authorize(GET)
    leaving.reset(checked)
    turn.reset(paced)
    assert sent.headers == {"Authorization": "Bearer t0ken-one"}
    assert sent.secret_headers == {"authorization"}
    assert form_of(endpoint.requests[0]) == {
        "grant_type": "client_credentials",
        "client_id": "desk",
        "client_secret": "c1ient-s3cret",
        "scope": "a b",
        "audience": f"{endpoint.url}/api",
    }
    clock.advance(3539)
    assert (await authorizer.authorize(GET)).headers["Authorization"] == "Bearer t0ken-one"
    clock.advance(2)
    assert (await authorizer.authorize(GET)).headers["Authorization"] == "Bearer t0ken-two"
    assert len(endpoint.requests) == 2


async def test_a_scope_may_name_a_field(built, endpoint):
    # https://developer.pagerduty.com/docs/app-oauth-token: the account is a scope
    endpoint.script(granted())
    await built(app(scopes=["as_account-us.{client_id}", "users.read"])).authorize(GET)
    assert form_of(endpoint.requests[0])["scope"] == "as_account-us.desk users.read"


async def test_requests_at_the_same_time_ask_for_one_token(built, endpoint):
    endpoint.behave(granted(expires_in=60))
    authorizer = built(app())
    await asyncio.gather(*(authorizer.authorize(GET) for _ in range(5)))
    assert len(endpoint.requests) == 1


async def test_the_client_can_say_who_it_is_in_a_header(built, endpoint):
    endpoint.behave(granted())
    values = {"client_id": "de:sk", "client_secret": "s e/c"}
    await built(app(client_auth="basic"), values=values).authorize(GET)
    request = endpoint.requests[0]
    # RFC 6749, section 2.3.1
    assert base64.b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"de%3Ask:s%20e%2Fc"
    assert form_of(request) == {"grant_type": "client_credentials"}


async def test_a_setting_of_the_connection_wins_over_the_token_url(built, endpoint):
    endpoint.behave(granted())
    await built(app(), token_url=f"{endpoint.url}/elsewhere").authorize(GET)
    assert endpoint.requests[0].path == "/elsewhere"


async def test_what_the_answer_says_is_known_by_name_and_no_token_is(built, endpoint):
    endpoint.behave(granted(instance_url="https://eu1.example.com", id_token="x.y.z", refresh_token="r"))
    authorizer = built(app(headers={"Authorization": "OAuth {access_token}", "X-At": "{instance_url}"}))
    assert await authorizer.values() == {
        "token_type": "bearer",
        "instance_url": "https://eu1.example.com",
        "client_id": "desk",
    }
    headers = (await authorizer.authorize(GET)).headers
    assert headers == {"Authorization": "OAuth t0ken-one", "X-At": "https://eu1.example.com"}


async def test_a_lifetime_that_is_not_told_is_that_of_the_manifest(built, endpoint, clock):
    endpoint.script(granted(), granted("t0ken-two"))
    authorizer = built(app(lifetime_s=100))
    await authorizer.authorize(GET)
    clock.advance(91)
    assert (await authorizer.authorize(GET)).headers["Authorization"] == "Bearer t0ken-two"


async def test_an_answer_in_a_form_is_read(built, endpoint):
    endpoint.answer(
        200,
        body=b"access_token=from-a-form&expires_in=60",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (await built(app()).authorize(GET)).headers["Authorization"] == "Bearer from-a-form"


async def test_a_token_that_was_refused_is_replaced_for_one_more_try(built, endpoint, clock):
    endpoint.script(granted(), granted("t0ken-two"))
    authorizer = built(app())
    first = await authorizer.authorize(GET)
    clock.advance(1)
    assert await authorizer.refused(first)
    assert await authorizer.refused(first), "another request that carried it: the next token is on its way"
    second = await authorizer.authorize(GET)
    assert second.headers["Authorization"] == "Bearer t0ken-two"
    assert await authorizer.refused(first), "it is here"
    assert (await authorizer.authorize(GET)).headers == second.headers
    # This one was got for one that was refused: to get yet another would not help, nor to send it again.
    assert not await authorizer.refused(second)
    assert (await authorizer.authorize(GET)).headers == second.headers
    assert len(endpoint.requests) == 2
    clock.advance(60)
    assert await authorizer.refused(second)


async def test_a_refresh_keeps_the_refresh_token_where_no_new_one_comes(built, endpoint, clock):
    endpoint.script(granted(expires_in=60), granted("t0ken-two", expires_in=60, refresh_token="r2"))
    before = Tokens("old", clock.now(), refresh_token="r1", expires_at=clock.now(), values={"site": "s1"})
    authorizer = built(app("oauth2_code"), before)
    await authorizer.authorize(GET)
    clock.advance(60)
    await authorizer.authorize(GET)
    first, second = (form_of(request) for request in endpoint.requests)
    assert first == {"grant_type": "refresh_token", "refresh_token": "r1", **CLIENT}
    assert second["refresh_token"] == "r1"
    assert (await authorizer.values())["site"] == "s1"


async def test_a_token_that_cannot_be_renewed_is_used_until_it_is_refused(built, endpoint, clock):
    forever = Tokens("old", clock.now(), expires_at=clock.now())
    authorizer = built(app("oauth2_code"), forever)
    assert (await authorizer.authorize(GET)).headers["Authorization"] == "Bearer old"
    assert not await authorizer.refused(GET)
    assert endpoint.requests == []


async def test_without_any_token_the_operator_is_told_to_authorize(built):
    failure = (await refusal(built(app("oauth2_code")))).failure
    assert (failure.kind, failure.blame, failure.permanent) == (
        ErrorKind.AUTHENTICATION,
        Blame.CREDENTIAL,
        True,
    )
    assert "Authorize the connection again" in failure.next_action


@pytest.mark.parametrize(
    ("error", "description", "kind", "blame", "says"),
    [
        (
            "invalid_grant",
            "Token has been revoked.",
            "authentication",
            "credential",
            "Token has been revoked",
        ),
        ("invalid_client", "", "authentication", "credential", "does not accept the client"),
        (
            "invalid_client",
            "AADSTS7000222: The provided client secret keys for app 'x' are expired.\r\nTrace ID: 1",
            "authentication",
            "credential",
            "the client secret has expired",
        ),
        ("unauthorized_client", "not allowed", "permission", "permission", "not allowed"),
        ("invalid_scope", "", "permission", "permission", "scopes"),
        ("unsupported_grant_type", "", "configuration", "configuration", "way of getting a token"),
        ("temporarily_unavailable", "", "server_error", "them", "gives no tokens now"),
        ("app_not_installed", "", "authentication", "credential", "app_not_installed"),
    ],
)
async def test_a_refusal_is_typed_by_its_code(built, endpoint, error, description, kind, blame, says):
    endpoint.answer(400, json={"error": error, "error_description": description})
    raised = await refusal(built(app()))
    failure = raised.failure
    assert (failure.kind, failure.blame) == (kind, blame)
    assert failure.permanent is (blame != "them")
    assert says in failure.sentence
    assert failure.next_action
    assert raised.exchange is not None
    assert raised.exchange.status == 400


async def test_a_refusal_can_come_with_200(built, endpoint):
    # https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
    endpoint.answer(200, json={"error": "bad_verification_code", "error_description": "incorrect or expired"})
    failure = (await refusal(built(app()))).failure
    assert (failure.kind, failure.permanent) == (ErrorKind.AUTHENTICATION, True)
    assert "incorrect or expired" in failure.sentence


@pytest.mark.parametrize("status", [500, 503])
async def test_a_server_that_fails_is_to_blame_and_refuses_nothing(built, endpoint, status):
    endpoint.answer(status, json={"error": "invalid_grant"})
    failure = (await refusal(built(app()))).failure
    assert (failure.kind, failure.blame, failure.permanent) == (ErrorKind.SERVER_ERROR, Blame.THEM, False)


async def test_too_many_requests_are_told_with_the_wait(built, endpoint):
    endpoint.answer(429, json={"error": "invalid_grant"}, headers={"Retry-After": "17"})
    failure = (await refusal(built(app()))).failure
    assert (failure.kind, failure.permanent, failure.retry_after_s) == (ErrorKind.RATE_LIMITED, False, 17)


async def test_no_answer_is_a_failure_of_the_network(built, refused_port):
    failure = (await refusal(built(app(), token_url=f"http://127.0.0.1:{refused_port}/"))).failure
    assert (failure.kind, failure.blame, failure.permanent) == (
        ErrorKind.CONNECTION_REFUSED,
        Blame.THEM,
        False,
    )
    assert failure.sentence.startswith("No token from Test App: ")


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, body=b"<html>Sign in</html>", headers={"Content-Type": "text/html"}),
        reply(200, json=["x"]),
        reply(200, json={}),
        reply(200, json={"access_token": 7}),
    ],
)
async def test_an_answer_without_a_token_is_unexpected_and_passes(built, endpoint, answer):
    endpoint.behave(answer)
    failure = (await refusal(built(app()))).failure
    assert (failure.kind, failure.blame, failure.permanent) == (
        ErrorKind.UNEXPECTED_ANSWER,
        Blame.THEM,
        False,
    )


async def test_what_the_app_repeats_of_the_secret_is_not_kept(built, endpoint):
    endpoint.answer(
        401, json={"error": "invalid_client", "error_description": "no client desk:c1ient-s3cret"}
    )
    raised = await refusal(built(app()))
    assert "c1ient-s3cret" not in raised.failure.sentence + raised.failure.message
    assert b"c1ient-s3cret" not in raised.exchange.response_body
    endpoint.answer(401, body=b"who is c1ient-s3cret?", headers={"Content-Type": "text/plain"})
    raised = await refusal(built(app()))
    assert "c1ient-s3cret" not in raised.failure.sentence + raised.failure.message


async def test_a_token_in_an_answer_that_is_none_is_not_kept(built, endpoint):
    endpoint.answer(200, json={"token": "someb0dys-t0ken"})
    raised = await refusal(built(app()))
    assert b"someb0dys-t0ken" not in raised.exchange.response_body


async def test_a_token_is_renewed_early_and_a_failure_of_that_passes_while_it_counts(built, endpoint, clock):
    endpoint.script(granted(expires_in=3600))
    endpoint.answer(503)
    authorizer = built(app())
    await authorizer.authorize(GET)
    clock.advance(3550)
    assert (await authorizer.authorize(GET)).headers["Authorization"] == "Bearer t0ken-one"
    assert len(endpoint.requests) == 2
    clock.advance(51)
    assert (await refusal(authorizer)).failure.kind is ErrorKind.SERVER_ERROR


def rule(**more):
    return {"kind": "permission", "sentence": "by the rule: {message}", "fix": "Do it.", **more}


@pytest.mark.parametrize(
    ("errors", "error", "sentence"),
    [
        ([rule(when="error == 'invalid_grant'", on=["token"])], "invalid_grant", "by the rule: because"),
        ([rule(status=["400"])], "invalid_grant", "Test App does not accept the grant any more"),
        ([rule(status=["400"])], "own_code", "by the rule: because"),
        ([rule(status=["400"], on=["heartbeat"])], "own_code", "Test App refused to give a token"),
    ],
)
async def test_rules_for_token_answers_come_before_codes_and_those_for_all_after(
    built, endpoint, errors, error, sentence
):
    endpoint.answer(400, json={"error": error, "error_description": "because"})
    failure = (await refusal(built(app(errors=errors)))).failure
    assert failure.sentence.startswith(sentence)
    assert (failure.kind is ErrorKind.PERMISSION) == sentence.startswith("by the rule")


async def test_a_rule_repeats_no_secret(built, endpoint):
    endpoint.answer(400, json={"error": "no", "error_description": "bad c1ient-s3cret"})
    failure = (await refusal(built(app(errors=[rule(status=["400"])])))).failure
    assert failure.sentence == "by the rule: bad ••••"
    assert "c1ient" not in repr(failure)


async def test_a_database_that_is_away_costs_no_token_that_still_counts(session, clock, endpoint):
    class Away(MemoryTokens):
        async def renew(self, stale, fetch):
            raise StoreUnavailable("the database is away")

    hour = timedelta(hours=1)
    tokens = Away(Tokens("t0ken-one", clock.now(), expires_at=clock.now() + hour))
    authorizer = build_authorizer(
        app(), "main", CLIENT, {"login": endpoint.url}, session=session, clock=clock, tokens=tokens
    )
    clock.advance(3590)
    assert (await authorizer.authorize(GET)).headers["Authorization"] == "Bearer t0ken-one"
    clock.advance(11)
    with pytest.raises(StoreUnavailable):
        await authorizer.authorize(GET)
