"""An app that means harm: each check fails clearly, within its time and with little memory."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.connectors.engine import TOKEN, connector

from healthdesk.connectors.client import CHECK_BYTES, STORED_BODY_BYTES
from healthdesk.connectors.connector import CheckOutcome, Connector
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.testing import drip, garbage, gzip_bomb, huge, reply, reset_in_answer
from healthdesk.testing.faults import Behaviour, Visit, head

MIB = 1_048_576
MOST_MEMORY = 4 * MIB
JSON = {"Content-Type": "application/json"}
ME = """
message = "error.message || message"
[[heartbeat]]
request = { path = "me" }
success = "ok != `false`"
[heartbeat.identity]
account_id = "id"
account = "join(' ', [first, last])"
site = "site"
scopes = { path = "scopes[].name" }
expires = { path = "expires" }
[[errors]]
when = "length(errors) > `0`"
kind = "refused"
sentence = "Acme refused: {message}"
[[errors]]
text = "(?i)rate limit"
kind = "rate_limited"
sentence = "Acme asks to slow down"
"""
HEAD, _, REST = ME.partition("[[heartbeat]]")


@pytest.fixture
def acme(session, clock, endpoint) -> Connector:
    head = 'id = "acme"\nname = "Acme"\n' + HEAD + '[[auth]]\nid = "token"\nname = "Token"\n'
    return connector("[[heartbeat]]" + REST, session, clock, endpoint.url, head=head, timeout_s=10.0)


@contextmanager
def little_memory() -> Iterator[None]:
    """Fail when what happens inside takes more than a few MiB at once, the fake's own share included."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY, f"{peak / MIB:.1f} MiB"


async def failed_check(acme: Connector) -> CheckOutcome:
    await acme.check()  # what is imported and compiled once is no answer's doing
    with little_memory():
        outcome = await acme.check()
    assert outcome.identity is None
    assert outcome.failure is not None
    assert outcome.failure.sentence.isprintable()
    assert len(outcome.exchange.response_body) <= STORED_BODY_BYTES
    assert TOKEN not in repr(outcome)
    return outcome


def endless() -> Behaviour:
    """Answer with chunks for as long as anybody reads."""

    async def act(visit: Visit) -> bool:
        visit.writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        while not visit.writer.is_closing():
            visit.writer.write(b"10000\r\n" + b"[" * 65_536 + b"\r\n")
            await visit.writer.drain()
            await asyncio.sleep(0)
        return False

    return Behaviour("endless", act)


@pytest.mark.parametrize("behaviour", [endless(), huge(1 << 40)], ids=["chunked", "announced"])
async def test_an_endless_body_is_left_unread(acme, endpoint, behaviour):
    endpoint.behave(behaviour)
    outcome = await failed_check(acme)
    if outcome.exchange.response_headers.get("Content-Type"):
        assert outcome.failure.kind is ErrorKind.RESPONSE_TOO_LARGE
        assert outcome.failure.sentence == "Acme answered 200 with more than 256 KiB, which is not read"
        assert outcome.failure.blame is Blame.THEM
    assert outcome.exchange.response_cut


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_bomb_does_not_go_off(acme, endpoint, encoding):
    endpoint.behave(gzip_bomb(64 * MIB, encoding=encoding))
    outcome = await failed_check(acme)
    assert outcome.failure.kind is ErrorKind.RESPONSE_TOO_LARGE


async def test_a_bomb_in_a_bomb_does_not_go_off(acme, endpoint):
    packed = gzip.compress(gzip.compress(bytes(64 * MIB)))
    endpoint.answer(200, body=packed, headers={**JSON, "Content-Encoding": "gzip, gzip"})
    assert (await failed_check(acme)).failure.kind is ErrorKind.UNEXPECTED_ANSWER


@pytest.mark.parametrize("in_headers", [False, True])
async def test_a_slow_drip_ends_with_the_deadline(acme, endpoint, clock, in_headers):
    endpoint.behave(drip(in_headers=in_headers))
    check = asyncio.create_task(acme.check())
    await endpoint.wait_for_parts(3)
    clock.advance(9.9)
    await endpoint.wait_for_parts(endpoint.parts + 3)
    assert not check.done()
    clock.advance(0.2)
    outcome = await check
    assert outcome.failure.kind is ErrorKind.TIMEOUT
    assert outcome.exchange.duration_ms == pytest.approx(10_000, abs=200)
    if not in_headers:
        assert outcome.failure.sentence.startswith("Acme answered 200 and broke off")


async def test_a_heartbeat_and_what_goes_with_it_share_one_deadline(session, clock, endpoint):
    text = '[[heartbeat]]\nrequest = { path = "me" }\nidentity = { account_id = "id" }\n' + "".join(
        f'[[heartbeat.also]]\nrequest = {{ path = "also/{number}" }}\n' for number in range(5)
    )

    async def act(visit: Visit) -> bool:
        clock.advance(4.0)
        return await reply(200, json={"id": 1}).act(visit)

    endpoint.behave(Behaviour("slow", act))
    outcome = await connector(text, session, clock, endpoint.url, timeout_s=10.0).check()
    assert outcome.ok
    assert len(endpoint.requests) <= 4


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/", "/elsewhere", "file:///etc/passwd"],
)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(acme, endpoint, location, status):
    endpoint.answer(status, headers={"Location": location})
    outcome = await failed_check(acme)
    assert (outcome.failure.kind, outcome.failure.blame) == (ErrorKind.REDIRECT, Blame.CONFIGURATION)
    assert {each.path for each in endpoint.requests} == {"/me"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"id": "\xff\xfe"}', "text that is not UTF-8"),
        (b"\xff\xfe{\x00}\x00", "text that is not UTF-8"),
        (b'{"id": "a\x00b"}', "something that is not JSON"),
        (b'{"id": ' + b"[" * 15_000 + b"]" * 15_000 + b"}", "nested too deeply"),
        (b'{"id":' * 30_000 + b"1" + b"}" * 30_000, "more values than are read"),
        (b'{"id": ' + b"9" * 100_000 + b"}", "something that is not JSON"),
        (b'{"id": -Infinity}', "something that is not JSON"),
        (b"[" + b"[]," * 80_000 + b"[]]", "more values than are read"),
        (b"[" + b"{}," * 80_000 + b"{}]", "more values than are read"),
        (b"[" + b'{"a":[]},' * 25_000 + b"{}]", "more values than are read"),
        (b"[" + b"0," * 120_000 + b"0]", "more values than are read"),
        (b'{"a": "' + b"x" * 250_000 + '🙂"}'.encode(), "without an account"),
        (b'{"a": "' + b"\\ud83d\\ude42" * 20_000 + b'"}', "without an account"),
        (b" " * 250_000, "an empty answer"),
        (b"\xef\xbb\xbf{}", "without an account"),
        (b"null", "without an account"),
    ],
    ids=lambda value: value[:12] if isinstance(value, bytes) else None,
)
async def test_a_body_of_every_bad_kind_is_a_clear_failure(acme, endpoint, body, says):
    assert len(body) <= CHECK_BYTES
    endpoint.answer(200, body=body, headers=JSON)
    outcome = await failed_check(acme)
    assert says in outcome.failure.sentence
    assert outcome.failure.kind in {ErrorKind.UNEXPECTED_ANSWER, ErrorKind.RESPONSE_TOO_LARGE}


async def test_what_is_nested_as_deeply_as_can_be_read_harms_nothing(acme, endpoint):
    for depth in (100, 500, 900, 990):
        deep = b"[" * depth + b"]" * depth
        endpoint.answer(
            400, body=b'{"id": %s, "errors": %s, "error": {"message": %s}}' % (deep, deep, deep), headers=JSON
        )
        outcome = await failed_check(acme)
        assert outcome.failure.kind in {ErrorKind.REFUSED, ErrorKind.UNEXPECTED_ANSWER}


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "a\\u0000b\\ud800c\\u202ed\\n", "first": "\\u0000", "last": "\\udfff", "scopes": [{"name": "\\u0000x"}]}',
        b'{"id": 1e400, "first": 1, "scopes": "x", "expires": 1e400, "site": {"a": 1}}',
        b'{"id": 123456789012345678901234567890123, "expires": "9999-99-99", "scopes": {"a": {"name": 1}}}',
        b'{"id": ' + b"7" * 4_200 + b"}",
        b'{"id": "' + b"x" * 200_000 + b'", "scopes": [' + b'{"name":"s"},' * 3_000 + b"{}]}",
    ],
    ids=["controls", "types", "numbers", "digits", "long"],
)
async def test_what_an_answer_tells_can_be_kept(acme, endpoint, body):
    endpoint.answer(200, body=body, headers=JSON)
    with little_memory():
        outcome = await acme.check()
    assert outcome.failure is None
    told = outcome.identity
    for text in (told.account_id, told.account, told.site, *(told.scopes or ())):
        assert text.isprintable()
        assert len(text) <= 200
        text.encode()
    assert told.account_id
    assert told.expires_at is None


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (garbage(), ErrorKind.PROTOCOL),
        (garbage(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000), ErrorKind.PROTOCOL),
        (reset_in_answer(), ErrorKind.RESET),
        (reply(200, body=b"not gzip", headers={"Content-Encoding": "gzip", **JSON}), ErrorKind.PROTOCOL),
        (reply(500, body=b"rate limit" + b"x" * 100_000, headers=JSON), ErrorKind.RATE_LIMITED),
        (reply(999, body=b"{}", headers=JSON), ErrorKind.UNEXPECTED_ANSWER),
        (reply(204), ErrorKind.UNEXPECTED_ANSWER),
    ],
    ids=["no HTTP", "long header", "broken off", "no gzip", "text", "status", "nothing"],
)
async def test_what_is_hardly_http_is_a_clear_failure(acme, endpoint, behaviour, kind):
    endpoint.behave(behaviour)
    assert (await failed_check(acme)).failure.kind is kind


XML = '[[heartbeat]]\nrequest = { path = "me", answer = "xml" }\nidentity = { account_id = "a.b" }\n'


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a><b>&x;</b></a>', "something that is not XML"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b>&x;</b></a>', "not XML"),
        (b"<a>" * 60_000, "more values than are read"),
        (b"<a><b>1</b>", "something that is not XML"),
        (b'{"a": 1}', "something that is not XML"),
        (b"<a><c/></a>", "without an account"),
    ],
    ids=["entity", "external", "deep", "open", "json", "other"],
)
async def test_xml_brings_nothing_from_elsewhere(session, clock, endpoint, body, says):
    endpoint.answer(200, body=body, headers={"Content-Type": "text/xml"})
    outcome = await failed_check(connector(XML, session, clock, endpoint.url))
    assert says in outcome.failure.sentence
    assert b"root:" not in outcome.exchange.response_body


async def test_xml_is_read(session, clock, endpoint):
    endpoint.answer(200, body=b"<a><b>1</b></a>", headers={"Content-Type": "text/xml"})
    assert (await connector(XML, session, clock, endpoint.url).check()).identity.account_id == "1"


async def test_headers_without_end_are_bounded(acme, endpoint):
    async def act(visit: Visit) -> bool:
        lines = {f"X-{number}": "y" * 4_000 for number in range(200)}
        visit.writer.write(head(200, lines, 2) + b"{}")
        await visit.writer.drain()
        return True

    endpoint.behave(Behaviour("many headers", act))
    outcome = await failed_check(acme)
    assert sum(len(value) for value in outcome.exchange.response_headers.values()) <= 16_384
