"""An endpoint that repeats the credential does not bring it into what is kept, in whatever form it writes it."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from dataclasses import asdict
from urllib.parse import quote

import pytest
from tests.connectors.auth_world import endpoint_authorizer

from healthdesk.connectors.auth import StoredCredentials, auth_headers, secret_headers, secrets_of
from healthdesk.connectors.echoes import NO_SECRETS, Secrets
from healthdesk.connectors.heartbeat import check
from healthdesk.connectors.session import Request
from healthdesk.domain.exchange import Exchange
from healthdesk.domain.outcome import judge_response
from healthdesk.domain.scrubbing import MASK
from healthdesk.testing import garbage

TOKEN = 'tok/4f9d+2c71=b8"e05&a63'
PASSWORD = "pa55 wörd/😀&<x>"
BASIC = base64.b64encode(f"desk:{PASSWORD}".encode()).decode()
BEARER = StoredCredentials(auth="bearer", token=TOKEN)
LOGIN = StoredCredentials(auth="basic", username="desk", password=PASSWORD)
WRITTEN = {
    "as it is": lambda text: text,
    "JSON": json.dumps,
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON of PHP": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON of .NET": lambda text: "".join(
        char
        if char.isalnum() and char.isascii()
        else json.dumps(char)[1:-1]
        if not char.isascii()
        else f"\\u{ord(char):04X}"
        for char in text
    ),
    "URL": lambda text: quote(text, safe=""),
    "path": lambda text: re.sub(r"%..", lambda octet: octet[0].lower(), quote(text)),
    "HTML": html.escape,
    "HTML in numbers": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
}


def sending(url: str, credentials: StoredCredentials, **given: object) -> Request:
    return Request(
        "POST",
        url,
        headers=auth_headers(credentials),
        body=b"{}",
        secret_headers=secret_headers(credentials),
        secrets=secrets_of(credentials),
        **given,
    )


def texts_of(exchange: Exchange) -> str:
    failure = judge_response(exchange, b'{"name": "John"}')
    said = asdict(failure) if failure is not None else {}
    return f"{exchange!r} {exchange.response_body.decode()} {said!r}"


@pytest.mark.parametrize("how", list(WRITTEN))
@pytest.mark.parametrize("secret", [TOKEN, PASSWORD, BASIC])
def test_a_secret_is_found_however_it_is_written(how, secret):
    secrets = secrets_of(BEARER if secret is TOKEN else LOGIN)
    echo = WRITTEN[how](secret)
    body = secrets.out_of(f"% before {echo} & between \\ {echo} after \\n %41".encode()).decode()
    masked = f'"{MASK}"' if how.startswith("JSON") and echo.startswith('"') else MASK
    left = body.replace(masked, MASK).replace(f"{MASK}==", MASK).replace(f"{MASK}=", MASK)
    assert left == f"% before {MASK} & between \\ {MASK} after \\n %41"


@pytest.mark.parametrize("status", [200, 401, 422, 500])
async def test_an_echoed_credential_is_in_nothing_that_is_kept(session, endpoint, status):
    for credentials, secret in ((BEARER, TOKEN), (LOGIN, PASSWORD), (LOGIN, BASIC)):
        body = {
            "error": f"bad token {secret}",
            "errors": [{"field": secret, "message": f"{secret} is unknown"}],
        }
        named = {"X-Echo": secret.encode().decode("latin-1"), "Location": f"/in?t={quote(secret, safe='')}"}
        endpoint.answer(status, body=json.dumps(body).encode(), headers=named)
        exchange = await session.send(sending(endpoint.url, credentials))
        assert endpoint.requests[-1].headers["authorization"] == auth_headers(credentials)["Authorization"]
        kept = texts_of(exchange)
        for written in WRITTEN.values():
            assert written(secret).strip('"=') not in kept
        assert json.loads(exchange.response_body)["error"] == f"bad token {MASK}"
        assert exchange.response_headers["Location"] == f"/in?t={MASK}"


async def test_a_heartbeat_that_repeats_the_credential_does_not_keep_it(session, endpoint, clock):
    class Spec:
        method, path, expected_status = "GET", "/health", 200

    endpoint.answer(422, body=f"bad {TOKEN}".encode(), headers={"X-Echo": TOKEN})
    outcome = await check(session, endpoint.url, Spec(), endpoint_authorizer(session, BEARER), clock=clock)
    assert outcome.failure is not None
    assert outcome.failure.sentence == f"bad {MASK}"
    assert TOKEN not in repr(outcome)


async def test_a_compressed_answer_is_read_before_it_is_looked_through(session, endpoint):
    endpoint.answer(422, body=gzip.compress(f"bad {TOKEN}".encode()), headers={"Content-Encoding": "gzip"})
    exchange = await session.send(sending(endpoint.url, BEARER))
    assert exchange.response_body.decode() == f"bad {MASK}"


async def test_a_body_cut_in_the_middle_of_a_secret_keeps_no_part_of_it(session, endpoint):
    endpoint.answer(422, body=f"no {TOKEN}".encode())
    exchange = await session.send(sending(endpoint.url, BEARER, stored_body_bytes=16))
    assert exchange.response_cut
    assert exchange.response_body.decode() == f"no {MASK}"


async def test_masks_do_not_make_a_body_longer_than_is_kept(session, endpoint):
    endpoint.answer(422, body=b"abcd" * 16)
    short = StoredCredentials(auth="bearer", token="abcd")
    exchange = await session.send(sending(endpoint.url, short, stored_body_bytes=64))
    assert exchange.response_cut
    assert len(exchange.response_body) == 64
    assert b"abcd" not in exchange.response_body


async def test_an_answer_that_is_not_http_is_told_without_the_secret(session, endpoint):
    endpoint.behave(garbage(f"HTTP/1.1 200 OK\r\nBad Header {TOKEN}\r\n\r\n".encode()))
    exchange = await session.send(sending(endpoint.url, BEARER))
    assert exchange.error is not None
    assert TOKEN not in repr(exchange)


def test_an_answer_without_a_secret_is_left_as_it_is():
    secrets = Secrets([TOKEN])
    body = b'{"text": "100 %, \\u00e9 \\/ &amp; %C3%A9"}'
    headers = {"Report-To": '{"url":"https:\\/\\/x\\/v4?s=a%2Bb&c"}'}
    assert secrets.out_of(body) is body
    assert secrets.out_of_headers(headers) is headers


def test_without_a_credential_there_is_nothing_to_look_for():
    assert not NO_SECRETS
    assert not secrets_of(StoredCredentials())
    assert NO_SECRETS.out_of(b"a % b") == b"a % b"


def test_secrets_are_not_shown():
    assert TOKEN not in repr(Request("POST", "http://crm.example", secrets=Secrets([TOKEN])))


@pytest.mark.parametrize("before", [0, 1, 54, 61, 62, 63, 64, 118, 125, 128])
def test_a_secret_is_found_wherever_it_stands_in_a_long_run_of_escapes(before):
    secret = "se🙂cret-🙂x"
    units = secret.encode("utf-16-be")
    escaped = "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
    body = ("\\u0041" * before + escaped).encode()
    out = Secrets((secret,)).out_of(body)
    assert secret not in json.loads(b'"' + out + b'"')
    assert "cret" not in json.loads(b'"' + out + b'"')
