from dataclasses import dataclass

import pytest
from tests.connectors.auth_world import endpoint_authorizer
from yarl import URL

from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.heartbeat import check
from healthdesk.connectors.urls import check_base_url, join_url
from healthdesk.domain.states import ErrorKind
from healthdesk.errors import ConnectorError


@dataclass
class Spec:
    method: str = "GET"
    path: str = "/health"
    expected_status: int = 200


async def test_the_expected_status_is_healthy_and_the_request_carries_the_credentials(
    session, endpoint, clock
):
    endpoint.answer(204)
    outcome = await check(
        session,
        f"{endpoint.url}/api/",
        Spec("OPTIONS", "/ping?deep=1", 204),
        endpoint_authorizer(session, StoredCredentials(auth="bearer", token="tok-1234567890abcd")),
        clock=clock,
    )
    assert outcome.ok
    assert outcome.exchange.status == 204
    [seen] = endpoint.requests
    assert (seen.method, seen.path) == ("OPTIONS", "/api/ping?deep=1")
    assert seen.headers["authorization"] == "Bearer tok-1234567890abcd"
    assert "tok-12345" not in repr(outcome)


async def test_a_status_that_is_expected_is_healthy_even_where_it_is_an_error(session, endpoint, clock):
    endpoint.answer(405)
    assert (
        await check(
            session,
            endpoint.url,
            Spec(expected_status=405),
            endpoint_authorizer(session, StoredCredentials()),
            clock=clock,
        )
    ).ok


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, ErrorKind.AUTHENTICATION),
        (403, ErrorKind.PERMISSION),
        (503, ErrorKind.SERVER_ERROR),
        (204, ErrorKind.UNEXPECTED_ANSWER),
    ],
)
async def test_another_status_is_a_typed_failure(session, endpoint, clock, status, kind):
    endpoint.answer(status)
    outcome = await check(
        session, endpoint.url, Spec(), endpoint_authorizer(session, StoredCredentials()), clock=clock
    )
    assert not outcome.ok
    assert outcome.failure.kind is kind


async def test_no_answer_is_a_typed_failure(session, refused_port, clock):
    outcome = await check(
        session,
        f"http://127.0.0.1:{refused_port}",
        Spec(),
        endpoint_authorizer(session, StoredCredentials()),
        clock=clock,
    )
    assert outcome.failure.kind is ErrorKind.CONNECTION_REFUSED


@pytest.mark.parametrize(
    ("base", "path", "joined"),
    [
        ("https://crm.example", "", "https://crm.example"),
        ("https://crm.example/", "/", "https://crm.example/"),
        ("https://crm.example/api", "", "https://crm.example/api"),
        ("https://crm.example/api/", "/v1/hra", "https://crm.example/api/v1/hra"),
        ("https://crm.example/api", "v1?x=1", "https://crm.example/api/v1?x=1"),
        ("https://crm.example/api?key=a", "v1?x=1", "https://crm.example/api/v1?key=a&x=1"),
        ("https://crm.example/api", "?x=1", "https://crm.example/api?x=1"),
        ("https://crm.example/api", "//evil.example/x", "https://crm.example/api/evil.example/x"),
        (
            "https://crm.example/api",
            "https://evil.example/x",
            "https://crm.example/api/https://evil.example/x",
        ),
        ("https://crm.example", "@evil.example/x", "https://crm.example/@evil.example/x"),
        ("https://crm.example", ".evil.example", "https://crm.example/.evil.example"),
        ("https://crm.example/api", "a#b", "https://crm.example/api/a"),
    ],
)
def test_a_path_stays_under_its_base_url(base, path, joined):
    assert join_url(base, path) == joined
    assert URL(joined).host == "crm.example"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("https://crm.example", "https://crm.example"),
        (" https://crm.example/api/ ", "https://crm.example/api/"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("HTTPS://CRM.example:443/Api", "https://crm.example:443/Api"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ],
)
def test_a_good_base_url_is_taken_in_its_plain_form(text, plain):
    assert check_base_url(text) in {plain, plain.replace(":443", "")}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "does not begin with http:// or https://"),
        ("crm.example", "does not begin with http:// or https://"),
        ("ftp://crm.example", "does not begin with http:// or https://"),
        ("https://", "names no host"),
        ("https://user:geheim@crm.example", "user name or password"),
        ("https://crm.example/a b", "space"),
        ("https://crm.example/#top", "fragment"),
        ("https://crm.example:99999", "not a URL"),
        ("https://crm.example:0", "port 0"),
        ("http://127.1/", "four parts"),
        ("http://2130706433/", "four parts"),
        ("http://0x7f000001/", "four parts"),
        ("http://[::1", "not a URL"),
    ],
)
def test_a_wrong_base_url_says_what_is_wrong_and_the_fix(text, part):
    with pytest.raises(ConnectorError) as caught:
        check_base_url(text)
    assert part in caught.value.what
    assert caught.value.fix
    assert "geheim" not in caught.value.what + caught.value.fix
