"""No answer fills the memory: raw and inflated bytes are capped, and a cut says so."""

import gzip
import tracemalloc
import zlib

import pytest

from healthdesk.connectors.answer import DRAIN_BYTES, Inflater
from healthdesk.connectors.session import Request
from healthdesk.domain.states import ErrorKind
from healthdesk.testing import gzip_bomb, huge, reply

CAP = 10_000


async def get(session, endpoint, cap=CAP):
    return await session.send(Request("GET", f"{endpoint.url}/", stored_body_bytes=cap))


@pytest.mark.parametrize(("size", "cut"), [(CAP - 1, False), (CAP, False), (CAP + 1, True)])
@pytest.mark.parametrize("encoding", ["", "gzip", "deflate", "x-gzip"])
async def test_a_body_is_cut_only_beyond_the_cap(session, endpoint, size, cut, encoding):
    plain = b"a" * size
    packed = {"": plain, "deflate": zlib.compress(plain)}.get(encoding, gzip.compress(plain))
    endpoint.answer(200, body=packed, headers={"Content-Encoding": encoding} if encoding else {})
    exchange = await get(session, endpoint)
    assert exchange.response_body == plain[:CAP]
    assert exchange.response_cut is cut
    assert exchange.body_error is None


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_bomb_is_kept_to_the_cap_and_the_connection_survives(session, endpoint, encoding):
    endpoint.behave(gzip_bomb(50_000_000, encoding=encoding))
    exchange = await get(session, endpoint)
    assert exchange.response_body == bytes(CAP)
    assert exchange.response_cut
    await get(session, endpoint)
    assert {seen.connection for seen in endpoint.requests} == {1}


def test_inflating_a_bomb_never_holds_more_than_the_cap():
    packed = gzip.compress(bytes(50_000_000))
    inflater = Inflater("gzip", CAP)
    kept = 0
    for start in range(0, len(packed), 4096):
        part = inflater.feed(packed[start : start + 4096], kept)
        kept += len(part)
        assert kept <= CAP
    assert inflater.cut


def test_inflating_a_bomb_takes_little_memory_on_the_way():
    packed = gzip.compress(bytes(50_000_000))
    tracemalloc.start()
    try:
        Inflater("gzip", CAP).feed(packed, 0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


async def test_a_long_body_is_drained_for_the_connection_and_an_endless_one_is_given_up(session, endpoint):
    endpoint.script(huge(CAP + DRAIN_BYTES // 2), huge(50_000_000), reply(200))
    for _ in range(3):
        exchange = await get(session, endpoint)
    assert exchange.status == 200
    assert [seen.connection for seen in endpoint.requests] == [1, 1, 2]


async def test_gzip_in_several_members_is_one_body(session, endpoint):
    packed = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0\0"
    endpoint.answer(200, body=packed, headers={"Content-Encoding": "gzip"})
    exchange = await get(session, endpoint)
    assert (exchange.response_body, exchange.response_cut) == (b"one two", False)


async def test_deflate_without_its_wrapper_is_read_too(session, endpoint):
    raw = zlib.compressobj(wbits=-15)
    endpoint.answer(
        200, body=raw.compress(b"plain words") + raw.flush(), headers={"Content-Encoding": "deflate"}
    )
    assert (await get(session, endpoint)).response_body == b"plain words"


@pytest.mark.parametrize(
    "packed", [b"not gzip at all", gzip.compress(b"a" * 5000)[:-9]], ids=["not gzip", "cut short"]
)
async def test_damaged_compression_keeps_the_status_and_says_so(session, endpoint, packed):
    endpoint.answer(422, body=packed, headers={"Content-Encoding": "gzip"})
    exchange = await get(session, endpoint)
    assert (exchange.status, exchange.error) == (422, None)
    assert exchange.response_cut
    assert exchange.body_error.kind is ErrorKind.PROTOCOL


async def test_an_encoding_nobody_asked_for_is_kept_as_it_came(session, endpoint):
    endpoint.answer(200, body=b"\x0b\x02\x80br", headers={"Content-Encoding": "br"})
    exchange = await get(session, endpoint)
    assert (exchange.response_body, exchange.response_cut) == (b"\x0b\x02\x80br", False)
    assert endpoint.requests[0].headers["accept-encoding"] == "gzip, deflate"


async def test_an_empty_body_with_an_encoding_is_empty(session, endpoint):
    endpoint.answer(200, headers={"Content-Encoding": "gzip"})
    exchange = await get(session, endpoint)
    assert (exchange.response_body, exchange.response_cut, exchange.body_error) == (b"", False, None)


async def test_a_cap_of_nothing_keeps_nothing(session, endpoint):
    endpoint.answer(200, body=b"abc")
    exchange = await get(session, endpoint, cap=0)
    assert (exchange.response_body, exchange.response_cut) == (b"", True)
